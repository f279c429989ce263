/** The shipped alert rules, as far as promtool cannot judge them: names are ours, and each says what to do. */
import { parseYamlText, type YamlNode, type YamlScalar } from "../../src/config/yaml_text.ts";
import { assert, assertEquals } from "../assert.ts";
import { unknownNames } from "./known_metrics.ts";

type Plain = YamlScalar | Plain[] | { [key: string]: Plain };

interface Rule {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}

function plainOf(node: YamlNode): Plain {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plainOf);
  return Object.fromEntries(node.pairs.map(({ key, value }) => [key, plainOf(value)]));
}

async function readRules(): Promise<Rule[]> {
  const file = new URL("../../scripts/prometheus/alerts.yaml", import.meta.url);
  const node = parseYamlText(await Deno.readTextFile(file), "alerts.yaml");
  assert(node !== null);
  const { groups } = plainOf(node) as unknown as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

Deno.test("alerts name metrics and labels that a scrape has, and no others", async () => {
  const rules = await readRules();
  assert(rules.length > 10);
  for (const { alert, expr, annotations: { summary, description } } of rules) {
    const shown = [...`${summary} ${description}`.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);
    assertEquals(unknownNames(expr, shown), [], alert);
  }
});

Deno.test("process metrics, which every program has, are asked of this job alone", async () => {
  for (const { alert, expr } of await readRules()) {
    for (const [, name, rest = ""] of expr.matchAll(/\b(up|process_\w+)([^\s)]*)/g)) {
      assert(rest.startsWith('{job="discovery-client"}'), `${alert}: ${name}`);
    }
  }
});

Deno.test("each alert has a name, a severity, a time to wait, and says what to do", async () => {
  const rules = await readRules();
  assertEquals(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  for (const { alert, labels, annotations, ...rule } of rules) {
    assert(/^DiscoveryClient[A-Z]\w+$/.test(alert), alert);
    assert(["critical", "warning"].includes(labels.severity), alert);
    assert(/^\d+m$/.test(rule.for), alert);
    assert(annotations.summary.length > 0 && annotations.summary.length < 120, alert);
    for (const command of ["status", "doctor"]) {
      assert(annotations.description.includes(`discovery-client ${command}`), `${alert}: ${command}`);
    }
  }
});

Deno.test("each alert has a case in which it fires", async () => {
  const cases = await Deno.readTextFile(new URL("alert_cases.yaml", import.meta.url));
  const fired = new Set([...cases.matchAll(/ALERTS\{alertname="(\w+)"/g)].map(([, name]) => name));
  assertEquals([...fired].sort(), (await readRules()).map(({ alert }) => alert).sort());
});

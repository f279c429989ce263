import { keyOf, list, live, member, nvm } from "../plan/fact_samples.ts";
import { plan } from "../../src/plan/plan.ts";
import { metricFamilies } from "../../src/report/metric_families.ts";
import type { Labels, MetricFamily } from "../../src/report/metric_family.ts";
import { formatMetrics } from "../../src/report/metrics_text.ts";
import { takeSnapshot } from "../../src/report/snapshot.ts";
import { Tally } from "../../src/report/tally.ts";
import { assert, assertEquals } from "../assert.ts";
import { sampleFacts, sampleInput, secret } from "./metric_samples.ts";

const goldenFile = new URL("metrics_golden.txt", import.meta.url);

Deno.test("the metrics of a small agent are those of the golden text", async () => {
  const text = await formatMetrics(metricFamilies(sampleInput()), "prometheus");
  assertEquals(text.split("\n"), (await Deno.readTextFile(goldenFile)).split("\n"));
});

/** Of every sample: its name, labels as text, value. */
function samplesOf(text: string): { name: string; labels: string; value: number }[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const [, name = "", labels = "", value = ""] =
      /^([a-z0-9_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (\S+)$/.exec(line) ?? [];
    assert(name !== "", `Not a sample: ${line}`);
    return { name, labels, value: Number(value) };
  });
}

for (const format of ["prometheus", "openmetrics"] as const) {
  Deno.test(`every metric has HELP and TYPE and keeps the naming rules, as ${format}`, async () => {
    const families = metricFamilies(sampleInput());
    const text = await formatMetrics(families, format);
    const declared = new Map<string, string>();
    for (const [, name = "", help = ""] of text.matchAll(/^# HELP (\S+) (.*)$/gm)) {
      assert(/^[A-Z].*[^.]$/.test(help), `${name}: ${help}`);
      const type = new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`, "m").exec(text)?.[1];
      assert(type !== undefined && !declared.has(name), name);
      declared.set(name, type);
    }
    assertEquals(declared.size, families.length);
    assertEquals([...text.matchAll(/^# TYPE /gm)].length, families.length);
    const old = ["discovery_connections_total", "discovery_entries_total"];
    for (const [name, type] of declared) {
      assert(/^(discovery|process)_[a-z]+(_[a-z]+)*$/.test(name), name);
      // OpenMetrics leaves the suffix to the samples.
      const total = format === "openmetrics" ? false : type === "counter";
      if (!old.includes(name)) assertEquals(name.endsWith("_total"), total, name);
      if (type === "histogram") assert(name.endsWith("_seconds"), name);
      assert(
        !/_(ms|milliseconds|minutes|kb|mb|count)$/.test(name) || name === "discovery_log_page_count",
        name,
      );
    }
    const seen = new Set<string>();
    for (const { name, labels, value } of samplesOf(text)) {
      const family = declared.has(name) ? name : name.replace(/_(total|bucket|sum|count)$/, "");
      assert(declared.has(family), `${name} is not declared`);
      assert(Number.isFinite(value), `${name} is ${value}`);
      assert(!seen.has(`${name}{${labels}}`), `${name}{${labels}} twice`);
      seen.add(`${name}{${labels}}`);
    }
    assert(seen.size > 100);
    assertEquals(text.endsWith("\n# EOF\n"), format === "openmetrics");
  });
}

function valueOf(families: readonly MetricFamily[], name: string, labels: Labels = {}): number | undefined {
  const family = families.find((one) => one.name === name);
  return family?.samples.find((sample) => {
    const all = { ...sample.shared, ...sample.labels };
    return Object.entries(labels).every(([label, value]) => all[label] === value);
  })?.value;
}

Deno.test("the predecessor's metrics have its names, types and labels", async () => {
  const families = metricFamilies(sampleInput());
  const text = await formatMetrics(families, "prometheus");
  const labelsOf = (
    name: string,
  ) => [
    ...new Set(
      families.find((one) => one.name === name)!.samples.map(({ shared, labels }) =>
        Object.keys({ ...shared, ...labels }).join()
      ),
    ),
  ];
  assertEquals(labelsOf("discovery_connections_total"), ["trtype,traddr,trsvcid,nqn,hostnqn"]);
  assertEquals(labelsOf("discovery_connection_state"), ["trtype,traddr,trsvcid,nqn"]);
  assertEquals(labelsOf("discovery_entries_total"), [""]);
  assertEquals(labelsOf("discovery_log_page_count"), ["hostnqn"]);
  const types = [...text.matchAll(/^# TYPE (discovery_(?!client_)\S+) (\S+)$/gm)].map(([, , type]) => type);
  assertEquals(types, ["gauge", "gauge", "gauge", "gauge"]);
  const a = { traddr: "10.0.0.1", trsvcid: "8009" };
  assertEquals(valueOf(families, "discovery_connection_state", a), 1);
  assertEquals(valueOf(families, "discovery_connection_state", { ...a, traddr: "10.0.0.2" }), 0);
  assertEquals(valueOf(families, "discovery_entries_total"), 4);
  assertEquals(valueOf(families, "discovery_log_page_count"), 2, "the lost session's log does not count");
});

Deno.test("a state that several host NQNs share is 1 only when all of them are connected", () => {
  const input = sampleInput();
  const other = { ...member("a").endpoint.cluster, hostnqn: "nqn.2014-08.org.nvmexpress:uuid:other" };
  const second = member("a", { key: "other", endpoint: { ...member("a").endpoint, cluster: other } });
  const [key, session] = live("a");
  const state = (both: boolean) => {
    const sessions = new Map([[key, session], ...both ? [["other", session] as const] : []]);
    const facts = { ...input.facts, sessions, list: list(member("a"), second) };
    const family = metricFamilies({ ...input, facts }).find(({ name }) => name.endsWith("connection_state"));
    return family?.samples.map(({ value }) => value);
  };
  assertEquals(state(false), [0]);
  assertEquals(state(true), [1]);
});

Deno.test("series of what is gone disappear", async () => {
  const input = sampleInput();
  const before = await formatMetrics(metricFamilies(input), "prometheus");
  assert(before.includes('traddr="10.0.0.2"') && before.includes(String.raw`:\"q\"\\n`));
  const facts = { ...input.facts, list: list(member("a")), sessions: new Map([live("a")]) };
  const after = metricFamilies({ ...input, facts, plan: plan(facts, input.nowMs) });
  const text = await formatMetrics(after, "prometheus");
  assert(text.includes('traddr="10.0.0.1"'));
  assert(!text.includes('traddr="10.0.0.2"') && !text.includes(String.raw`\"q\"`));
  assertEquals(valueOf(after, "discovery_client_paths_wanted"), 0, "a cluster without paths still tells so");
});

Deno.test("a subsystem is live while one of its paths is", () => {
  const input = sampleInput();
  const s1 = "nqn.2024-01.io.example:s1";
  const named = [nvm("10.0.1.1:4420", s1), nvm("10.0.1.2:4420", s1), nvm("10.0.1.1:4420", `${s1}-other`)];
  const known = { ...input.facts, list: list(member("a")), sessions: new Map([live("a", ...named)]) };
  const values = (facts: typeof known) => {
    const families = metricFamilies({ ...input, facts, plan: plan(facts, input.nowMs) });
    return ["paths_wanted", "paths_live", "subsystems_wanted", "subsystems_live"]
      .map((name) => valueOf(families, `discovery_client_${name}`));
  };
  assertEquals(values(known), [3, 1, 2, 1]);
  assertEquals(values({ ...known, controllers: { list: [], readAtMs: 90_000 } }), [3, 0, 2, 0]);
});

Deno.test("metrics of an agent that knows nothing yet can be scraped", async () => {
  const input = sampleInput();
  const facts = { ...input.facts, list: new Map(), sessions: new Map(), controllers: null };
  const families = metricFamilies({
    ...input,
    facts,
    plan: null,
    tally: new Tally(),
    usage: {},
    isReady: false,
  });
  assertEquals(valueOf(families, "discovery_client_ready"), 0);
  const text = await formatMetrics(families, "prometheus");
  assert(!text.includes("discovery_connections_total") && !text.includes("process_"), text);
  assertEquals(samplesOf(text).filter(({ name }) => name === "discovery_entries_total").length, 1);
});

Deno.test("no secret is in metrics or status", async () => {
  const input = sampleInput();
  const session = input.facts.sessions.get(keyOf("a"));
  assert(session !== undefined && sampleFacts().policy.connectDefaults.dhchapSecret === secret);
  const seen = [
    await formatMetrics(metricFamilies(input), "prometheus"),
    await formatMetrics(metricFamilies(input), "openmetrics"),
    JSON.stringify(takeSnapshot(input.facts, input.plan, input.nowMs)),
  ];
  for (const text of seen) assert(text.length > 1_000 && !text.includes("DHHC-1"), text);
});

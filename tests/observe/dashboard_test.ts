/** The shipped Grafana dashboard: it asks for what a scrape has, of the data source and hosts that are chosen. */
import { metricFamilies } from "../../src/report/metric_families.ts";
import { assert, assertEquals } from "../assert.ts";
import { sampleInput } from "../report/metric_samples.ts";
import { unknownNames } from "./known_metrics.ts";
import { promqlNames } from "./promql.ts";

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string; legendFormat: string; datasource: { uid: string } }[];
}

interface Dashboard {
  schemaVersion: number;
  panels: Panel[];
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
  annotations: { list: { expr: string; textFormat: string }[] };
}

const text = await Deno.readTextFile(new URL("../../scripts/grafana/dashboard.json", import.meta.url));
const dashboard: Dashboard = JSON.parse(text);
const targets = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map((target) => ({ ...target, title }))
);

function labelsIn(template: string): string[] {
  return [...template.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label]) => label!);
}

Deno.test("panels name metrics and labels that a scrape has, and no others", () => {
  assert(targets.length > 30);
  for (const { title, expr, legendFormat } of targets) {
    assertEquals(unknownNames(expr, labelsIn(legendFormat)), [], title);
  }
  for (const { expr, textFormat } of dashboard.annotations.list) {
    assertEquals(unknownNames(expr, labelsIn(textFormat)), []);
  }
});

Deno.test("every selector obeys the hosts that are chosen", () => {
  for (
    const { title, expr } of [...targets, ...dashboard.annotations.list.map((one) => ({ ...one, title: "" }))]
  ) {
    for (const { name, matches } of promqlNames(expr).metrics) {
      const chosen = matches.map(({ label, operator, value }) => `${label}${operator}${value}`);
      assert(chosen.includes("job=~$job") && chosen.includes("instance=~$instance"), `${title}: ${name}`);
    }
  }
});

Deno.test("variables are the data source and what label_values() finds, and all that are used exist", () => {
  const { list } = dashboard.templating;
  assertEquals(list.map(({ name }) => name), ["datasource", "job", "instance", "cluster"]);
  for (const { name, type, query } of list) {
    if (type === "datasource") continue;
    const [, metric = "", label = ""] =
      /^label_values\((.*), (\w+)\)$/.exec((query as { query: string }).query) ?? [];
    assertEquals(unknownNames(metric, [label]), [], name);
  }
  const used = new Set([...text.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!));
  for (const name of list.map(({ name }) => name)) assert(used.delete(name), `${name} is not used`);
  assertEquals([...used].sort(), ["__all", "__rate_interval"]);
});

Deno.test("every metric of ours is in a panel, but those that others tell better", () => {
  const shown = new Set(targets.flatMap(({ expr }) => promqlNames(expr).metrics.map(({ name }) => name)));
  const missing = metricFamilies(sampleInput())
    .filter(({ name, samples: [sample] }) => !shown.has(`${name}${sample?.suffix ?? ""}`))
    .map(({ name }) => name);
  assertEquals(missing, [
    "discovery_entries_total", // discovery_connections_total
    "discovery_log_page_count", // discovery_client_log_records
    "discovery_client_paths_dropped", // beyond any size seen
    "process_virtual_memory_bytes", // a reserve of address space
  ]);
});

Deno.test("panels fit into the grid, side by side, each with a title and what it means", () => {
  const { panels } = dashboard;
  assert(dashboard.schemaVersion >= 39);
  assertEquals(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Map<string, string>();
  for (const { type, title, description = "", datasource, gridPos: { x, y, w, h }, targets } of panels) {
    assert(title !== "" && x >= 0 && w > 0 && x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        const other = taken.get(`${column} ${line}`);
        assert(other === undefined, `${title} covers ${other}`);
        taken.set(`${column} ${line}`, title);
      }
    }
    if (type === "row") continue;
    assert(description !== "", title);
    assertEquals(datasource?.uid, "${datasource}", title);
    assert(targets?.every((target) => target.datasource.uid === "${datasource}"), title);
  }
  const rows = panels.filter(({ type }) => type === "row").map(({ title }) => title);
  assertEquals(rows, [
    "Verdict",
    "Clusters",
    "Event to live",
    "Connects",
    "Log reads and events",
    "The agent's process",
  ]);
});

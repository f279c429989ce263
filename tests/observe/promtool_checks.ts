/**
 * What Prometheus's own promtool says of what we ship and serve: the alert rules, their cases, what the dashboard asks,
 * and the metrics in both formats. Takes the path of promtool; ends with 1 when something is wrong. It reads files, no network.
 */
import { metricFamilies } from "../../src/report/metric_families.ts";
import { formatMetrics } from "../../src/report/metrics_text.ts";
import { sampleInput } from "../report/metric_samples.ts";

/** The predecessor's names, which stay: its gauges end in words that are for counters. */
const knownComplaints = [
  'discovery_connections_total non-counter metrics should not have "_total" suffix',
  'discovery_entries_total non-counter metrics should not have "_total" suffix',
  'discovery_log_page_count non-histogram and non-summary metrics should not have "_count" suffix',
];
/** promtool's status when metrics could be read, and it has complaints. */
const lintStatus = 3;

const [promtool] = Deno.args;
if (promtool === undefined) throw new Error("Say where promtool is");
const root = new URL("../../", import.meta.url);
let problems = 0;

function tell(what: string, wrong: string): void {
  console.log(wrong === "" ? `ok      ${what}` : `FAILED  ${what}\n${wrong}`);
  if (wrong !== "") problems++;
}

async function run(args: readonly string[], input = ""): Promise<{ status: number; output: string }> {
  const child = new Deno.Command(promtool!, {
    args: [...args],
    cwd: root,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { status: code, output: `${decoder.decode(stdout)}${decoder.decode(stderr)}`.trim() };
}

async function succeeds(args: readonly string[]): Promise<string> {
  const { status, output } = await run(args);
  return status === 0 ? "" : output;
}

/** What it complains about, less what is known; a known complaint that is not made any more is one too. */
async function lint(text: string): Promise<string> {
  const { status, output } = await run(["check", "metrics"], text);
  const lines = output.split("\n").filter((line) => line !== "");
  if (status !== 0 && status !== lintStatus) return output;
  return [
    ...lines.filter((line) => !knownComplaints.includes(line)),
    ...knownComplaints.filter((line) => !lines.includes(line)).map((line) => `not said any more: ${line}`),
  ].join("\n");
}

/** Of promtool's commands, this one reads OpenMetrics, as strictly as a scrape; it wants a time behind each sample. */
async function readOpenMetrics(text: string): Promise<string> {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/metrics`;
    await Deno.writeTextFile(file, text.replaceAll(/^(?!#)(.+)$/gm, "$1 1767225600"));
    return await succeeds(["tsdb", "create-blocks-from", "openmetrics", file, `${directory}/blocks`]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Whether promtool can read what the panels ask: as rules, with a span for Grafana's variable. */
async function readPanels(dashboard: { panels: { targets?: { expr: string }[] }[] }): Promise<string> {
  const rules = dashboard.panels.flatMap(({ targets = [] }) => targets).map(({ expr }, index) => ({
    record: `panel_${index}`,
    expr: expr.replaceAll("$__rate_interval", "5m"),
  }));
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(file, JSON.stringify({ groups: [{ name: "panels", rules }] }));
    return await succeeds(["check", "rules", file]);
  } finally {
    await Deno.remove(file);
  }
}

tell("alert rules", await succeeds(["check", "rules", "scripts/prometheus/alerts.yaml"]));
tell("alert cases", await succeeds(["test", "rules", "tests/observe/alert_cases.yaml"]));

const dashboard = JSON.parse(await Deno.readTextFile(new URL("scripts/grafana/dashboard.json", root)));
tell("what the dashboard asks", await readPanels(dashboard));

const families = metricFamilies(sampleInput());
const plain = await formatMetrics(families, "prometheus");
const open = await formatMetrics(families, "openmetrics");
tell("metrics as Prometheus text", await lint(plain));
tell("metrics as OpenMetrics", await readOpenMetrics(open));

// That it notices what is wrong.
const quiet = "promtool did not notice";
tell(
  "a metric without HELP is noticed",
  (await lint(plain.replace(/^# HELP .*_ready .*$/m, ""))) ? "" : quiet,
);
const broken = { panels: [{ targets: [{ expr: "sum by (rate(" }] }] };
tell("a panel that asks nonsense is noticed", (await readPanels(broken)) ? "" : quiet);
tell("a text without an end is noticed", (await readOpenMetrics(open.replace("# EOF", ""))) ? "" : quiet);

if (problems > 0) Deno.exit(1);

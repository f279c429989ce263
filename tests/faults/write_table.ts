/** Puts the rows that the runs left under dist/faults into the table of tests/README.md, in place of what was there. */
import { type FaultRow, readFaultRows } from "./fault_row.ts";

const readme = new URL("../README.md", import.meta.url);
const begin = "<!-- fault table: written by `deno task fault-table` from the runs' own rows -->";
const end = "<!-- end of the fault table -->";

function tableOf(rows: readonly FaultRow[]): string {
  const lines = rows.map(({ fault, where, tried, recoveredMs, limitMs, lost, checked }) => {
    const cells = [where, fault, tried, recoveryText(recoveredMs), seconds(limitMs), lost, checked];
    return `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return [
    "| where | fault | tried | recovered within: median, worst | at most | lost | checked |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}

function recoveryText(timesMs: readonly number[]): string {
  if (timesMs.length === 0) return "never away";
  const sorted = [...timesMs].sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)]!;
  return `${seconds(median)}, ${seconds(sorted.at(-1)!)}`;
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(2)} s` : `${Math.round(ms / 1_000)} s`;
}

const text = await Deno.readTextFile(readme);
const from = text.indexOf(begin);
const to = text.indexOf(end);
if (from < 0 || to < from) {
  console.error("tests/README.md has no place for the fault table: its two marking comments are missing");
  Deno.exit(1);
}
const rows = await readFaultRows();
await Deno.writeTextFile(
  readme,
  `${text.slice(0, from)}${begin}\n\n${tableOf(rows)}\n\n${text.slice(to)}`,
);
console.log(`${rows.length} rows written to tests/README.md`);
const lossy = rows.filter(({ lost, recoveredMs, limitMs }) =>
  lost > 0 || recoveredMs.some((ms) => ms > limitMs)
);
for (const { where, fault } of lossy) console.error(`Not recovered: ${fault} (${where})`);
Deno.exit(lossy.length === 0 ? 0 : 1);

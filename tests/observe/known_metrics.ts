/** What a scrape of ours has by name, and what is unknown in a PromQL expression. */
import { metricFamilies } from "../../src/report/metric_families.ts";
import { sampleInput } from "../report/metric_samples.ts";
import { promqlNames } from "./promql.ts";

/** Prometheus gives these to every series. */
const targetLabels = ["job", "instance"];

/** Values by label, by the name that a sample has. */
function samplesByName(): ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>> {
  const byName = new Map<string, Map<string, Set<string>>>([["up", new Map()]]);
  for (const { name, samples } of metricFamilies(sampleInput())) {
    for (const { shared, labels, suffix = "" } of samples) {
      const known = byName.get(name + suffix) ?? new Map<string, Set<string>>();
      byName.set(name + suffix, known);
      for (const [label, value] of Object.entries({ ...shared, ...labels })) {
        known.set(label, (known.get(label) ?? new Set<string>()).add(value));
      }
    }
  }
  return byName;
}

const known = samplesByName();

/** Names and labels that no scrape of ours has, in words; `shown` are labels that a text about the result names. */
export function unknownNames(expression: string, shown: readonly string[] = []): string[] {
  const { metrics, grouping } = promqlNames(expression);
  const problems: string[] = [];
  const all = new Set(targetLabels);
  for (const { name, matches } of metrics) {
    const labels = known.get(name);
    if (labels === undefined) {
      problems.push(`metric ${name}`);
      continue;
    }
    for (const label of labels.keys()) all.add(label);
    for (const { label, operator, value } of matches) {
      if (targetLabels.includes(label)) continue;
      const values = labels.get(label);
      if (values === undefined) problems.push(`label ${label} of ${name}`);
      else if (/^!?=$/.test(operator) && !values.has(value)) problems.push(`${label} "${value}" of ${name}`);
    }
  }
  if (metrics.length === 0) problems.push("no metric at all");
  for (const label of grouping) if (!all.has(label)) problems.push(`label ${label}`);
  for (const label of shown) if (!all.has(label)) problems.push(`label ${label} in a text`);
  return problems;
}

/** What a scrape of 1,000 endpoints costs when it is worked out anew; within a second it is worked out once. */
import { plan } from "../../src/plan/plan.ts";
import { metricFamilies } from "../../src/report/metric_families.ts";
import { formatMetrics } from "../../src/report/metrics_text.ts";
import { Tally } from "../../src/report/tally.ts";
import { entry, facts, list, live, member, nvm } from "../plan/fact_samples.ts";
import { assert } from "../assert.ts";
import { type Figure, medianMs } from "./measure.ts";

const endpoints = 1_000;
const node = (at: number) => `10.1.${at >> 8}.${at & 255}`;

export async function scrapeFigures(): Promise<Figure[]> {
  const all = Array.from({ length: endpoints }, (_, at) => node(at));
  const known = facts({
    entries: all.map((name) => entry(name)),
    list: list(...all.map((name) => member(name))),
    sessions: new Map(all.map((name) => live(name, nvm(`${name}:4420`, "nqn.2024-01.io.example:s1")))),
  });
  const planned = plan(known, 1);
  const tally = new Tally();
  const scrape = () => {
    const families = metricFamilies({
      facts: known,
      plan: planned,
      tally,
      usage: {},
      isReady: true,
      build: { version: "0.0.0", commit: "", deno: "" },
      nowMs: 100,
    });
    return formatMetrics(families, "prometheus");
  };
  const text = await scrape();
  const lines = text.split("\n").length;
  assert(lines > 7 * endpoints, `${lines} lines`);
  return [
    { name: "scrape of 1,000 endpoints", value: await medianMs(31, 5, scrape), unit: "ms" },
    { name: "its text", value: new TextEncoder().encode(text).length / 1e6, unit: "MB" },
  ];
}

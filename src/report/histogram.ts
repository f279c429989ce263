/** Counts durations by their size, in buckets of fixed upper bounds. */
import { assert } from "../base/assert.ts";
import type { MetricFamily, Sample } from "./metric_family.ts";

export class Histogram {
  /** Upper bounds, seconds, ascending; the last bucket has none. */
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    assert(bounds.every((bound, at) => at === 0 || bound > bounds[at - 1]!), "Bounds ascend");
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observeMs(durationMs: number): void {
    const seconds = Math.max(0, durationMs) / 1_000;
    let at = 0;
    while (at < this.#bounds.length && seconds > this.#bounds[at]!) at++;
    this.#counts[at] = this.#counts[at]! + 1;
    this.#sum += seconds;
  }

  family(name: string, help: string): MetricFamily {
    const samples: Sample[] = [];
    let count = 0;
    for (const [at, inBucket] of this.#counts.entries()) {
      count += inBucket;
      const bound = this.#bounds[at];
      const le = bound === undefined ? "+Inf" : String(bound);
      samples.push({ suffix: "_bucket", labels: { le }, value: count });
    }
    samples.push({ suffix: "_sum", value: this.#sum }, { suffix: "_count", value: count });
    return { name, help, type: "histogram", samples };
  }
}

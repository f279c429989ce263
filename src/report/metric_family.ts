/** Metrics as plain data: what a scrape tells, before it becomes text. Names, types and labels are Prometheus's. */

export type Labels = Readonly<Record<string, string>>;

export interface MetricFamily {
  /** Seconds and bytes only, and the unit last; a counter ends in `_total`. */
  readonly name: string;
  /** One sentence without a full stop. */
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** No two with the same labels. */
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly value: number;
  /** One object for all samples about one thing: it is quoted once. */
  readonly shared?: Labels;
  readonly labels?: Labels;
  /** Of a histogram: `_bucket`, `_sum` or `_count`. */
  readonly suffix?: string;
}

export function gauge(name: string, help: string, samples: readonly Sample[] | number): MetricFamily {
  return family("gauge", name, help, samples);
}

export function counter(name: string, help: string, samples: readonly Sample[] | number): MetricFamily {
  return family("counter", name, help, samples);
}

function family(
  type: MetricFamily["type"],
  name: string,
  help: string,
  samples: readonly Sample[] | number,
): MetricFamily {
  return { name, help, type, samples: typeof samples === "number" ? [{ value: samples }] : samples };
}

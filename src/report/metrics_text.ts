/**
 * Metrics to text, as Prometheus (0.0.4) and OpenMetrics (1.0.0) have it. The one place that knows the library, of
 * which the registry alone is taken: it quotes and puts the lines together. Its own counters stay out, since what we
 * count is computed when somebody asks.
 */
import Registry from "prom-client";
import type { Labels, MetricFamily } from "./metric_family.ts";
import { metricsContentType, type MetricsFormat } from "./metrics_format.ts";

/** What the library's registry takes and gives, as far as we use it. */
interface TextRegistry {
  readonly contentType: string;
  registerMetric(metric: LibraryMetric): void;
  metrics(): Promise<string>;
}

interface LibraryMetric {
  /** It is changed: OpenMetrics names families of counters without `_total`. */
  name: string;
  readonly type: string;
  get(): LibraryFamily;
}

interface LibraryFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly {
    readonly value: number;
    readonly metricName?: string;
    readonly labels?: Labels;
    readonly sharedLabels?: Labels;
  }[];
}

const makeRegistry = Registry as unknown as {
  new (contentType: string): TextRegistry;
};

/** A family without samples is left out. */
export async function formatMetrics(
  families: readonly MetricFamily[],
  format: MetricsFormat,
): Promise<string> {
  const registry = new makeRegistry(metricsContentType(format));
  for (const family of families) {
    if (family.samples.length > 0) registry.registerMetric(libraryMetric(family));
  }
  return await registry.metrics();
}

function libraryMetric({ name, help, type, samples }: MetricFamily): LibraryMetric {
  const metric: LibraryMetric = {
    name,
    type,
    get: () => ({
      name: metric.name,
      help,
      type,
      values: samples.map(({ value, shared, labels, suffix }) => ({
        value,
        ...suffix !== undefined && { metricName: `${name}${suffix}` },
        labels,
        sharedLabels: shared,
      })),
    }),
  };
  return metric;
}

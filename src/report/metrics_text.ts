/**
 * Metrics to text, as Prometheus (0.0.4) and OpenMetrics (1.0.0) have it. The one place that knows the library, of
 * which the registry alone is taken: it quotes and puts the lines together. Its own counters stay out, since what we
 * count is computed when somebody asks.
 */
import Registry from "prom-client";
import type { Labels, MetricFamily } from "./metric_family.ts";

export type MetricsFormat = "prometheus" | "openmetrics";

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
  readonly PROMETHEUS_CONTENT_TYPE: string;
  readonly OPENMETRICS_CONTENT_TYPE: string;
};

export function metricsContentType(format: MetricsFormat): string {
  return format === "openmetrics"
    ? makeRegistry.OPENMETRICS_CONTENT_TYPE
    : makeRegistry.PROMETHEUS_CONTENT_TYPE;
}

/** What the scraper takes best, by its Accept header (RFC 9110 §12.5.1). */
export function metricsFormat(accept: string): MetricsFormat {
  let best: { format: MetricsFormat; quality: number } = { format: "prometheus", quality: 0 };
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const quality = Number(parameters.find((text) => /^q=/.test(text))?.slice(2) ?? 1);
    const isOpen = type === "application/openmetrics-text";
    // Of OpenMetrics there are two versions that we could be asked for; 0.0.1 was a draft of 1.0.0.
    if (!isOpen && !["text/plain", "text/*", "*/*"].includes(type)) continue;
    if (quality > best.quality) best = { format: isOpen ? "openmetrics" : "prometheus", quality };
  }
  return best.format;
}

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

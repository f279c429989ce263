import { gauge } from "../../src/report/metric_family.ts";
import { metricsContentType, metricsFormat } from "../../src/report/metrics_format.ts";
import { formatMetrics } from "../../src/report/metrics_text.ts";
import { assertEquals } from "../assert.ts";

const prometheusAccepts =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;" +
  "version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

const accepted: readonly [accept: string, format: string][] = [
  ["", "prometheus"],
  ["*/*", "prometheus"],
  ["text/plain", "prometheus"],
  ["text/html, */*;q=0.8", "prometheus"],
  ["application/json", "prometheus"],
  ["application/openmetrics-text", "openmetrics"],
  ["Application/OpenMetrics-Text; version=1.0.0", "openmetrics"],
  ["application/openmetrics-text;q=0.2, text/plain;q=0.5", "prometheus"],
  ["application/openmetrics-text;q=0", "prometheus"],
  ["application/openmetrics-text;q=x", "prometheus"],
  [prometheusAccepts, "openmetrics"],
];

Deno.test("metricsFormat() takes what the scraper takes best", () => {
  for (const [accept, format] of accepted) assertEquals(metricsFormat(accept), format, accept);
});

Deno.test("metricsContentType() names the version", () => {
  assertEquals(metricsContentType("prometheus"), "text/plain; version=0.0.4; charset=utf-8");
  assertEquals(
    metricsContentType("openmetrics"),
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
  );
});

Deno.test("formatMetrics() quotes label values, and leaves out a family without samples", async () => {
  const value = 'a"b\\c\nd}e=f,';
  const families = [
    gauge("x", "Help", [{ shared: { nqn: value }, value: 1 }, { labels: { nqn: value }, value: 2.5 }]),
    gauge("y", "Help", []),
  ];
  const quoted = String.raw`x{nqn="a\"b\\c\nd}e=f,"}`;
  assertEquals(
    await formatMetrics(families, "prometheus"),
    `# HELP x Help\n# TYPE x gauge\n${quoted} 1\n${quoted} 2.5\n`,
  );
  assertEquals(
    await formatMetrics(families, "openmetrics"),
    `# HELP x Help\n# TYPE x gauge\n${quoted} 1\n${quoted} 2.5\n# EOF\n`,
  );
});

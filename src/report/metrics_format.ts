/** Which text a scraper gets, by its Accept header. Apart from the text itself, whose library is loaded at a scrape. */

export type MetricsFormat = "prometheus" | "openmetrics";

/** As the library's registry knows them too. */
export function metricsContentType(format: MetricsFormat): string {
  return format === "openmetrics"
    ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
    : "text/plain; version=0.0.4; charset=utf-8";
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

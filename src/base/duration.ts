/** Durations in Go's notation, as the settings write them: `1h30m`, `5s`, `96h`, `250ms`. */

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's longest duration (2^63 ns, some 292 years), ms. */
const longestMs = 2 ** 63 / 1e6;

/** Milliseconds, or null when the text is no duration that Go reads. `0` needs no unit. Negative ones are refused. */
export function parseDurationMs(text: string): number | null {
  if (/^\+?0$/.test(text)) return 0;
  if (text.length > 64 || !/^\+?((\d+(\.\d*)?|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(text)) {
    return null;
  }
  let totalMs = 0;
  for (
    const [, number = "", unit = ""] of text.matchAll(
      /(\d+(?:\.\d*)?|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g,
    )
  ) {
    totalMs += Number(number) * (unitMs[unit] ?? NaN);
  }
  if (totalMs >= longestMs) return null;
  // Go counts whole nanoseconds.
  return totalMs < 1 ? Math.round(totalMs * 1e6) / 1e6 : totalMs;
}

/** `1h30m0s`-like short text: `250ms`, `5s`, `1h30m`. */
export function formatDurationMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = Math.floor((ms % 60_000) / 100) / 10;
  const parts = [
    hours > 0 ? `${hours}h` : "",
    minutes > 0 ? `${minutes}m` : "",
    seconds > 0 ? `${seconds}s` : "",
  ];
  return parts.join("") || "0s";
}

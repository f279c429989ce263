/** `--trace` and what goes with it: the options, their values, and a trace around a command that ends by itself. */
import type { TraceEndpoint, TraceRequest } from "../agent/recording.ts";
import type { Trace } from "../agent/trace.ts";
import { isIpAddress, parsePort, splitHostPort } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { quoteText } from "../base/quote.ts";
import { type OptionValues, UsageError } from "./command.ts";
import type { Environment } from "./environment.ts";

const bytesPerMegabyte = 1024 * 1024;

/** Null where no trace is asked for. Throws UsageError. */
export function parseTraceRequest(options: OptionValues): TraceRequest | null {
  const path = options.text("trace");
  if (path === undefined) {
    for (const long of ["trace-endpoint", "trace-limit"]) {
      if (options.raw(long) !== undefined) throw new UsageError(`Cannot use --${long} without --trace`);
    }
    return null;
  }
  if (path === "") throw new UsageError("Cannot use --trace: it names no file");
  const endpoints = parseTraceEndpoints(options.list("trace-endpoint"), "--trace-endpoint");
  return { path, bytesMax: parseTraceBytes(options.text("trace-limit"), "--trace-limit"), endpoints };
}

/** What connections are made through, recorded or not. */
export type Tap = Pick<Trace, "tap">;

/** Runs `action` with what records, and does nothing where no trace is asked for; its file is whole afterwards. */
export async function withTrace<T>(
  environment: Environment,
  options: OptionValues,
  clock: Clock,
  action: (trace: Tap) => Promise<T>,
): Promise<T> {
  const request = parseTraceRequest(options);
  if (request === null) return await action({ tap: (dialer) => dialer });
  const tell = (message: string) => environment.stderr.write(`discovery-client: ${message}\n`);
  const { fileTrace } = await import("./file_trace.ts");
  const trace = fileTrace(clock, { info: tell, warn: tell });
  await trace.start(request);
  try {
    return await action(trace);
  } finally {
    await trace.stop();
  }
}

/** `what`: how the one who asks calls them. Throws UsageError. */
export function parseTraceEndpoints(texts: readonly string[], what: string): TraceEndpoint[] {
  if (texts.length <= limits.traceEndpointsMax) return texts.map((text) => parseEndpoint(text, what));
  throw new UsageError(`Cannot use ${what}: more than ${limits.traceEndpointsMax} of them`);
}

/** Megabytes, in bytes; the standard limit for undefined. Throws UsageError. */
export function parseTraceBytes(text: string | undefined, what: string): number {
  if (text === undefined) return limits.traceMegabytes * bytesPerMegabyte;
  const megabytes = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (megabytes >= 1 && megabytes <= limits.traceMegabytesMax) return megabytes * bytesPerMegabyte;
  throw new UsageError(
    `Cannot use ${what} ${quoteText(text)}: expected megabytes from 1 to ${limits.traceMegabytesMax}`,
  );
}

function parseEndpoint(text: string, what: string): TraceEndpoint {
  const split = splitHostPort(text);
  const trsvcid = split?.port === undefined ? undefined : parsePort(split.port);
  if (split === null || !isIpAddress(split.host) || (split.port !== undefined && trsvcid === undefined)) {
    const expected = "an IP address, with or without a port, such as 10.0.0.1:8009 or [fe80::1]:8009";
    throw new UsageError(`Cannot use ${what} ${quoteText(text)}: expected ${expected}`);
  }
  return trsvcid === undefined ? { traddr: split.host } : { traddr: split.host, trsvcid };
}

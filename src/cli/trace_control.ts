/** A trace that is asked for on the control socket: what the question means, and the recording as it comes. */
import type { Recording, TraceRequest } from "../agent/recording.ts";
import type { Trace } from "../agent/trace.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { formatDurationMs, parseDurationMs } from "../base/duration.ts";
import { ConfigError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { quoteText } from "../base/quote.ts";
import type { Log } from "../model/world.ts";
import type { TraceControl } from "../report/control_site.ts";
import { TraceStream } from "../report/trace_stream.ts";
import { UsageError } from "./command.ts";
import { parseTraceBytes, parseTraceEndpoints } from "./trace_options.ts";

const where = "the control socket";
const names = ["endpoint", "limit", "duration"];

/** `?endpoint=ADDR[:PORT]&endpoint=…&limit=MEGABYTES&duration=30s` */
export function traceControl(trace: Trace, clock: Clock, log: Pick<Log, "info">): TraceControl {
  return {
    async record(query, signal) {
      const unknown = [...query.keys()].find((name) => !names.includes(name));
      if (unknown !== undefined) {
        throw new UsageError(`Cannot use ${quoteText(unknown)}: there is ${names.join(", ")}`);
      }
      const endpoints = parseTraceEndpoints(query.getAll("endpoint"), "endpoint");
      const bytesMax = parseTraceBytes(query.get("limit") ?? undefined, "limit");
      const durationMs = parseTraceDuration(query.get("duration") ?? undefined, "duration");
      const stream = new TraceStream(clock);
      const recording = await begin(trace, { path: where, bytesMax, endpoints }, stream);
      log.info("Asked on the control socket: recording our connections");
      let timer: Timer | null = null;
      if (durationMs !== null) timer = clock.setTimer(durationMs, () => void trace.end(recording));
      const leave = () => {
        stream.abandon();
        void trace.end(recording);
      };
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
      // However it came to its end, and read or not.
      void recording.ended.then(({ packets, connections, dropped }) => {
        timer?.cancel();
        signal.removeEventListener("abort", leave);
        const lost = dropped === 0 ? "" : `, ${dropped} packets left out: the reader was too slow`;
        const counted = `${packets} packets, ${connections} connections${lost}`;
        log.info(`The recording on the control socket has ended: ${counted}`);
      });
      return endingWithReader(stream, () => trace.end(recording));
    },
  };
}

/** Who is refused learns what to do. */
async function begin(trace: Trace, request: TraceRequest, stream: TraceStream): Promise<Recording> {
  try {
    return await trace.start(request, () => Promise.resolve(stream));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const advice = trace.totals?.path === where
      ? "end the command that reads it, or wait for its end"
      : "read that file, or start the agent without --trace";
    throw new ConfigError(error.code, `${error.message}; ${advice}`);
  }
}

async function* endingWithReader(
  stream: TraceStream,
  end: () => Promise<unknown>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } finally {
    await end();
  }
}

/** Milliseconds; null for undefined. Throws UsageError. */
export function parseTraceDuration(text: string | undefined, what: string): number | null {
  if (text === undefined) return null;
  const durationMs = parseDurationMs(text);
  if (durationMs !== null && durationMs >= 1 && durationMs <= limits.traceDurationMsMax) return durationMs;
  const most = formatDurationMs(limits.traceDurationMsMax);
  throw new UsageError(
    `Cannot use ${what} ${quoteText(text)}: expected a duration such as 30s, at most ${most}`,
  );
}

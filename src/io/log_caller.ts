/** Where in our source a log line was written, from the stack of the call. */
import { withSourceLines } from "./source_lines.ts";

/** Files that hand lines on for others. */
const relays = /\/(?:log_sink|event_log)\.ts:/;

/** Frames looked at: the caller stands behind few relays. */
const framesMax = 4;

/**
 * `src/agent/agent.ts:99` of whoever called `logged`; undefined where the stack does not tell. Costs about 10 µs. Run
 * from source, the runtime looks for a source map here, and ends the process when no descriptor is left for that: off by default.
 */
// deno-lint-ignore no-explicit-any
export function callerOf(logged: (...args: any[]) => unknown): string | undefined {
  const holder: { stack?: string } = {};
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = framesMax;
  Error.captureStackTrace(holder, logged);
  Error.stackTraceLimit = before;
  return parseCaller(withSourceLines(holder.stack ?? ""));
}

/** The first frame that is no relay's: `at Agent.start (file:///…/src/agent/agent.ts:99:7)`. Exported for tests. */
export function parseCaller(stack: string): string | undefined {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  const frame = frames.find((line) => !relays.test(line)) ?? "";
  const [, file = "", line = ""] = /([^\s()]+):(\d+):\d+\)?\s*$/.exec(frame) ?? [];
  if (file === "") return undefined;
  const at = file.lastIndexOf("/src/");
  return `${at >= 0 ? file.slice(at + 1) : file.slice(file.lastIndexOf("/") + 1)}:${line}`;
}

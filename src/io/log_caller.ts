/** Where in our source a log line was written, from the stack of the call. */

/**
 * `src/agent/agent.ts:99` of whoever called `logged`; undefined where the stack does not tell. Costs about 10 µs. The
 * compiled program has our source as it is, so that its lines are true there too (scripts/compile).
 */
// deno-lint-ignore no-explicit-any
export function callerOf(logged: (...args: any[]) => unknown): string | undefined {
  const holder: { stack?: string } = {};
  const framesMax = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, logged);
  Error.stackTraceLimit = framesMax;
  return parseFrame(holder.stack ?? "");
}

/** `at Agent.start (file:///…/src/agent/agent.ts:99:7)` or without name and parentheses; exported for tests. */
export function parseFrame(stack: string): string | undefined {
  const [, file = "", line = ""] = /([^\s()]+):(\d+):\d+\)?\s*$/.exec(stack) ?? [];
  if (file === "") return undefined;
  const at = file.lastIndexOf("/src/");
  return `${at >= 0 ? file.slice(at + 1) : file.slice(file.lastIndexOf("/") + 1)}:${line}`;
}

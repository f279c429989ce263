/** A trace that records to files of this machine, or to whom each start names. */
import { Trace } from "../agent/trace.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../model/world.ts";

export function fileTrace(clock: Clock, log: Pick<Log, "info" | "warn">): Trace {
  return new Trace({
    clock,
    log,
    open: async (path, onFailure) =>
      await (await import("../io/trace_file.ts")).TraceFile.open(path, clock, onFailure),
  });
}

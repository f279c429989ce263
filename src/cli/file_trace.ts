/** A trace that records to files of this machine. Commands load it when a trace is asked for. */
import { Trace } from "../agent/trace.ts";
import type { Clock } from "../base/clock.ts";
import { TraceFile } from "../io/trace_file.ts";
import type { Log } from "../model/world.ts";

export function fileTrace(clock: Clock, log: Pick<Log, "info" | "warn">): Trace {
  return new Trace({ clock, log, open: (path, onFailure) => TraceFile.open(path, clock, onFailure) });
}

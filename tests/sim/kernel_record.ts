/** What the kernel in memory writes down, for those who judge it: every write to its device, every controller lost. */
import type { FabricsOptions } from "./fabrics_options.ts";

/** One write to the device, for assertions. */
export interface ConnectRecord {
  /** Which run of the agent wrote it: `MemoryKernel.run` at that time. */
  readonly run: number;
  /** As written; may hold secrets. */
  readonly text: string;
  /** Null when the text was refused. */
  readonly options: FabricsOptions | null;
  /** When it was written, when its turn came, when it ended; ms on the clock, Infinity before. */
  readonly writtenMs: number;
  startedMs: number;
  endedMs: number;
  /** `pending`, `connected`, or the errno. */
  result: string;
  /** Name of the controller, when there is one. */
  name: string | null;
}

export interface LossRecord {
  readonly name: string;
  readonly subsysnqn: string;
  readonly atMs: number;
  /**
   * `deleted` by somebody's hand, `expired` by ctrl_loss_tmo, `failed`: its connect never succeeded, `unloaded` with
   * the module, or with the whole host.
   */
  readonly cause: "deleted" | "expired" | "failed" | "unloaded";
}

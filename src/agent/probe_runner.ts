/** Asks one I/O port one question, on a connection of its own that is closed again whatever comes of it. */
import { limits } from "../base/limits.ts";
import type { DialTarget, World } from "../model/world.ts";
import { type Machine, MachineRunner } from "./machine_runner.ts";

/** A machine that comes to one result and is then over: `Probe`, `ConnectTrial`. */
export interface Question<Result> extends Machine {
  readonly result: Result | null;
}

export interface ProbeOptions<Result> {
  readonly world: Pick<World, "clock" | "dialer">;
  readonly traddr: string;
  readonly trsvcid: number;
  /** What the connection would leave by, for the answer to mean the same. */
  readonly source?: Pick<DialTarget, "hostTraddr" | "hostIface">;
  readonly makeQuestion: (nowMs: number) => Question<Result>;
  /** Comes exactly once, bounded by the dial timeout and those of the question. */
  readonly onResult: (result: Result | { readonly ok: false; readonly error: Error }) => void;
}

export class ProbeRunner<Result> {
  readonly #runner: MachineRunner<Question<Result>>;

  constructor({ world, traddr, trsvcid, source, makeQuestion, onResult }: ProbeOptions<Result>) {
    const { hostTraddr, hostIface } = source ?? {};
    this.#runner = new MachineRunner<Question<Result>>({
      world,
      target: { traddr, trsvcid, timeoutMs: limits.dialTimeoutMs, hostTraddr, hostIface },
      makeMachine: makeQuestion,
      onStep: ({ result }) => {
        if (result !== null) onResult(result);
        return result === null;
      },
      onDialFailed: (error) => onResult({ ok: false, error }),
    });
  }

  get gone(): Promise<void> {
    return this.#runner.gone;
  }

  /** Drops everything at once; no result follows. */
  abandon(): void {
    this.#runner.abandon();
  }
}

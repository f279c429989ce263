/** Asks one I/O port whether it answers; one connection, closed again whatever comes of it. */
import { limits } from "../base/limits.ts";
import type { DialTarget, World } from "../model/world.ts";
import { Probe, type ProbeResult } from "../protocol/probe.ts";
import { MachineRunner } from "./machine_runner.ts";

export interface ProbeOptions {
  readonly world: Pick<World, "clock" | "dialer">;
  readonly traddr: string;
  readonly trsvcid: number;
  /** What the connection would leave by, for the answer to mean the same. */
  readonly source?: Pick<DialTarget, "hostTraddr" | "hostIface">;
  /** The port wants TLS: that it is open must do. */
  readonly openPortSuffices: boolean;
  /** Comes exactly once, bounded by the dial and ICResp timeouts of `limits`. */
  readonly onResult: (result: ProbeResult) => void;
}

export class ProbeRunner {
  readonly #runner: MachineRunner<Probe>;

  constructor({ world, traddr, trsvcid, source, openPortSuffices, onResult }: ProbeOptions) {
    const { hostTraddr, hostIface } = source ?? {};
    this.#runner = new MachineRunner<Probe>({
      world,
      target: { traddr, trsvcid, timeoutMs: limits.dialTimeoutMs, hostTraddr, hostIface },
      makeMachine: (nowMs) => new Probe(nowMs, { openPortSuffices }),
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

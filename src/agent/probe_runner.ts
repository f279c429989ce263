/** Asks one I/O port whether it answers; one connection, closed again whatever comes of it. */
import { limits } from "../base/limits.ts";
import type { World } from "../model/world.ts";
import { Probe, type ProbeResult } from "../protocol/probe.ts";
import { MachineRunner } from "./machine_runner.ts";

export interface ProbeOptions {
  readonly world: Pick<World, "clock" | "dialer">;
  readonly traddr: string;
  readonly trsvcid: number;
  /** The port wants TLS: that it is open must do. */
  readonly openPortSuffices: boolean;
}

/** Never rejects. Bounded by the dial and ICResp timeouts of `limits`. */
export function runProbe(options: ProbeOptions): Promise<ProbeResult> {
  const { world, traddr, trsvcid, openPortSuffices } = options;
  return new Promise((resolve) => {
    new MachineRunner<Probe>({
      world,
      target: { traddr, trsvcid, timeoutMs: limits.dialTimeoutMs },
      makeMachine: (nowMs) => new Probe(nowMs, { openPortSuffices }),
      onStep: ({ result }) => {
        if (result !== null) resolve(result);
        return result === null;
      },
      onDialFailed: (error) => resolve({ ok: false, error }),
    });
  });
}

/** Holds one discovery session: dials the endpoint, runs the session machine, reports what happens to it. */
import { limits } from "../base/limits.ts";
import { parseHostId } from "../nvme/nqn.ts";
import { discoveryNqn } from "../nvme/spec.ts";
import { assert } from "../base/assert.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { World } from "../model/world.ts";
import type { SetupStep } from "../protocol/controller_setup.ts";
import { Session, type SessionEvent } from "../protocol/session.ts";
import { MachineRunner } from "./machine_runner.ts";

export interface SessionRunnerOptions {
  readonly world: Pick<World, "clock" | "dialer">;
  readonly endpoint: Endpoint;
  /** Settled host identifier, UUID text. */
  readonly hostid: string;
  readonly katoMs: number;
  readonly logChunkBytesMax?: number;
  /** See HostParameters. */
  readonly events?: boolean;
  /** See SessionOptions. */
  readonly onStep?: (step: SetupStep, nowMs: number) => void;
  /** `closed` comes exactly once, last. */
  readonly onEvent: (event: SessionEvent) => void;
}

export class SessionRunner {
  readonly #runner: MachineRunner<Session>;
  readonly #options: SessionRunnerOptions;
  #ended = false;

  constructor(options: SessionRunnerOptions) {
    this.#options = options;
    const { world, endpoint, hostid, katoMs, logChunkBytesMax } = options;
    const hostidBytes = parseHostId(hostid);
    assert(hostidBytes !== null, "The host identifier was checked before");
    const { hdrDigest = false, dataDigest = false, hostTraddr, hostIface } = endpoint.options;
    const { traddr, trsvcid } = endpoint;
    this.#runner = new MachineRunner<Session>({
      world,
      target: { traddr, trsvcid, timeoutMs: limits.dialTimeoutMs, hostTraddr, hostIface },
      makeMachine: (nowMs) =>
        new Session(nowMs, {
          hostnqn: endpoint.cluster.hostnqn,
          hostid: hostidBytes,
          subnqn: endpoint.discoveryNqn ?? discoveryNqn,
          katoMs,
          events: options.events,
          digests: { header: hdrDigest, data: dataDigest },
          logChunkBytesMax,
          onStep: options.onStep,
        }),
      onStep: (session) => {
        for (const event of session.takeEvents()) this.#tell(event);
        return !session.closed;
      },
      onDialFailed: (error) => this.#tell({ kind: "closed", error }),
    });
  }

  get gone(): Promise<void> {
    return this.#runner.gone;
  }

  /** Orderly end, bounded; `closed` follows. */
  stop(): void {
    const session = this.#runner.machine;
    if (session === null) {
      this.#runner.abandon();
      return this.#tell({ kind: "closed", error: null });
    }
    session.stop(this.#options.world.clock.nowMs());
    this.#runner.poke();
  }

  /** Drops everything at once; nothing follows. */
  abandon(): void {
    this.#ended = true;
    this.#runner.abandon();
  }

  #tell(event: SessionEvent): void {
    if (this.#ended) return;
    if (event.kind === "closed") this.#ended = true;
    this.#options.onEvent(event);
  }
}

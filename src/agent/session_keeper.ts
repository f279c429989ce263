/**
 * The discovery sessions that are open, are opened and closed as the plan says, and what they tell: each event becomes
 * a fact, a line and a count. Decides nothing.
 */
import { limits } from "../base/limits.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { World } from "../model/world.ts";
import type { SessionEvent } from "../protocol/session.ts";
import type { Meter } from "../report/meter.ts";
import type { ConnectRunner } from "./connect_runner.ts";
import type { FactStore } from "./fact_store.ts";
import { endpointKeys } from "./log_keys.ts";
import type { SessionLog } from "./session_log.ts";
import { SessionRunner } from "./session_runner.ts";

export interface SessionKeeperOptions {
  readonly world: World;
  readonly facts: FactStore;
  readonly meter: Meter;
  readonly connectRunner: Pick<ConnectRunner, "hostidOf">;
  readonly sessionLog: SessionLog;
  /** As it is when a session is opened. */
  readonly tuning: () => SessionTuning;
}

export interface SessionTuning {
  /** Keep Alive Timeout, ms, above 0. */
  readonly katoMs: number;
  readonly logChunkBytesMax?: number;
}

export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  readonly #open = new Map<string, SessionRunner>();
  /** Those that have ended but linger included. */
  readonly #runners = new Set<SessionRunner>();
  #onAllGone: (() => void) | null = null;

  constructor(options: SessionKeeperOptions) {
    this.#options = options;
  }

  open(key: string, endpoint: Endpoint, reason: string, nowMs: number): void {
    const { world, facts, connectRunner, tuning } = this.#options;
    const { katoMs, logChunkBytesMax } = tuning();
    world.log.debug(`Opening a session: ${reason}`, endpointKeys(endpoint));
    facts.recordSessionOpening(key, endpoint, nowMs);
    const runner = new SessionRunner({
      world,
      endpoint,
      hostid: connectRunner.hostidOf({ hostnqn: endpoint.cluster.hostnqn, hostid: endpoint.hostid }),
      katoMs,
      logChunkBytesMax,
      onEvent: (event) => this.#handle(key, endpoint, event),
    });
    this.#open.set(key, runner);
    this.#runners.add(runner);
    runner.gone.then(() => this.#runners.delete(runner));
  }

  close(key: string, reason: string, nowMs: number): void {
    const { world, facts } = this.#options;
    const session = this.#open.get(key);
    const endpoint = facts.sessions.get(key)?.endpoint;
    world.log.debug(`Closing a session: ${reason}`, endpoint === undefined ? {} : endpointKeys(endpoint));
    facts.recordSessionClosing(key, nowMs);
    session?.stop();
  }

  /** The endpoint is no more. */
  forget(key: string): void {
    this.#options.facts.forgetSession(key);
    this.#options.sessionLog.forget(key);
  }

  /** Shuts all down, in `limits.stopTimeoutMs` at most; afterwards no socket is left. */
  async stop(): Promise<void> {
    await this.#stopAll();
    for (const runner of this.#runners) runner.abandon();
  }

  #stopAll(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = this.#options.world.clock.setTimer(limits.stopTimeoutMs, resolve);
      this.#onAllGone = () => {
        deadline.cancel();
        resolve();
      };
      for (const session of [...this.#open.values()]) session.stop();
    });
  }

  #handle(key: string, endpoint: Endpoint, event: SessionEvent): void {
    const { world, facts, meter, sessionLog } = this.#options;
    sessionLog.record(key, endpoint, event, facts.sessions.get(key));
    if (event.kind === "closed") {
      this.#open.delete(key);
      if (this.#open.size === 0) this.#onAllGone?.();
    }
    const nowMs = world.clock.nowMs();
    meter.sessionEvent(key, endpoint.cluster, event, nowMs);
    facts.recordSessionEvent(key, event, nowMs);
  }
}

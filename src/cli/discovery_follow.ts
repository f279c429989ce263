/**
 * Keeps a session to one discovery controller, and tells its log at every read: what `discover --persistent` does.
 * A lost session is opened again as the agent does it, for ever. A host name's addresses are tried in turn.
 */
import { isIpAddress } from "../base/address.ts";
import type { Timer } from "../base/clock.ts";
import { AgentError, errorText, TimeoutError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { SessionRunner } from "../agent/session_runner.ts";
import type { World } from "../model/world.ts";
import { sessionRetryDelayMs } from "../plan/retry.ts";
import type { DiscoveryLog } from "../protocol/log_reader.ts";
import { type DiscoveryRequest, endpointAt } from "./discovery_run.ts";

export type FollowWorld = Pick<World, "clock" | "dialer" | "resolver" | "random">;

export interface FollowRequest
  extends Pick<DiscoveryRequest, "address" | "hostnqn" | "hostTraddr" | "katoMs"> {
  /** UUID text; asked before each session, as the kernel's controllers may have changed. */
  readonly hostid: () => Promise<string>;
  /** First pause before a lost session is opened again; it grows with each failure. */
  readonly reconnectIntervalMs: number;
}

export interface FollowListener {
  onLog(log: DiscoveryLog): void;
  /** The session was lost, or did not come up; the next attempt follows after `retryInMs`. */
  onFailure(failure: SessionFailure, retryInMs: number): void;
}

export interface SessionFailure {
  readonly error: Error;
  /** What failed at each address, in words. */
  readonly text: string;
}

const nothing = () => {};

export class DiscoveryFollower {
  readonly #world: FollowWorld;
  readonly #request: FollowRequest;
  readonly #listener: FollowListener;
  #stopping = false;
  /** Ends what is being waited for. */
  #onStop: () => void = nothing;
  /** Attempts that failed since a log was last read. */
  #failures = 0;

  constructor(world: FollowWorld, request: FollowRequest, listener: FollowListener) {
    this.#world = world;
    this.#request = request;
    this.#listener = listener;
  }

  /** Orderly end, bounded; `run` resolves then. */
  stop(): void {
    this.#stopping = true;
    this.#onStop();
  }

  /** Resolves after `stop` only. */
  async run(): Promise<void> {
    const { reconnectIntervalMs } = this.#request;
    const { random } = this.#world;
    while (!this.#stopping) {
      const failure = await this.#attempt();
      if (failure === null || this.#stopping) return;
      const failures = ++this.#failures;
      const { error } = failure;
      const retryInMs = sessionRetryDelayMs({ error, failures, reconnectIntervalMs, random });
      this.#listener.onFailure(failure, retryInMs);
      await this.#pause(retryInMs);
    }
  }

  /** One session, at the first address that grants one; answers why it ended, null when we ended it. */
  async #attempt(): Promise<SessionFailure | null> {
    const { host } = this.#request.address;
    const failures: Error[] = [];
    try {
      const addresses = isIpAddress(host) ? [host] : await this.#lookUp(host);
      for (const traddr of addresses) {
        const hostid = await this.#request.hostid();
        if (this.#stopping) return null;
        const { error, wasRead } = await this.#holdSession(traddr, hostid);
        if (error === null) return null;
        if (wasRead) failures.length = 0;
        failures.push(error);
        if (wasRead) break;
      }
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      failures.push(error);
    }
    const error = failures.at(-1);
    return error === undefined ? null : { error, text: [...new Set(failures.map(errorText))].join("; ") };
  }

  #holdSession(traddr: string, hostid: string): Promise<{ error: Error | null; wasRead: boolean }> {
    return new Promise((resolve) => {
      let wasRead = false;
      let deadline: Timer | null = null;
      const finish = (error: Error | null) => {
        deadline?.cancel();
        this.#onStop = nothing;
        resolve({ error, wasRead });
      };
      const runner = new SessionRunner({
        world: this.#world,
        endpoint: endpointAt(this.#request, traddr),
        hostid,
        katoMs: this.#request.katoMs,
        onEvent: (event) => {
          if (event.kind === "closed") return finish(event.error);
          if (event.kind !== "log" || this.#stopping) return;
          wasRead = true;
          this.#failures = 0;
          this.#listener.onLog(event.log);
        },
      });
      this.#onStop = () => {
        deadline = this.#world.clock.setTimer(limits.stopTimeoutMs, () => {
          runner.abandon();
          finish(null);
        });
        runner.stop();
      };
    });
  }

  /** Bounded, as a look-up cannot be ended, only left alone; no address when we are to stop. */
  #lookUp(name: string): Promise<readonly string[]> {
    const { clock, resolver } = this.#world;
    return new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        timer.cancel();
        this.#onStop = nothing;
        action();
      };
      const message = `Cannot resolve ${name}: no answer within ${limits.resolveTimeoutMs} ms`;
      const timer = clock.setTimer(limits.resolveTimeoutMs, () => {
        settle(() => reject(new TimeoutError("resolve", message)));
      });
      this.#onStop = () => settle(() => resolve([]));
      resolver.resolve(name).then(
        (addresses) => settle(() => resolve(addresses)),
        (error) => settle(() => reject(error)),
      );
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        timer.cancel();
        this.#onStop = nothing;
        resolve();
      };
      const timer = this.#world.clock.setTimer(ms, finish);
      this.#onStop = finish;
    });
  }
}

/**
 * Keeps the debug endpoint open: what cannot be bound is told once and tried again, and never stops the agent. What
 * is answered is somebody else's matter.
 */
import { formatHostPort } from "../base/address.ts";
import { backoffDelayMs } from "../base/backoff.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { errorCode, errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import type { HostPort } from "../config/setting_kind.ts";
import type { Closer, Log } from "../model/world.ts";

export interface DebugEndpointOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly address: HostPort;
  /** Opens it; throws typed errors. `onGone`: it ended by itself. */
  readonly listen: (address: HostPort, onGone: (error: Error) => void) => Closer;
}

export class DebugEndpoint implements Closer {
  readonly #options: DebugEndpointOptions;
  #server: Closer | null = null;
  #timer: Timer | null = null;
  #failures = 0;
  #toldCode = "";
  #isClosed = false;

  constructor(options: DebugEndpointOptions) {
    this.#options = options;
  }

  /** Once. */
  start(): void {
    const { address, listen, log } = this.#options;
    this.#timer = null;
    try {
      this.#server = listen(address, (error) => this.#handleFailure(error));
    } catch (error) {
      return this.#handleFailure(error);
    }
    const text = `Debug endpoint on ${formatHostPort(address.host, address.port)}`;
    if (this.#failures === 0) log.debug(text);
    else log.info(`${text}: it could be opened now`);
    this.#failures = 0;
    this.#toldCode = "";
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#server?.close();
  }

  #handleFailure(error: unknown): void {
    const { clock, random, log } = this.#options;
    this.#server = null;
    if (this.#isClosed) return;
    this.#failures++;
    const code = errorCode(error);
    const message = `The debug endpoint is not there, the agent goes on without: ${errorText(error)}`;
    if (code === this.#toldCode) log.debug(message);
    else log.warn(`${message}; it is tried again`);
    this.#toldCode = code;
    const delayMs = backoffDelayMs({
      failures: this.#failures,
      baseMs: limits.debugRetryMsBase,
      maxMs: limits.debugRetryMsMax,
      random,
    });
    this.#timer = clock.setTimer(delayMs, () => this.start());
  }
}

/**
 * Keeps something open that listens, the debug endpoint or the control socket: what cannot be opened is told once and
 * tried again, and never stops the agent. What is answered is somebody else's matter.
 */
import { backoffDelayMs } from "../base/backoff.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { errorCode, errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import type { Closer, Log } from "../model/world.ts";

export interface ListenerKeeperOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** `debug endpoint` */
  readonly what: string;
  /** Where it listens, for people. */
  readonly place: string;
  /** Opens it; throws typed errors. `onGone`: it ended by itself. */
  readonly listen: (onGone: (error: Error) => void) => Closer | Promise<Closer>;
}

export class ListenerKeeper implements Closer {
  readonly #options: ListenerKeeperOptions;
  #server: Closer | null = null;
  #timer: Timer | null = null;
  #failures = 0;
  #toldCode = "";
  #isClosed = false;

  constructor(options: ListenerKeeperOptions) {
    this.#options = options;
  }

  /** Once. Returns, or resolves, when the first attempt is over. */
  start(): void | Promise<void> {
    this.#timer = null;
    try {
      const server = this.#options.listen((error) => this.#handleFailure(error));
      if (!(server instanceof Promise)) return this.#handleOpen(server);
      return server.then((opened) => this.#handleOpen(opened), (error) => this.#handleFailure(error));
    } catch (error) {
      return this.#handleFailure(error);
    }
  }

  #handleOpen(server: Closer): void {
    if (this.#isClosed) return server.close();
    this.#server = server;
    const { log, what, place } = this.#options;
    const text = `The ${what} is on ${place}`;
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
    const { clock, random, log, what } = this.#options;
    this.#server = null;
    if (this.#isClosed) return;
    this.#failures++;
    const code = errorCode(error);
    const message = `The ${what} is not there, the agent goes on without: ${errorText(error)}`;
    if (code === this.#toldCode) log.debug(message);
    else log.warn(`${message}; it is tried again`);
    this.#toldCode = code;
    const delayMs = backoffDelayMs({
      failures: this.#failures,
      baseMs: limits.debugRetryMsBase,
      maxMs: limits.debugRetryMsMax,
      random,
    });
    this.#timer = clock.setTimer(delayMs, () => void this.start());
  }
}

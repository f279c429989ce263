/**
 * The user's wishes by signal: the first SIGTERM or SIGINT asks for an orderly end, the second insists on one at once;
 * SIGHUP wants all to be looked at again.
 */
import { watchSignals } from "../io/signals.ts";
import type { Closer } from "../model/world.ts";

export class StopRequest {
  readonly asked: Promise<void>;
  readonly insisted: Promise<void>;
  /** At each SIGHUP; one that comes before anybody cares is dropped, and never ends the process. */
  onHangup: () => void = () => {};
  readonly #signals: Closer;

  constructor() {
    let ask = () => {};
    let insist = () => {};
    this.asked = new Promise((resolve) => ask = resolve);
    this.insisted = new Promise((resolve) => insist = resolve);
    let isAsked = false;
    const handle = () => {
      if (isAsked) insist();
      isAsked = true;
      ask();
    };
    this.#signals = watchSignals({ SIGTERM: handle, SIGINT: handle, SIGHUP: () => this.onHangup() });
  }

  close(): void {
    this.#signals.close();
  }
}

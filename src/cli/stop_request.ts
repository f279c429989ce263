/** The user's wish to end: the first SIGTERM or SIGINT asks for an orderly end, the second insists on one at once. */
import { watchSignals } from "../io/signals.ts";
import type { Closer } from "../model/world.ts";

export class StopRequest {
  readonly asked: Promise<void>;
  readonly insisted: Promise<void>;
  readonly #signals: Closer;

  constructor(onHangup: () => void) {
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
    this.#signals = watchSignals({ SIGTERM: handle, SIGINT: handle, SIGHUP: onHangup });
  }

  close(): void {
    this.#signals.close();
  }
}

/** Tells the service manager in one line how things are. */
import type { Summary } from "../report/snapshot.ts";
import type { World } from "../model/world.ts";

/** Passes follow each other in milliseconds; nobody reads that fast, ms. */
const intervalMs = 1_000;

export class StatusLine {
  readonly #world: Pick<World, "clock" | "notifier">;
  #isDue = false;
  #told = "";

  constructor(world: Pick<World, "clock" | "notifier">) {
    this.#world = world;
  }

  /** After each pass of the agent. */
  handlePass(summary: () => Summary): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#world.clock.setTimer(intervalMs, () => {
      this.#isDue = false;
      const text = statusText(summary());
      if (text !== this.#told) this.#world.notifier.status(text);
      this.#told = text;
    });
  }
}

/** `11 of 12 paths live, 3 of 3 endpoints in session`. */
export function statusText({ pathsLive, pathsWanted, sessionsLive, endpoints }: Summary): string {
  return `${pathsLive} of ${pathsWanted} paths live, ${sessionsLive} of ${endpoints} endpoints in session`;
}

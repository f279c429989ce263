/** Tells the service manager in one line how things are. */
import type { Snapshot, Summary } from "../report/snapshot.ts";
import type { World } from "../model/world.ts";

/** A snapshot of thousands of paths costs; nobody reads faster than this, ms. */
const intervalMs = 1_000;

export class StatusLine {
  readonly #world: Pick<World, "clock" | "notifier">;
  #isDue = false;

  constructor(world: Pick<World, "clock" | "notifier">) {
    this.#world = world;
  }

  /** After each pass of the agent. */
  handlePass(snapshot: () => Snapshot): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#world.clock.setTimer(intervalMs, () => {
      this.#isDue = false;
      this.#world.notifier.status(statusText(snapshot().summary));
    });
  }
}

/** `11 of 12 paths live, 3 of 3 endpoints in session`. */
export function statusText({ pathsLive, pathsWanted, sessionsLive, endpoints }: Summary): string {
  return `${pathsLive} of ${pathsWanted} paths live, ${sessionsLive} of ${endpoints} endpoints in session`;
}

/**
 * Tells the service manager's watchdog that the agent does its work. Only a pass does: a timer asks the agent for one,
 * and nothing is told until it has run to its end. So a loop that is stuck, or passes that fail, are restarted; a kernel
 * that takes its time for a connect holds up no pass.
 */
import type { Timer } from "../base/clock.ts";
import type { World } from "../model/world.ts";

/** Passes asked for within the time that the watchdog waits: two may be late. */
const passesPerTimeout = 3;

export class WatchdogFeed {
  readonly #world: Pick<World, "clock" | "notifier">;
  readonly #requestPass: () => void;
  readonly #intervalMs: number;
  #timer: Timer | null = null;
  #toldMs = -Infinity;

  constructor(world: Pick<World, "clock" | "notifier">, requestPass: () => void) {
    this.#world = world;
    this.#requestPass = requestPass;
    this.#intervalMs = (world.notifier.watchdogMs ?? Infinity) / passesPerTimeout;
  }

  /** Does nothing where nobody waits. */
  start(): void {
    if (this.#intervalMs === Infinity) return;
    this.#timer = this.#world.clock.setTimer(this.#intervalMs, () => {
      this.start();
      this.#requestPass();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** After each pass of the agent. Passes follow each other in milliseconds: not each is told. */
  handlePass(): void {
    if (this.#intervalMs === Infinity) return;
    const nowMs = this.#world.clock.nowMs();
    if (nowMs - this.#toldMs < this.#intervalMs / 2) return;
    this.#toldMs = nowMs;
    this.#world.notifier.alive();
  }
}

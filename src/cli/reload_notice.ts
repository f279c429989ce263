/**
 * Tells the service manager of reloads: from the first that is asked for until none is under way. Tells nothing before
 * the service is ready, as `ready` would then be said too early, and nothing once it stops.
 */
import type { Notifier } from "../model/world.ts";

export class ReloadNotice {
  readonly #notifier: Pick<Notifier, "ready" | "reloading">;
  #isReady = false;
  #underWay = 0;

  constructor(notifier: Pick<Notifier, "ready" | "reloading">) {
    this.#notifier = notifier;
  }

  ready(): void {
    this.#isReady = true;
    this.#notifier.ready();
  }

  stop(): void {
    this.#isReady = false;
  }

  /** Ready is told again however the reload ends: settings that are no good leave the service as it was. */
  async during(reload: () => Promise<void>): Promise<void> {
    if (!this.#isReady) return await reload();
    this.#underWay++;
    this.#notifier.reloading();
    try {
      await reload();
    } finally {
      this.#underWay--;
      if (this.#isReady && this.#underWay === 0) this.#notifier.ready();
    }
  }
}

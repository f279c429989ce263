/** Looks host names up, each within a bound: one that hangs in the system's resolver must not be the last of its name. */
import type { Timer } from "../base/clock.ts";
import { errorText, TimeoutError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { World } from "../model/world.ts";

export class NameLookUp {
  readonly #world: Pick<World, "clock" | "resolver">;
  readonly #deadlines = new Set<Timer>();

  constructor(world: Pick<World, "clock" | "resolver">) {
    this.#world = world;
  }

  /** The addresses, or why there are none. Never rejects; after `stop` it may never resolve. */
  lookUp(name: string): Promise<readonly string[] | Error> {
    const { clock, resolver } = this.#world;
    return new Promise((resolve) => {
      const finish = (result: readonly string[] | Error) => {
        deadline.cancel();
        this.#deadlines.delete(deadline);
        resolve(result);
      };
      const message = `Cannot resolve ${name}: no answer within ${limits.resolveTimeoutMs} ms`;
      const deadline = clock.setTimer(
        limits.resolveTimeoutMs,
        () => finish(new TimeoutError("resolve", message)),
      );
      this.#deadlines.add(deadline);
      resolver.resolve(name).then(
        finish,
        (error) => finish(error instanceof Error ? error : new Error(errorText(error))),
      );
    });
  }

  stop(): void {
    for (const deadline of this.#deadlines) deadline.cancel();
  }
}

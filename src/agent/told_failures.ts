/**
 * Which failure of something that fails again and again is worth a line: the first, one of another kind, and once in a
 * while the same again, with a count. Keeps no more than a few kinds of each thing.
 */
import { limits } from "../base/limits.ts";

/** What to say beside the failure itself: nothing for the first one. */
export interface Telling {
  /** Failures since it last went well, this one included; left out for the first. */
  readonly failures?: number;
}

interface Failing {
  failures: number;
  /** When each kind was told last, ms. */
  readonly toldMs: Map<string, number>;
}

export class ToldFailures {
  readonly #failing = new Map<string, Failing>();

  /** Takes a failure; null when it is not worth a line. `kind`: what makes it another one than before. */
  take(key: string, kind: string, nowMs: number): Telling | null {
    let failing = this.#failing.get(key);
    if (failing === undefined) this.#failing.set(key, failing = { failures: 0, toldMs: new Map() });
    failing.failures++;
    const { failures, toldMs } = failing;
    const beforeMs = toldMs.get(kind);
    const isDue = beforeMs === undefined
      ? toldMs.size < limits.failureKindsToldMax
      : nowMs - beforeMs >= limits.failureToldAgainMs;
    if (!isDue) return null;
    // Kinds that take turns are one trouble: none of them is due before the others.
    if (beforeMs !== undefined) { for (const known of toldMs.keys()) toldMs.set(known, nowMs); }
    toldMs.set(kind, nowMs);
    return failures === 1 ? {} : { failures };
  }

  /** It went well, or is gone; answers how often it had failed. */
  clear(key: string): number {
    const failures = this.#failing.get(key)?.failures ?? 0;
    this.#failing.delete(key);
    return failures;
  }
}

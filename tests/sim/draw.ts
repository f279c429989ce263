/** Words for drawing at random, over one seeded source. */
import type { Random } from "../../src/base/random.ts";

export class Draw {
  constructor(readonly random: Random) {}

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)]!;
  }

  /** Between two times, ms, short ones as likely as long ones. */
  ms(from: number, to: number): number {
    return Math.round(from * (to / from) ** this.random());
  }

  /** Some of them, at least one, in order. */
  some<T>(items: readonly T[]): T[] {
    const kept = items.filter(() => this.chance(0.6));
    return kept.length > 0 ? kept : [this.pick(items)];
  }
}

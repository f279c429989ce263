/**
 * The choices a fuzz target makes, one number each. Drawn from a seed they are one input of millions; given as a list
 * they are that input again, and a shorter list of smaller numbers is a simpler input: so every target shrinks and
 * replays without a line of its own.
 */
import { fc } from "../property.ts";

/** Choices kept; an input that makes more goes on, and shrinks to one that makes fewer. */
const choicesMax = 20_000;
/** Candidates tried while shrinking, and the time for them, ms. */
const candidatesMax = 20_000;
const shrinkMs = 5_000;

export class Choices {
  /** What was chosen so far, each below the bound it was asked with. */
  readonly made: number[] = [];
  /** What the input looks like, for people; kept as it is, written only when the input fails. */
  readonly notes: [name: string, value: unknown][] = [];
  readonly #given: readonly number[] | null;
  readonly #simplified: readonly number[] | null;
  #a = 0;
  #b = 0;
  #c = 0;

  private constructor(given: readonly number[] | null, simplified: readonly number[] | null = null) {
    this.#given = given;
    this.#simplified = simplified;
  }

  static fromSeed(high: number, low: number): Choices {
    const choices = new Choices(null);
    choices.#a = high >>> 0;
    choices.#b = low >>> 0;
    choices.#c = 0x9e3779b9;
    for (let round = 0; round < 4; round++) choices.#next();
    return choices;
  }

  /** The input again; where the list ends, every choice is 0, the simplest. */
  static fromList(given: readonly number[], simplified: readonly number[] | null = null): Choices {
    return new Choices(given, simplified);
  }

  /** As short as they can be told: zeros at the end go without saying. */
  get list(): number[] {
    return this.made.slice(0, this.made.findLastIndex((value) => value !== 0) + 1);
  }

  /** Whether they turned out simpler than what they were made of; other choices may ask for more of them. */
  get isSimpler(): boolean {
    if (this.#simplified === null) return true;
    const { list } = this;
    if (list.length !== this.#simplified.length) return list.length < this.#simplified.length;
    const at = list.findIndex((value, index) => value !== this.#simplified![index]);
    return at >= 0 && list[at]! < this.#simplified[at]!;
  }

  /** 32 bits; three words of state, in the manner of Jenkins' small generators. */
  #next(): number {
    const sum = (this.#a + this.#b) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return (sum ^ Math.imul(this.#a, 0x2c1b3c6d)) >>> 0;
  }

  /** A whole number from 0 to `bound` - 1; `bound` is at most 2^32. */
  below(bound: number): number {
    const at = this.made.length;
    const raw = this.#given === null ? this.#next() : this.#given[at] ?? 0;
    const value = raw % bound;
    if (at < choicesMax) this.made.push(value);
    return value;
  }

  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True once in `times`; the simplest choice is false. */
  once(times: number): boolean {
    return this.below(times) === times - 1;
  }

  /** The first is the simplest. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  uint32(): number {
    return this.below(2 ** 32);
  }

  /** Bytes that a single choice stands for; 0 gives zeros. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let state = this.below(2 ** 32);
    if (state === 0) return bytes;
    for (let at = 0; at < length; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      bytes[at] = state >>> 24;
    }
    return bytes;
  }

  /** A number that tends to sit at an edge: 0, the greatest, a power of two and its neighbours, or any. */
  edgy(bound: number): number {
    switch (this.below(4)) {
      case 0:
        return this.below(Math.min(bound, 17));
      case 1:
        return (2 ** this.below(33) + this.below(3) + bound - 1) % bound;
      case 2:
        return bound - 1 - this.below(Math.min(bound, 5));
      default:
        return this.below(bound);
    }
  }

  note(name: string, value: unknown): void {
    this.notes.push([name, value]);
  }
}

/** Inputs for fast-check: it draws them, and walks down the simpler ones when one fails. */
export class ChoicesArbitrary extends fc.Arbitrary<Choices> {
  #candidates = 0;
  #endMs = 0;

  generate(random: fc.Random): fc.Value<Choices> {
    return new fc.Value(Choices.fromSeed(random.nextInt(), random.nextInt()), undefined);
  }

  canShrinkWithoutContext(value: unknown): value is Choices {
    return value instanceof Choices;
  }

  shrink(failed: Choices): fc.Stream<fc.Value<Choices>> {
    if (this.#candidates === 0) this.#endMs = performance.now() + shrinkMs;
    return new fc.Stream(this.#simpler(failed.list));
  }

  *#simpler(list: readonly number[]): IterableIterator<fc.Value<Choices>> {
    for (const candidate of simplerLists(list)) {
      if (this.#candidates++ >= candidatesMax || performance.now() > this.#endMs) return;
      yield new fc.Value(Choices.fromList(candidate, list), undefined);
    }
  }
}

/** Pieces cut out, pieces zeroed, single numbers lowered; the boldest first. */
function* simplerLists(list: readonly number[]): IterableIterator<number[]> {
  for (let size = list.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < list.length; at += size) yield list.toSpliced(at, size);
  }
  for (let size = list.length; size >= 2; size = Math.floor(size / 2)) {
    for (let at = 0; at < list.length; at += size) {
      if (list.slice(at, at + size).some((value) => value !== 0)) {
        yield list.map((value, index) => index >= at && index < at + size ? 0 : value);
      }
    }
  }
  for (const [at, value] of list.entries()) {
    for (const lower of new Set([0, Math.floor(value / 2), value - Math.ceil(value / 4), value - 1])) {
      if (lower >= 0 && lower < value) yield list.with(at, lower);
    }
  }
}

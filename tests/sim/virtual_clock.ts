/**
 * Time for tests: nothing passes unless a test says so, and the same calls give the same order of events.
 *
 * Timers run one by one in the order of (time, creation). After each, `settle()` lets every promise chain that the
 * timer began run to its end: one turn of the event loop, before which the engine empties its microtask queue. What
 * waits for something outside this process (a socket, a file, WebCrypto) is not waited for; a world in memory has no
 * such thing.
 */
import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../../src/base/clock.ts";
import { assert } from "../../src/base/assert.ts";

interface Entry {
  readonly atMs: number;
  /** Order of creation; parts timers of the same instant. */
  readonly sequence: number;
  readonly owner: string;
  /** Null once it ran or was cancelled. */
  callback: (() => void) | null;
}

/** Timers run in one `advance` or `runUntil` at most: a chain of zero delays is a bug, not a test that hangs. */
const timersRunMax = 5_000_000;

export class VirtualClock implements Clock {
  #nowMs: number;
  #wallOffsetMs: number;
  #heap: Entry[] = [];
  #sequence = 0;
  #running = false;
  #live = new Map<string, number>();
  #timersRun = 0;
  /** Called after every timer and what followed from it; what it throws ends `advance` and `runUntil`. */
  afterStep: (() => void) | null = null;

  /** `nowMs` starts at 1,000,000: a deadline that somebody compares with a small number shows at once. */
  constructor(options: { nowMs?: number; wallMs?: number } = {}) {
    this.#nowMs = options.nowMs ?? 1_000_000;
    this.#wallOffsetMs = (options.wallMs ?? 1_767_225_600_000) - this.#nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  /** Sets the wall clock alone, as an administrator or NTP does. */
  setWallMs(wallMs: number): void {
    this.#wallOffsetMs = wallMs - this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#add("agent", delayMs, callback);
  }

  /** The same time, its timers counted under another name: the world's own timers are no leak of the agent. */
  ownedBy(owner: string): Clock {
    return {
      nowMs: () => this.#nowMs,
      wallMs: () => this.wallMs(),
      setTimer: (delayMs, callback) => this.#add(owner, delayMs, callback),
    };
  }

  /** Timers neither run nor cancelled; of one owner, or of all. */
  liveTimers(owner?: string): number {
    if (owner !== undefined) return this.#live.get(owner) ?? 0;
    return [...this.#live.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Timers run since the start. */
  get timersRun(): number {
    return this.#timersRun;
  }

  /** When the next timer is due, on the scale of `nowMs()`; Infinity without any. */
  nextTimerMs(): number {
    while (this.#heap.length > 0 && this.#heap[0]!.callback === null) popHeap(this.#heap);
    return this.#heap[0]?.atMs ?? Infinity;
  }

  /** Lets every promise chain run until it waits for a timer or for nothing. */
  settle(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve));
  }

  /** Lets `ms` pass, running what is due on the way. */
  async advance(ms: number): Promise<void> {
    assert(ms >= 0 && Number.isFinite(ms), `Cannot advance by ${ms} ms`);
    const endMs = this.#nowMs + ms;
    await this.#run(endMs, () => false);
    this.#nowMs = endMs;
  }

  /**
   * Runs timers until `condition` holds, checked before the first and after each; answers the ms that passed. Throws
   * when it does not hold within `limitMs`, or can never hold because no timer is left.
   */
  async runUntil(condition: () => boolean, limitMs: number, what = "The condition"): Promise<number> {
    const startMs = this.#nowMs;
    if (!await this.#run(startMs + limitMs, condition)) {
      const left = this.nextTimerMs() === Infinity ? ", and no timer is left" : "";
      throw new Error(`${what} does not hold after ${limitMs} ms of virtual time${left}`);
    }
    return this.#nowMs - startMs;
  }

  /** Runs the one timer that is due next, if any before `limitMs`; false when there is none. */
  async step(limitMs = Infinity): Promise<boolean> {
    const atMs = this.nextTimerMs();
    if (atMs === Infinity || atMs > limitMs) return false;
    const entry = popHeap(this.#heap)!;
    this.#nowMs = Math.max(this.#nowMs, entry.atMs);
    const callback = entry.callback!;
    this.#forget(entry);
    this.#timersRun++;
    callback();
    await this.settle();
    this.afterStep?.();
    return true;
  }

  async #run(endMs: number, condition: () => boolean): Promise<boolean> {
    assert(!this.#running, "Virtual time is moved by one caller at a time");
    this.#running = true;
    try {
      await this.settle();
      const firstRun = this.#timersRun;
      while (!condition()) {
        if (!await this.step(endMs)) return false;
        assert(this.#timersRun - firstRun < timersRunMax, `More than ${timersRunMax} timers in one run`);
      }
      return true;
    } finally {
      this.#running = false;
    }
  }

  #add(owner: string, delayMs: number, callback: () => void): Timer {
    // A real timer of Infinity, NaN or more than 2^31 ms fires at once: a caller that means "never" must set none.
    assert(Number.isFinite(delayMs) && delayMs < 2 ** 31, `A timer needs a finite delay, not ${delayMs} ms`);
    const entry: Entry = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      sequence: this.#sequence++,
      owner,
      callback,
    };
    pushHeap(this.#heap, entry);
    this.#live.set(owner, this.liveTimers(owner) + 1);
    return {
      cancel: () => {
        if (entry.callback !== null) this.#forget(entry);
      },
    };
  }

  #forget(entry: Entry): void {
    entry.callback = null;
    this.#live.set(entry.owner, this.liveTimers(entry.owner) - 1);
    // Cancelled entries stay in the heap until they reach its top; clear them out when they are most of it.
    if (this.#heap.length > 64 && this.#heap.length > 4 * this.liveTimers()) {
      this.#heap = this.#heap.filter(({ callback }) => callback !== null).sort(byTime);
    }
  }
}

function byTime(a: Entry, b: Entry): number {
  return a.atMs - b.atMs || a.sequence - b.sequence;
}

/** A sorted array is a valid heap. */
function pushHeap(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (byTime(heap[parent]!, entry) <= 0) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

function popHeap(heap: Entry[]): Entry | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return top;
  let at = 0;
  while (true) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && byTime(heap[child + 1]!, heap[child]!) < 0) child++;
    if (byTime(last, heap[child]!) <= 0) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return top;
}

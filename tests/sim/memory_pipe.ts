/**
 * One direction of one TCP connection in memory: what goes in comes out later, in order, in pieces. It never loses
 * bytes: while the direction is blocked they wait, as TCP's retransmission has it, and come when it opens again.
 */
import type { Clock, Timer } from "../../src/base/clock.ts";

export type PipeItem = { readonly bytes: Uint8Array } | { readonly end: "fin" | "reset" };

export interface PipeOptions {
  readonly clock: Clock;
  /** Of the next item; drawn anew for each. */
  readonly delayMs: () => number;
  /** Cuts bytes into what one read shows. */
  readonly cut: (bytes: Uint8Array) => Uint8Array[];
  /** Bytes that may come out now; 0 while the direction is blocked, the end included. */
  readonly room: () => number;
  readonly deliver: (item: PipeItem) => void;
}

export class MemoryPipe {
  readonly #options: PipeOptions;
  #queue: { readonly atMs: number; readonly item: PipeItem }[] = [];
  #timer: Timer | null = null;
  #ended = false;
  #queuedBytes = 0;
  #waiting: (() => void)[] = [];

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  /** Bytes that were put in and have not come out. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  put(item: PipeItem): void {
    if (this.#ended) return;
    if ("end" in item) this.#ended = true;
    else this.#queuedBytes += item.bytes.length;
    const atMs = this.#options.clock.nowMs() + this.#options.delayMs();
    this.#queue.push({ atMs: Math.max(atMs, this.#queue.at(-1)?.atMs ?? 0), item });
    this.#schedule();
  }

  /** Resolves when the pipe is empty, dropped, or its writers are released. */
  drained(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Whoever waits in `drained()` looks again. */
  releaseWriters(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** What blocked it may have ended. */
  retry(): void {
    this.#schedule();
  }

  /** Forgets everything; nothing comes out any more. */
  drop(): void {
    this.#ended = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#timer?.cancel();
    this.#timer = null;
    this.releaseWriters();
  }

  #schedule(): void {
    const head = this.#queue[0];
    if (head === undefined || this.#timer !== null || this.#options.room() <= 0) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimer(Math.max(0, head.atMs - clock.nowMs()), () => {
      this.#timer = null;
      this.#flush();
    });
  }

  #flush(): void {
    const { clock, room, cut, deliver } = this.#options;
    while (this.#queue.length > 0 && this.#queue[0]!.atMs <= clock.nowMs()) {
      const bytesMax = room();
      if (bytesMax <= 0) break;
      const { atMs, item } = this.#queue.shift()!;
      if ("end" in item) {
        deliver(item);
        continue;
      }
      const passing = item.bytes.subarray(0, bytesMax);
      const rest = item.bytes.subarray(passing.length);
      if (rest.length > 0) this.#queue.unshift({ atMs, item: { bytes: rest } });
      this.#queuedBytes -= passing.length;
      for (const bytes of cut(passing)) deliver({ bytes });
    }
    if (this.#queue.length === 0) this.releaseWriters();
    this.#schedule();
  }
}

/**
 * A recording for whoever reads it as it comes: what is offered waits in a bounded queue until it is taken. A reader
 * that is too slow loses packets, which the recording counts; one that goes away ends it.
 */
import { takeBatch } from "../base/byte_batch.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import type { TraceSink } from "../model/trace_sink.ts";

export class TraceStream implements TraceSink, AsyncIterable<Uint8Array> {
  readonly #clock: Clock;
  #queue: Uint8Array[] = [];
  /** With what the reader is busy with. */
  #queuedBytes = 0;
  #wake: () => void = () => {};
  #isClosed = false;
  /** The reader has all, or has gone. */
  readonly #read: Promise<void>;
  #onRead: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#read = new Promise((resolve) => this.#onRead = resolve);
  }

  offer(block: Uint8Array): boolean {
    if (this.#isClosed || this.#queuedBytes + block.length > limits.traceQueueBytesMax) return false;
    this.#add(block);
    return true;
  }

  /** The reader comes to its end after what waits; one that does not take it in time is not waited for. */
  async close(last: Uint8Array): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#add(last);
    let timer: Timer | null = null;
    const late = new Promise<void>((resolve) => timer = this.#clock.setTimer(limits.traceCloseMs, resolve));
    await Promise.race([this.#read, late]);
    (timer as Timer | null)?.cancel();
  }

  #add(block: Uint8Array): void {
    this.#queue.push(block);
    this.#queuedBytes += block.length;
    this.#wake();
  }

  /** Nobody reads any more: what waits is dropped, and nothing is taken. */
  abandon(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#wake();
    this.#onRead();
  }

  /** Whole blocks, some at a time. To be read once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        while (this.#queue.length > 0) {
          const batch = takeBatch(this.#queue, limits.traceWriteBytes);
          yield batch;
          this.#queuedBytes -= batch.length;
        }
        if (this.#isClosed) return;
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      this.abandon();
    }
  }
}

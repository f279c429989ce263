/**
 * A recording's file: what is offered waits in a bounded queue, and one loop writes it. A failure is told once and
 * ends it: the file is cut after the last block that is known to be whole. A pipe is taken too, as Wireshark reads
 * one; opening it waits a while for the reader.
 */
import { takeBatch } from "../base/byte_batch.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { TimeoutError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { TraceSink } from "../model/trace_sink.ts";
import { errnoOf, kernelError } from "./io_errors.ts";

/** What we need of an open file. */
export type TraceHandle = Pick<Deno.FsFile, "write" | "truncate" | "close">;

export class TraceFile implements TraceSink {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #handle: TraceHandle;
  readonly #onFailure: (error: Error) => void;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Bytes of whole blocks that the file has. */
  #wholeBytes = 0;
  #isClosed = false;
  #hasFailed = false;
  #writing: Promise<void> | null = null;

  constructor(
    options: { path: string; clock: Clock; handle: TraceHandle; onFailure: (error: Error) => void },
  ) {
    this.#path = options.path;
    this.#clock = options.clock;
    this.#handle = options.handle;
    this.#onFailure = options.onFailure;
  }

  /** What stands in the file goes; only its owner can read it from now on. Throws KernelError. */
  static async open(path: string, clock: Clock, onFailure: (error: Error) => void): Promise<TraceFile> {
    return new TraceFile({ path, clock, onFailure, handle: await openForTrace(path, clock) });
  }

  offer(block: Uint8Array): boolean {
    if (this.#isClosed || this.#hasFailed) return false;
    if (this.#queuedBytes + block.length > limits.traceQueueBytesMax) return false;
    this.#add(block);
    return true;
  }

  #add(block: Uint8Array): void {
    this.#queue.push(block);
    this.#queuedBytes += block.length;
    this.#writing ??= this.#writeAll();
  }

  async close(last: Uint8Array): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#hasFailed) this.#add(last);
    if (this.#writing !== null) {
      let timer: Timer | null = null;
      const late = new Promise<void>((resolve) => timer = this.#clock.setTimer(limits.traceCloseMs, resolve));
      await Promise.race([this.#writing, late]);
      (timer as Timer | null)?.cancel();
      if (this.#queuedBytes > 0) {
        const late = `${this.#queuedBytes} bytes were not taken in ${limits.traceCloseMs} ms`;
        this.#fail(new TimeoutError("trace", `Cannot write the trace to ${this.#path}: ${late}`));
      }
    }
    this.#handle.close();
  }

  async #writeAll(): Promise<void> {
    // Blocks offered in one go become one write.
    await Promise.resolve();
    while (this.#queue.length > 0 && !this.#hasFailed) {
      // Whole blocks, which still count as waiting.
      const batch = takeBatch(this.#queue, limits.traceWriteBytes);
      try {
        for (let at = 0; at < batch.length;) at += await this.#handle.write(batch.subarray(at));
      } catch (error) {
        await this.#cut();
        this.#fail(error);
        break;
      }
      this.#wholeBytes += batch.length;
      this.#queuedBytes -= batch.length;
    }
    this.#writing = null;
  }

  /** A block that ends in the middle makes readers complain. */
  async #cut(): Promise<void> {
    try {
      await this.#handle.truncate(this.#wholeBytes);
    } catch {
      // A pipe or device cannot be cut; readers take what is whole.
    }
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#onFailure(kernelError(`Cannot write the trace to ${this.#path}`, error));
  }
}

/**
 * Standard output, which has no path that always opens: a socket, as ssh gives one, has none. What others write there
 * stays, and it cannot be cut.
 */
export function standardOutput(clock: Clock): TraceHandle {
  return {
    async write(bytes) {
      try {
        return await Deno.stdout.write(bytes);
      } catch (error) {
        // A pipe that its other users made non-blocking is full.
        if (errnoOf(error) !== "EAGAIN") throw error;
        await new Promise<void>((resolve) => void clock.setTimer(limits.traceFullPipeMs, resolve));
        return 0;
      }
    },
    truncate: () => Promise.resolve(),
    close() {},
  };
}

/** What stands in the file goes; only its owner can read it from now on. Throws KernelError. */
export async function openForTrace(path: string, clock: Clock): Promise<TraceHandle> {
  let closeReader = () => {};
  try {
    if (await isPipe(path)) closeReader = await pipeWithReader(path, clock);
    const file = await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 });
    try {
      // One that was there keeps its mode otherwise. It is empty still.
      if ((await file.stat()).isFile) await Deno.chmod(path, 0o600);
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  } catch (error) {
    throw kernelError(`Cannot write the trace to ${path}`, error);
  } finally {
    closeReader();
  }
}

async function isPipe(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => null))?.isFifo === true;
}

/**
 * Waits, for a while, until somebody reads the pipe; answers what ends our hold of it. Opening one that nobody reads
 * never returns, and in an executable nothing else runs meanwhile. fifo(7): with O_NONBLOCK it fails with ENXIO.
 */
async function pipeWithReader(path: string, clock: Clock): Promise<() => void> {
  const { closeSync, constants, openSync } = await import("node:fs");
  for (let waitedMs = 0;; waitedMs += limits.tracePipePollMs) {
    try {
      const file = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      return () => closeSync(file);
    } catch (error) {
      if (errnoOf(error) !== "ENXIO") throw error;
      if (waitedMs >= limits.tracePipeWaitMs) {
        throw new TimeoutError("trace", `Cannot write the trace to ${path}: nobody reads this pipe`);
      }
    }
    await new Promise<void>((resolve) => void clock.setTimer(limits.tracePipePollMs, resolve));
  }
}

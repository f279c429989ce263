/**
 * I/O on a mounted volume: blocks written, flushed to the device, and at the end read back after the
 * caches are dropped. Remembers the first error, and the longest time that one write took.
 */
import { pause } from "./poll.ts";

const blockBytes = 4096;
const blocks = 64;
/** What the one processor of the guest has for others between two writes. */
const pauseMs = 20;

export class VolumeWriter {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #written = new Map<number, number>();
  #isStopped = false;
  #done: Promise<void> = Promise.resolve();
  writes = 0;
  longestMs = 0;
  error: Error | null = null;

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  static async start(mountPoint: string): Promise<VolumeWriter> {
    const path = `${mountPoint}/written`;
    const file = await Deno.open(path, { write: true, create: true, truncate: true });
    const writer = new VolumeWriter(path, file);
    writer.#done = writer.#run();
    return writer;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isStopped) {
        const startedMs = performance.now();
        const block = this.writes % blocks;
        await this.#file.seek(block * blockBytes, Deno.SeekMode.Start);
        await this.#file.write(contentOf(block, ++this.writes));
        await this.#file.syncData();
        this.#written.set(block, this.writes);
        this.longestMs = Math.max(this.longestMs, performance.now() - startedMs);
        await pause(pauseMs);
      }
    } catch (error) {
      this.error = error as Error;
    }
  }

  /** Throws at the first write that failed, or the first block that is not as it was written. */
  async stop(): Promise<string> {
    this.#isStopped = true;
    await this.#done;
    this.#file.close();
    if (this.error !== null) throw new Error(`Write ${this.writes} failed: ${this.error.message}`);
    if (this.writes < blocks) throw new Error(`Only ${this.writes} writes were made`);
    await Deno.writeTextFile("/proc/sys/vm/drop_caches", "3");
    const bytes = await Deno.readFile(this.#path);
    for (const [block, write] of this.#written) {
      const found = bytes.subarray(block * blockBytes, (block + 1) * blockBytes);
      const wanted = contentOf(block, write);
      if (!found.every((byte, at) => byte === wanted[at])) {
        throw new Error(`Block ${block} is not as it was written`);
      }
    }
    return `${this.writes} writes without an error, the longest ${this.longestMs.toFixed(0)} ms`;
  }
}

function contentOf(block: number, write: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(blockBytes);
  new Uint32Array(bytes.buffer).fill((block * 2654435761 + write) >>> 0);
  return bytes;
}

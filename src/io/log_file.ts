/**
 * The log as a file: lines are queued and written behind the agent's back, so that a slow or hanging disk holds nobody
 * up; rotated by size, reopened when somebody else has moved or removed it. Trouble is never fatal: it is told once,
 * writing is tried again, and what did not fit into the queue is counted and told in its place.
 *
 * Why no library: rotating-file-stream 3.2 lost the lines of the last moment at `Deno.exit` (two of three) and all that
 * followed a removal from outside; sonic-boom 5 writes well, but knows neither size nor age nor a file that is gone,
 * waits for the disk at its last flush however long that hangs, and brings node:fs, a third of the start.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { errnoOf, kernelError } from "./io_errors.ts";
import { type LogDisk, type OpenLog, realLogDisk } from "./log_disk.ts";
import { rotatedPath, tidyRotatedLogs } from "./rotated_logs.ts";

/** Names tried for a rotated file, a millisecond apart. */
const rotatedNamesMax = 100;

export interface LogFileOptions {
  readonly path: string;
  /** Bytes at which it is rotated, above 0. */
  readonly maxBytes: number;
  /** Age at which rotated files are removed, ms; 0 keeps them, up to `limits.logFilesKeptMax`. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
  /** Is told of trouble and of its end, once each: whole messages, for another way than this file. */
  readonly onTrouble: (message: string) => void;
  readonly onRecovery: (message: string) => void;
  /** Makes a whole line of a notice of our own. */
  readonly formatNotice: (message: string) => string;
  readonly disk?: LogDisk;
}

export class LogFile {
  readonly #options: LogFileOptions;
  readonly #disk: LogDisk;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Bytes of the queue's first line that the file has already. */
  #writtenOfFirst = 0;
  /** Lines lost after the last one of the queue. */
  #lost = 0;
  /** Lines lost since the last word on that outside of the file. */
  #lostUntold = 0;
  #file: OpenLog | null = null;
  #size = 0;
  #inFlight: { readonly bytes: Uint8Array; readonly sinceMs: number; readonly sizeBefore: number } | null =
    null;
  #pumping: Promise<void> | null = null;
  #reopenAsked = false;
  #trouble = "";
  #tidyTrouble = "";
  #rotateAtMs = 0;
  #retry: Timer | null = null;
  #tidyTimer: Timer | null = null;
  #tidying: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#disk = options.disk ?? realLogDisk;
    this.#tidy();
    this.#pump();
  }

  /** Takes a line, with its end. Never throws and never waits. */
  write(line: string): void {
    if (this.#closed) return;
    if (this.#lost > 0) this.#tellLost();
    this.#enqueue(new TextEncoder().encode(line));
    this.#tellSlow();
    if (this.#retry === null) this.#pump();
  }

  #enqueue(bytes: Uint8Array): void {
    if (this.#lost > 0 || this.#queuedBytes + bytes.length > limits.logQueueBytesMax) {
      this.#lost++;
      this.#lostUntold++;
      return;
    }
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
  }

  /** Where there is room again, the queue says what is missing in that place. */
  #tellLost(): void {
    const text = this.#options.formatNotice(`Lines of the log were lost here: ${this.#lost}`);
    const bytes = new TextEncoder().encode(text);
    if (this.#queuedBytes + bytes.length > limits.logQueueBytesMax / 2) return;
    this.#lost = 0;
    this.#enqueue(bytes);
  }

  #tellSlow(): void {
    const heldMs = this.#inFlight === null ? 0 : this.#options.clock.nowMs() - this.#inFlight.sinceMs;
    if (heldMs < limits.logSlowMs) return;
    this.#tellTrouble(
      "slow",
      `The log file ${this.#options.path} takes no line since ${Math.round(heldMs / 1000)} s`,
    );
  }

  /** Writes to whatever file has the name from now on: whoever rotates logs from outside asks for that by SIGHUP. */
  reopen(): void {
    this.#reopenAsked = true;
    this.#retry?.cancel();
    this.#retry = null;
    this.#pump();
  }

  #pump(): void {
    if (this.#closed) return;
    this.#pumping ??= this.#run().finally(() => this.#pumping = null);
  }

  async #run(): Promise<void> {
    try {
      await this.#open();
      while (this.#queue.length > 0) {
        await this.#open();
        await this.#rotateWhenFull();
        await this.#writeSome();
      }
      if (this.#trouble !== "") this.#tellRecovery();
    } catch (error) {
      this.#handleFailure(error);
    }
  }

  /** Opens the file unless it is open, and still the one of that name. */
  async #open(): Promise<void> {
    const { path } = this.#options;
    if (this.#file !== null) {
      const found = await this.#disk.look(path);
      if (!this.#reopenAsked && found !== null && found.id === this.#file.id) {
        this.#size = found.size;
        return;
      }
      this.#closeFile();
    }
    this.#reopenAsked = false;
    this.#file = await this.#disk.open(path);
    this.#size = this.#file.size;
    // The first half of the line is in a file that is not ours any more.
    this.#writtenOfFirst = 0;
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = null;
  }

  async #rotateWhenFull(): Promise<void> {
    const { path, maxBytes, clock } = this.#options;
    const next = this.#queue[0]?.length ?? 0;
    if (this.#size === 0 || this.#size + next <= maxBytes || this.#writtenOfFirst > 0) return;
    if (clock.nowMs() < this.#rotateAtMs && this.#size + next <= 2 * maxBytes) return;
    try {
      await this.#moveAside();
    } catch (error) {
      const problem = kernelError(`Cannot rotate the log file ${path}`, error);
      this.#rotateAtMs = clock.nowMs() + limits.logRetryMs;
      // It has a bound nevertheless.
      if (this.#size + next > 2 * maxBytes) throw problem;
      this.#tellTidyTrouble(problem.message);
      return;
    }
    await this.#open();
    this.#tidy();
  }

  /** Two in one millisecond, or a clock set back: the name of the next one then. */
  async #moveAside(): Promise<void> {
    const { path, clock } = this.#options;
    const nowMs = clock.wallMs();
    for (let atMs = nowMs;; atMs++) {
      try {
        return await this.#disk.rename(path, rotatedPath(path, atMs));
      } catch (error) {
        if (errnoOf(error) !== "EEXIST" || atMs - nowMs > rotatedNamesMax) throw error;
      }
    }
  }

  async #writeSome(): Promise<void> {
    const bytes = this.#nextBytes();
    this.#inFlight = { bytes, sinceMs: this.#options.clock.nowMs(), sizeBefore: this.#size };
    let count = 0;
    try {
      count = await this.#file!.write(bytes);
    } finally {
      this.#inFlight = null;
    }
    this.#size += count;
    this.#handleWritten(count);
  }

  /** As many lines as make a write, from where the last one ended; not across the size at which the file is rotated. */
  #nextBytes(): Uint8Array {
    const room = Math.min(limits.logWriteBytes, this.#options.maxBytes - this.#size);
    let count = 0;
    let length = -this.#writtenOfFirst;
    for (const line of this.#queue) {
      if (count > 0 && length + line.length > room) break;
      length += line.length;
      count++;
    }
    const bytes = new Uint8Array(length);
    let at = -this.#writtenOfFirst;
    for (const line of this.#queue.slice(0, count)) {
      bytes.set(at < 0 ? line.subarray(-at) : line, Math.max(0, at));
      at += line.length;
    }
    return bytes;
  }

  #handleWritten(count: number): void {
    let written = this.#writtenOfFirst + count;
    let lines = 0;
    for (const line of this.#queue) {
      if (written < line.length) break;
      written -= line.length;
      this.#queuedBytes -= line.length;
      lines++;
    }
    this.#queue.splice(0, lines);
    this.#writtenOfFirst = written;
    if (this.#queue.length === 0 && this.#lost > 0) this.#tellLost();
  }

  #handleFailure(error: unknown): void {
    const { path, clock } = this.#options;
    const problem = kernelError(`Cannot write the log file ${path}`, error);
    this.#tellTrouble(errnoOf(problem), errorText(problem));
    this.#closeAfterFailure();
    if (this.#closed) return;
    this.#retry = clock.setTimer(limits.logRetryMs, () => {
      this.#retry = null;
      this.#pump();
    });
  }

  /** Where the file has the first half of a line, the second one has to follow it. */
  #closeAfterFailure(): void {
    if (this.#writtenOfFirst === 0) this.#closeFile();
  }

  #tellTrouble(code: string, message: string): void {
    if (this.#trouble === code) return;
    this.#trouble = code;
    this.#options.onTrouble(`${message}; it is tried again`);
  }

  #tellRecovery(): void {
    this.#trouble = "";
    const lost = this.#lostUntold === 0 ? "no line was lost" : `${this.#lostUntold} lines were lost`;
    this.#lostUntold = 0;
    this.#options.onRecovery(`The log file ${this.#options.path} is written again: ${lost}`);
  }

  #tellTidyTrouble(message: string): void {
    if (this.#tidyTrouble !== message) this.#options.onTrouble(message);
    this.#tidyTrouble = message;
  }

  #tidy(): void {
    const { path, maxAgeMs, clock } = this.#options;
    this.#tidyTimer?.cancel();
    this.#tidyTimer = clock.setTimer(limits.logTidyMs, () => this.#tidy());
    this.#tidying = this.#tidying.then(() => tidyRotatedLogs({ path, maxAgeMs, nowMs: clock.wallMs() })).then(
      () => void (this.#tidyTrouble = ""),
      (error) => this.#tellTidyTrouble(errorText(error)),
    );
  }

  /** Resolves when the rotated files are looked after; for tests. */
  get tidied(): Promise<void> {
    return this.#tidying;
  }

  /** Resolves when all lines are written or writing has failed; for tests. */
  async idle(): Promise<void> {
    while (this.#pumping !== null) await this.#pumping;
  }

  /** Writes what is left, waits no longer than `limits.logCloseMs`, and takes no more lines. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#tidyTimer?.cancel();
    if (this.#retry !== null) this.reopen();
    let deadline: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      deadline = this.#options.clock.setTimer(limits.logCloseMs, resolve);
    });
    await Promise.race([this.idle(), late]);
    deadline?.cancel();
    this.#closed = true;
    this.#retry?.cancel();
    this.#tellLeft();
    if (this.#inFlight === null) this.#closeFile();
  }

  #tellLeft(): void {
    const left = this.#queue.length + this.#lost;
    if (left > 0) this.#options.onTrouble(`The log file ${this.#options.path} lacks the last ${left} lines`);
  }

  /**
   * Writes what is left at once, in the caller's thread: the process ends next. Not where the disk has held a write
   * for long, which would hold the end up as well.
   */
  flushNow(): void {
    const { path, clock } = this.#options;
    const inFlight = this.#inFlight;
    if (this.#closed) return;
    this.#closed = true;
    this.#tidyTimer?.cancel();
    this.#retry?.cancel();
    if (this.#queue.length === 0) return;
    if (inFlight !== null && clock.nowMs() - inFlight.sinceMs > limits.logSlowMs) return this.#tellLeft();
    try {
      // A descriptor of its own: the other one may be in use by the write under way.
      const file = this.#disk.openNow(path);
      // How far that write has come shows in the size.
      if (inFlight !== null && file.id === this.#file?.id) {
        this.#handleWritten(Math.min(inFlight.bytes.length, Math.max(0, file.size - inFlight.sizeBefore)));
      }
      while (this.#queue.length > 0) this.#handleWritten(file.write(this.#nextBytes()));
    } catch (error) {
      this.#options.onTrouble(errorText(kernelError(`Cannot write the log file ${path}`, error)));
    }
  }
}

/**
 * internal.json in memory, on a disk that can be full, read-only, slow, or cut off in the middle of a save. A save is
 * what the real one is: write a new file, fsync, rename. So a crash leaves the old content or the new, never half;
 * `damage` is for what no crash explains.
 */
import type { Clock } from "../../src/base/clock.ts";
import { ConfigError, KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import type { Random } from "../../src/base/random.ts";
import type { StateStore } from "../../src/model/world.ts";

export interface SaveRecord {
  readonly text: string;
  readonly startedMs: number;
  /** Infinity until it was acknowledged; for ever when it failed or a crash cut it off. */
  endedMs: number;
}

export class MemoryStore implements StateStore {
  readonly path: string;
  readonly #clock: Clock;
  readonly #random: Random;
  #content: Uint8Array | null = null;
  #saving: SaveRecord | null = null;
  #crashes = 0;

  /** Errno of every save and every move while set: `ENOSPC`, `EROFS`, `EIO`. */
  writeError: string | null = null;
  /** Errno of every load while set. */
  readError: string | null = null;
  /** A save takes this, ms. */
  saveMs = 1;
  readonly saves: SaveRecord[] = [];
  /** Contents that were moved out of the way. */
  readonly setAsides: Uint8Array[] = [];

  constructor(clock: Clock, random: Random, path = "/etc/discovery-client/internal/internal.json") {
    this.#clock = clock;
    this.#random = random;
    this.path = path;
  }

  /** What is on the disk. */
  get text(): string | null {
    return this.#content === null ? null : new TextDecoder().decode(this.#content);
  }

  /** Puts content there, as a predecessor or an earlier run left it. */
  put(content: string | Uint8Array | null): void {
    this.#content = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content?.slice() ?? null;
  }

  /** What disks and people do to files. */
  damage(how: "truncate" | "garbage" | "empty"): void {
    const content = this.#content ?? new Uint8Array();
    if (how === "empty") this.#content = new Uint8Array();
    else if (how === "truncate") {
      this.#content = content.slice(0, Math.floor(content.length * this.#random()));
    } else {this.#content = content.map((byte) =>
        this.#random() < 0.2 ? Math.floor(this.#random() * 256) : byte
      );}
  }

  /** The process dies: a save under way has happened or not, by chance; it is acknowledged to nobody. */
  crash(): void {
    this.#crashes++;
    if (this.#saving !== null && this.#random() < 0.5) this.put(this.#saving.text);
    this.#saving = null;
  }

  // deno-lint-ignore require-await
  async load(): Promise<Uint8Array | null> {
    if (this.readError !== null) throw this.#failure("read", this.readError);
    const content = this.#content;
    if (content !== null && content.length > limits.stateBytesMax) {
      const message = `Cannot read ${this.path}: ${content.length} bytes, at most ${limits.stateBytesMax}`;
      throw new ConfigError("too-large", message, { file: this.path });
    }
    return content?.slice() ?? null;
  }

  async save(text: string): Promise<void> {
    if (this.#saving !== null) throw new Error("Saves must not overlap");
    const record: SaveRecord = { text, startedMs: this.#clock.nowMs(), endedMs: Infinity };
    this.saves.push(record);
    this.#saving = record;
    const crashes = this.#crashes;
    await new Promise<void>((resolve) => this.#clock.setTimer(this.saveMs, resolve));
    if (crashes !== this.#crashes) return new Promise<never>(() => {});
    this.#saving = null;
    if (this.writeError !== null) throw this.#failure("write", this.writeError);
    this.put(text);
    record.endedMs = this.#clock.nowMs();
  }

  // deno-lint-ignore require-await
  async setAside(): Promise<string> {
    if (this.writeError !== null) throw this.#failure("move", this.writeError);
    if (this.#content === null) throw this.#failure("move", "ENOENT");
    this.setAsides.push(this.#content);
    this.#content = null;
    return `${this.path}.bad-${this.setAsides.length}`;
  }

  #failure(action: string, errno: string): KernelError {
    return new KernelError(errno, `Cannot ${action} ${this.path}: ${errno}`);
  }
}

/**
 * internal.json in memory, on a disk that can be full, read-only, slow, or cut off in the middle of a save. It is saved
 * by the real `writeFileAtomically` under the names that `src/io/state_file.ts` uses, so a crash or a power loss at
 * any step meets the real code; `damage` is for what no crash explains.
 */
import type { Clock } from "../../src/base/clock.ts";
import { ConfigError, KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import type { Random } from "../../src/base/random.ts";
import { writeFileAtomically } from "../../src/io/atomic_file.ts";
import type { StateStore } from "../../src/model/world.ts";
import { MemoryDisk } from "./memory_disk.ts";

export interface SaveRecord {
  readonly text: string;
  readonly startedMs: number;
  /** Infinity until it was acknowledged; for ever when it failed or a crash cut it off. */
  endedMs: number;
}

export class MemoryStore implements StateStore {
  readonly path: string;
  readonly disk: MemoryDisk;
  readonly #clock: Clock;
  readonly #random: Random;
  #saving = false;
  #saveMs = 0;

  /** Errno of every load while set. */
  readError: string | null = null;
  readonly saves: SaveRecord[] = [];
  /** Contents that were moved out of the way. */
  readonly setAsides: Uint8Array[] = [];

  constructor(clock: Clock, random: Random, path = "/etc/discovery-client/internal/internal.json") {
    this.#clock = clock;
    this.#random = random;
    this.disk = new MemoryDisk(clock, random);
    this.path = path;
    this.saveMs = 1;
  }

  /** Errno of every step of a save, and of every move, while set: `ENOSPC`, `EROFS`, `EIO`. */
  get writeError(): string | null {
    return this.disk.error;
  }

  set writeError(errno: string | null) {
    this.disk.error = errno;
  }

  /** A save takes this, ms: six operations, of which the flush of the file takes three eighths, the others one. */
  get saveMs(): number {
    return this.#saveMs;
  }

  set saveMs(ms: number) {
    this.#saveMs = ms;
    // Eighths of whole numbers add up exactly.
    this.disk.operationMs = ms / 8;
    this.disk.syncMs = 3 * ms / 8;
  }

  /** What a process reads there. */
  get text(): string | null {
    const content = this.disk.read(this.path);
    return content === null ? null : new TextDecoder().decode(content);
  }

  /** Puts content there, as a predecessor or an earlier run left it. */
  put(content: string | Uint8Array | null): void {
    this.disk.put(this.path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  }

  /** What disks and people do to files. */
  damage(how: "truncate" | "garbage" | "empty"): void {
    const content = this.disk.read(this.path) ?? new Uint8Array();
    if (how === "empty") this.put("");
    else if (how === "truncate") this.put(content.slice(0, Math.floor(content.length * this.#random())));
    else this.put(content.map((byte) => this.#random() < 0.2 ? Math.floor(this.#random() * 256) : byte));
  }

  /** The process dies: the step of a save that is under way has happened or not; it is acknowledged to nobody. */
  crash(): void {
    this.disk.killProcess();
    this.#saving = false;
  }

  /** The whole host dies, and with it what was not flushed. */
  powerLoss(): void {
    this.disk.powerLoss();
    this.#saving = false;
  }

  // deno-lint-ignore require-await
  async load(): Promise<Uint8Array | null> {
    if (this.readError !== null) throw this.#failure("read", this.readError);
    const content = this.disk.read(this.path);
    if (content !== null && content.length > limits.stateBytesMax) {
      const message = `Cannot read ${this.path}: ${content.length} bytes, at most ${limits.stateBytesMax}`;
      throw new ConfigError("too-large", message, { file: this.path });
    }
    return content;
  }

  async save(text: string): Promise<void> {
    if (this.#saving) throw new Error("Saves must not overlap");
    const record: SaveRecord = { text, startedMs: this.#clock.nowMs(), endedMs: Infinity };
    this.saves.push(record);
    this.#saving = true;
    const { path } = this;
    try {
      const write = { path, temporaryPath: `${path}.tmp`, text, mode: 0o600, replace: true };
      await writeFileAtomically(write, this.disk);
      record.endedMs = this.#clock.nowMs();
    } finally {
      this.#saving = false;
    }
  }

  /** In one moment, and for certain. */
  // deno-lint-ignore require-await
  async setAside(): Promise<string> {
    if (this.writeError !== null) throw this.#failure("move", this.writeError);
    const content = this.disk.read(this.path);
    if (content === null) throw this.#failure("move", "ENOENT");
    this.setAsides.push(content);
    const name = `${this.path}.corrupt-${this.setAsides.length}`;
    this.disk.put(name, content);
    this.disk.put(this.path, null);
    return name;
  }

  #failure(action: string, errno: string): KernelError {
    return new KernelError(errno, `Cannot ${action} ${this.path}: ${errno}`);
  }
}

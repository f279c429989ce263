/** A directory of entry files in memory, as consumers and file systems treat it; watch hints may be lost or late. */
import type { Clock, Timer } from "../../src/base/clock.ts";
import { limits } from "../../src/base/limits.ts";
import { isEntryFileName } from "../../src/model/entry_file_name.ts";
import type { Closer, ConfigDir, ConfigDirScan, ConfigFile } from "../../src/model/world.ts";

interface StoredFile {
  readonly bytes: Uint8Array;
  /** Changes with every write, as inode, size and time do. */
  readonly version: string;
  readonly modifiedMs: number;
  /** Errno of reading it, when it cannot be read. */
  readonly error: string | null;
}

export class MemoryConfigDir implements ConfigDir {
  readonly path: string;
  readonly #clock: Clock;
  readonly #files = new Map<string, StoredFile>();
  readonly #watchers = new Set<() => void>();
  #exists = true;
  #modifiedMs: number;
  #versions = 0;
  /** Counts since the start. */
  scans = 0;
  /** When the directory was read last, on the clock. */
  readAtMs = -Infinity;
  /** Hints are lost while set. */
  dropHints = false;
  /** Hints come this late, ms; those of one moment are merged into one. */
  hintDelayMs = 0;
  /** A scan takes this, ms; 0 answers in the same moment. */
  scanMs = 0;
  /** Error text of every scan while set. */
  scanError: string | null = null;
  #hintPending = false;
  #spuriousHintsMs = 0;
  #spurious: Timer | null = null;

  constructor(clock: Clock, path = "/etc/discovery-client/discovery.d") {
    this.#clock = clock;
    this.path = path;
    this.#modifiedMs = clock.wallMs();
  }

  /** Names of all files, ignored ones included. */
  get names(): string[] {
    return [...this.#files.keys()].sort();
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Hints come without any change, one every so many ms; 0 for none. */
  get spuriousHintsMs(): number {
    return this.#spuriousHintsMs;
  }

  set spuriousHintsMs(ms: number) {
    if (ms === this.#spuriousHintsMs) return;
    this.#spuriousHintsMs = ms;
    this.#spurious?.cancel();
    this.#spurious = null;
    const next = () => {
      this.#spurious = this.#clock.setTimer(ms, () => {
        this.sendHint();
        next();
      });
    };
    if (ms > 0) next();
  }

  /** What the file says, or undefined. */
  read(name: string): string | undefined {
    const file = this.#files.get(name);
    return file === undefined ? undefined : new TextDecoder().decode(file.bytes);
  }

  /** Creates or replaces at once, as a rename does. Without the directory it is made. */
  write(name: string, content: string | Uint8Array): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content.slice();
    this.#exists = true;
    this.#store(name, bytes, null);
  }

  /**
   * A copy from elsewhere: the file is empty, then grows, and every state can be scanned. Resolves when it is whole.
   */
  async writeSlowly(name: string, content: string, steps: number, stepMs: number): Promise<void> {
    for (let step = 0; step <= steps; step++) {
      if (!this.#exists) return;
      this.write(name, content.slice(0, Math.ceil(content.length * step / steps)));
      if (step < steps) await new Promise<void>((resolve) => this.#clock.setTimer(stepMs, resolve));
    }
  }

  rename(from: string, to: string): void {
    const file = this.#files.get(from);
    if (file === undefined) throw new Error(`Cannot rename ${from}: there is no such file`);
    this.#files.delete(from);
    this.#store(to, file.bytes, file.error);
  }

  remove(name: string): void {
    if (!this.#files.delete(name)) throw new Error(`Cannot remove ${name}: there is no such file`);
    this.#touch();
  }

  /** Reading this file fails with `error`, or works again with null. */
  setReadError(name: string, error: string | null): void {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`Cannot fail ${name}: there is no such file`);
    this.#store(name, file.bytes, error);
  }

  removeDirectory(): void {
    this.#exists = false;
    this.#files.clear();
    this.#touch();
  }

  createDirectory(): void {
    this.#exists = true;
    this.#touch();
  }

  async scan(): Promise<ConfigDirScan> {
    this.scans++;
    if (this.scanMs > 0) await new Promise<void>((resolve) => this.#clock.setTimer(this.scanMs, resolve));
    if (this.scanError !== null) return { ok: false, error: this.scanError };
    if (!this.#exists) return { ok: false, error: `Cannot read ${this.path}: ENOENT` };
    const files = this.names.filter(isEntryFileName).map((name) => this.#show(name, this.#files.get(name)!));
    this.readAtMs = this.#clock.nowMs();
    const times = [...this.#files.values()].map(({ modifiedMs }) => modifiedMs);
    return { ok: true, files, modifiedMs: Math.max(this.#modifiedMs, ...times) };
  }

  watch(onHint: () => void): Closer {
    const watcher = () => onHint();
    this.#watchers.add(watcher);
    return { close: () => void this.#watchers.delete(watcher) };
  }

  /** A hint without a change. */
  sendHint(): void {
    if (this.dropHints || this.#hintPending) return;
    this.#hintPending = true;
    this.#clock.setTimer(this.hintDelayMs, () => {
      this.#hintPending = false;
      for (const watcher of [...this.#watchers]) watcher();
    });
  }

  #show(name: string, { bytes, version, error }: StoredFile): ConfigFile {
    if (error !== null) return { name, version, error };
    // What is named by its whole path stands for nvme-cli's own file.
    const nvmeCli = name.startsWith("/") ? { nvmeCli: true as const } : {};
    if (bytes.length <= limits.entryFileBytesMax) return { name, version, bytes, ...nvmeCli };
    return { name, version, error: `${bytes.length} bytes, at most ${limits.entryFileBytesMax}` };
  }

  #store(name: string, bytes: Uint8Array, error: string | null): void {
    const version = String(++this.#versions);
    this.#files.set(name, { bytes, version, modifiedMs: this.#clock.wallMs(), error });
    this.#touch();
  }

  #touch(): void {
    this.#modifiedMs = this.#clock.wallMs();
    this.sendHint();
  }
}

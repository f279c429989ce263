/**
 * clientConfigDir on disk as ConfigDir: what files it holds now, and when to look again. Reads regular files and
 * symlinks to such; leaves out editors' files, `tmp.dc.*`, directories, devices and pipes. Parses nothing.
 */
import type { Clock } from "../base/clock.ts";
import { errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { isEntryFileName } from "../model/entry_file_name.ts";
import type { Closer, ConfigDir, ConfigDirScan, ConfigFile } from "../model/world.ts";
import { DirectoryWatch } from "./directory_watch.ts";
import { inParallel } from "./in_parallel.ts";
import { errnoOf, kernelError } from "./io_errors.ts";
import { isOpen } from "./secret_file.ts";

interface ReadFile {
  /** What stat said when we read it. */
  readonly stamp: string;
  readonly file: ConfigFile;
}

export interface EntryDirectoryOptions {
  /** The one file to look at; one that is missing, with its directory or without, is no file and no error. */
  readonly only?: string;
}

export class EntryDirectory implements ConfigDir {
  readonly path: string;
  readonly #only: string | undefined;
  readonly #clock: Clock;
  #known = new Map<string, ReadFile>();
  /** Makes a version of what differs under the same stamp. */
  #edits = 0;

  constructor(clock: Clock, path: string, { only }: EntryDirectoryOptions = {}) {
    this.#clock = clock;
    this.#only = only;
    this.path = path.replace(/(?<=.)\/+$/, "");
  }

  /** Calls may overlap. Files that vanish meanwhile are left out. */
  async scan(): Promise<ConfigDirScan> {
    try {
      const names = await this.#listNames();
      const kept = names.slice(0, limits.entryFilesMax);
      const found = await inParallel(kept, limits.readsInFlightMax, (name) => this.#readOne(name));
      const files = found.filter((file) => file !== null);
      const living = new Set(kept);
      for (const name of this.#known.keys()) if (!living.has(name)) this.#known.delete(name);
      const excess = names[limits.entryFilesMax];
      if (excess !== undefined) files.push(excessFile(excess, names.length));
      return { ok: true, files };
    } catch (error) {
      return { ok: false, error: errorText(kernelError(`Cannot read the directory ${this.path}`, error)) };
    }
  }

  watch(onHint: () => void): Closer {
    return new DirectoryWatch(this.#clock, this.path, onHint);
  }

  async #listNames(): Promise<string[]> {
    if (this.#only !== undefined) return [this.#only];
    const names: string[] = [];
    for await (const { name, isDirectory } of Deno.readDir(this.path)) {
      if (!isDirectory && isEntryFileName(name)) names.push(name);
    }
    return names.sort();
  }

  async #readOne(name: string): Promise<ConfigFile | null> {
    const path = `${this.path}/${name}`;
    let stamp = "unreadable";
    try {
      const info = await Deno.stat(path);
      if (!info.isFile) return null;
      stamp = stampOf(info);
      const known = this.#known.get(name);
      // What could not be read is tried again: not every failure leaves a trace in the stamp.
      if (known?.stamp === stamp && "bytes" in known.file && !this.#isFresh(info)) return known.file;
      const file = await readEntryFile(path, name, stamp, info.size);
      return this.#remember(stamp, "bytes" in file && isOpen(info) ? { ...file, openToOthers: true } : file);
    } catch (error) {
      if (errnoOf(error) === "ENOENT" && !await isSymlink(path)) return null;
      const text = errorText(kernelError(`Cannot read ${path}`, error));
      return this.#remember(stamp, { name, version: `${stamp} ${errnoOf(error)}`, error: text });
    }
  }

  /** Gives what differs from the last reading under the same stamp a version of its own, and the same the same. */
  #remember(stamp: string, file: ConfigFile): ConfigFile {
    const known = this.#known.get(file.name);
    if (known?.stamp === stamp) {
      if (sameContent(known.file, file)) return known.file;
      file = { ...file, version: `${file.version} edit ${++this.#edits}` };
    }
    this.#known.set(file.name, { stamp, file });
    return file;
  }

  /**
   * Time stamps have ticks of milliseconds (on some file systems of seconds), and an edit in the same tick leaves
   * size and stamp as they were. A stamp in the future is fresh as long as it is.
   */
  #isFresh(info: Deno.FileInfo): boolean {
    const changedMs = Math.max(info.mtime?.getTime() ?? 0, info.ctime?.getTime() ?? 0);
    return changedMs > this.#clock.wallMs() - limits.freshFileMs;
  }
}

function stampOf(info: Deno.FileInfo): string {
  return [info.dev, info.ino, info.mode, info.size, info.mtime?.getTime(), info.ctime?.getTime()].join(":");
}

async function readEntryFile(path: string, name: string, stamp: string, size: number): Promise<ConfigFile> {
  if (size > limits.entryFileBytesMax) return oversizeFile(path, name, stamp);
  const file = await Deno.open(path);
  try {
    // It may grow while we read: one byte more than is allowed shows it.
    const buffer = new Uint8Array(Math.min(size + 4096, limits.entryFileBytesMax + 1));
    let length = 0;
    while (length < buffer.length) {
      const count = await file.read(buffer.subarray(length)) ?? 0;
      if (count === 0) return { name, version: stamp, bytes: buffer.slice(0, length) };
      length += count;
    }
  } finally {
    file.close();
  }
  return oversizeFile(path, name, stamp);
}

function oversizeFile(path: string, name: string, stamp: string): ConfigFile {
  const error = `Cannot read ${path}: it has more than ${limits.entryFileBytesMax} bytes`;
  return { name, version: `${stamp} oversize`, error };
}

/** Stands for all the files beyond the bound, under the name of the first. */
function excessFile(name: string, count: number): ConfigFile {
  const excess = count - limits.entryFilesMax;
  const error =
    `Cannot read ${excess} of ${count} files: at most ${limits.entryFilesMax} are read, in the order of names`;
  return { name, version: `excess ${count}`, error };
}

function sameContent(a: ConfigFile, b: ConfigFile): boolean {
  if ("error" in a || "error" in b) return "error" in a && "error" in b && a.error === b.error;
  return a.bytes.length === b.bytes.length && a.bytes.every((byte, at) => byte === b.bytes[at]);
}

/** A symlink to nothing is a file that cannot be read; a file that is gone is none. */
async function isSymlink(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isSymlink;
  } catch {
    return false;
  }
}

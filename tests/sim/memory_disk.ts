/**
 * A disk in memory with a page cache in front, as a file system with a journal treats them: what was written but not
 * flushed survives the end of a process, and may be lost or torn when the power goes. Directory changes come onto the
 * disk in their order, at some time before the directory is flushed or with it.
 *
 * It knows plain files by their whole paths, and no directories of its own.
 */
import type { Clock } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/random.ts";
import type { AtomicFiles, NewFile } from "../../src/io/atomic_file.ts";

interface Inode {
  /** As every process sees it. */
  content: Uint8Array;
  /** So much of its start is on the disk for certain, bytes. */
  syncedBytes: number;
}

/** Names that change together. */
type NameChange = readonly (readonly [path: string, inode: Inode | null])[];

/** Something that takes its time, and can be cut off before its end. */
interface Operation {
  readonly cancel: () => void;
  /** What a process that is killed in the middle may have done of it. */
  readonly performPart: () => void;
}

export class MemoryDisk implements AtomicFiles {
  readonly #clock: Clock;
  readonly #random: Random;
  #names = new Map<string, Inode>();
  #namesOnDisk = new Map<string, Inode>();
  /** Changes of names that are not on the disk for certain, in order. */
  #journal: NameChange[] = [];
  readonly #underWay = new Set<Operation>();

  /** Errno of every operation while set: `EROFS`, `EIO`, `ENOSPC`; also of what is under way. */
  error: string | null = null;
  /** Room for contents, bytes; a write beyond it writes what fits, and the next gives ENOSPC. */
  spaceBytes = Infinity;
  /** Every operation takes this, ms. */
  operationMs = 0;
  /** But a flush of a file this, ms. */
  syncMs = 0;
  /** Operations ended since the start, failed ones included. */
  operations = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** What a process sees there now, or null. */
  read(path: string): Uint8Array | null {
    return this.#names.get(path)?.content.slice() ?? null;
  }

  get paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** Puts a file there, or takes it away, at once and for certain; whatever stands in the way. */
  put(path: string, content: Uint8Array | null): void {
    this.#rename([[path, content === null ? null : inodeOf(content.slice())]]);
    this.#syncNames();
  }

  create(path: string, _mode: number): Promise<NewFile> {
    return this.#operate(() => {
      if (this.#names.has(path)) throw errno("EEXIST");
      const inode = inodeOf(new Uint8Array());
      this.#rename([[path, inode]]);
      return this.#open(inode);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#operate(() => this.#rename([[from, null], [to, this.#find(from)]]));
  }

  link(from: string, to: string): Promise<void> {
    return this.#operate(() => {
      if (this.#names.has(to)) throw errno("EEXIST");
      this.#rename([[to, this.#find(from)]]);
    });
  }

  remove(path: string): Promise<void> {
    return this.#operate(() => {
      this.#find(path);
      this.#rename([[path, null]]);
    });
  }

  syncDirectory(_path: string): Promise<void> {
    return this.#operate(() => this.#syncNames());
  }

  /**
   * The process dies at this instant: each operation under way has happened, in part for a write, or has not; no
   * promise given out before settles any more.
   */
  killProcess(): void {
    for (const { cancel, performPart } of this.#underWay) {
      cancel();
      if (this.#random() < 0.5 || this.error !== null) continue;
      try {
        performPart();
      } catch {
        // It has failed for nobody.
      }
    }
    this.#underWay.clear();
  }

  /** The host dies: of what is not on the disk for certain there is as much as chance had brought there. */
  powerLoss(): void {
    this.killProcess();
    const happened = this.#journal.length === 0 ? 0 : Math.floor(this.#random() * (this.#journal.length + 1));
    for (const change of this.#journal.slice(0, happened)) applyChange(this.#namesOnDisk, change);
    this.#journal = [];
    this.#names = new Map(this.#namesOnDisk);
    for (const inode of new Set(this.#names.values())) this.#tear(inode);
  }

  #open(inode: Inode): NewFile {
    return {
      write: (bytes) => {
        const copy = bytes.slice();
        const part = () =>
          this.#write(inode, copy.subarray(0, Math.floor(this.#random() * (copy.length + 1))));
        return this.#operate(() => this.#write(inode, copy), this.operationMs, part);
      },
      sync: () => this.#operate(() => void (inode.syncedBytes = inode.content.length), this.syncMs),
      close: () => {},
    };
  }

  #write(inode: Inode, bytes: Uint8Array): number {
    const usedBytes = [...new Set(this.#names.values())].reduce(
      (sum, { content }) => sum + content.length,
      0,
    );
    const count = Math.max(0, Math.min(bytes.length, this.spaceBytes - usedBytes));
    if (count === 0 && bytes.length > 0) throw errno("ENOSPC");
    const content = new Uint8Array(inode.content.length + count);
    content.set(inode.content);
    content.set(bytes.subarray(0, count), inode.content.length);
    inode.content = content;
    return count;
  }

  #find(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw errno("ENOENT");
    return inode;
  }

  #rename(change: NameChange): void {
    applyChange(this.#names, change);
    this.#journal.push(change);
  }

  #syncNames(): void {
    this.#namesOnDisk = new Map(this.#names);
    this.#journal = [];
  }

  /** Behind what was flushed: cut off anywhere, or the whole length with zeros from anywhere on. */
  #tear(inode: Inode): void {
    const { content, syncedBytes } = inode;
    if (syncedBytes < content.length) {
      const kept = syncedBytes + Math.floor(this.#random() * (content.length - syncedBytes + 1));
      inode.content = this.#random() < 0.5 ? content.slice(0, kept) : content.slice().fill(0, kept);
    }
    inode.syncedBytes = inode.content.length;
  }

  #operate<T>(perform: () => T, ms = this.operationMs, performPart: () => void = perform): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(ms, () => {
        this.#underWay.delete(operation);
        this.operations++;
        try {
          if (this.error !== null) throw errno(this.error);
          resolve(perform());
        } catch (error) {
          reject(error);
        }
      });
      const operation: Operation = { cancel: () => timer.cancel(), performPart };
      this.#underWay.add(operation);
    });
  }
}

/** Of a file that is on the disk as a whole. */
function inodeOf(content: Uint8Array): Inode {
  return { content, syncedBytes: content.length };
}

function applyChange(names: Map<string, Inode>, change: NameChange): void {
  for (const [path, inode] of change) {
    if (inode === null) names.delete(path);
    else names.set(path, inode);
  }
}

/** As the runtime throws it. */
function errno(code: string): Error {
  return Object.assign(new Error(code), { code });
}

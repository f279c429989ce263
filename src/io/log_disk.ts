/** The few dealings of the log file with the disk. Throws what the runtime throws; a KernelError for what is no file. */
import { KernelError } from "../base/errors.ts";
import { errnoOf } from "./io_errors.ts";

export interface OpenLog {
  /** Which file it is, whatever its name is by now. */
  readonly id: string;
  /** Bytes when it was opened. */
  readonly size: number;
  /** Appends, answers how many bytes it took. */
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

export interface OpenLogNow {
  readonly id: string;
  readonly size: number;
  write(bytes: Uint8Array): number;
}

export interface LogDisk {
  /** Opens for appending; makes the file (mode 0600, as the predecessor) and its directory where they are missing. */
  open(path: string): Promise<OpenLog>;
  openNow(path: string): OpenLogNow;
  /** What has that name now; null for nothing. */
  look(path: string): Promise<{ readonly id: string; readonly size: number } | null>;
  /** Moves it to a name that nothing has, compressed or not. Throws KernelError `EEXIST` where something does. */
  rename(path: string, to: string): Promise<void>;
}

const append = { append: true, create: true, mode: 0o600 } as const;

export const realLogDisk: LogDisk = {
  async open(path): Promise<OpenLog> {
    const before = await this.look(path);
    if (before === null) await Deno.mkdir(directoryOf(path), { recursive: true });
    const file = await Deno.open(path, append);
    try {
      const info = await file.stat();
      return {
        id: idOf(info),
        size: info.size,
        write: (bytes) => file.write(bytes),
        close: () => file.close(),
      };
    } catch (error) {
      file.close();
      throw error;
    }
  },

  openNow(path): OpenLogNow {
    const file = Deno.openSync(path, append);
    const info = file.statSync();
    return { id: idOf(info), size: info.size, write: (bytes) => file.writeSync(bytes) };
  },

  async look(path): Promise<{ id: string; size: number } | null> {
    try {
      const info = await Deno.stat(path);
      // A pipe without a reader would hold its opener for ever.
      if (!info.isFile) {
        throw new KernelError("EINVAL", `Cannot write the log to ${path}: it is not a regular file`);
      }
      return { id: idOf(info), size: info.size };
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return null;
      throw error;
    }
  },

  async rename(path, to): Promise<void> {
    for (const name of [to, `${to}.gz`]) {
      const isTaken = await Deno.lstat(name).then(() => true, () => false);
      if (isTaken) {
        throw new KernelError("EEXIST", `Cannot rotate the log file ${path}: there is ${name} already`);
      }
    }
    await Deno.rename(path, to);
  },
};

function idOf({ dev, ino }: Deno.FileInfo): string {
  return `${dev}:${ino}`;
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || (path.startsWith("/") ? "/" : ".");
}

/**
 * Files that are either the old ones or the new ones, whatever happens in between: written under another name,
 * flushed, then renamed, then the directory flushed. Throws KernelError with the errno's name.
 */
import { errnoOf, kernelError } from "./io_errors.ts";

export interface AtomicWrite {
  readonly path: string;
  /** In the same directory; what stands there is replaced. */
  readonly temporaryPath: string;
  readonly text: string | Uint8Array;
  readonly mode: number;
  /** False: `EEXIST` when `path` exists. */
  readonly replace: boolean;
}

/** What it asks of a file system, so that a test may put one underneath that loses power. Errors carry an errno. */
export interface AtomicFiles {
  /** Opens a file that was not there, for writing; `EEXIST` when it was. */
  create(path: string, mode: number): Promise<NewFile>;
  rename(from: string, to: string): Promise<void>;
  link(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}

export interface NewFile {
  /** Answers how many of the bytes were written. */
  write(bytes: Uint8Array): Promise<number>;
  sync(): Promise<void>;
  close(): void;
}

const denoFiles: AtomicFiles = {
  create: createWithMode,
  rename: (from, to) => Deno.rename(from, to),
  link: (from, to) => Deno.link(from, to),
  remove: (path) => Deno.remove(path),
  syncDirectory,
};

export async function writeFileAtomically(write: AtomicWrite, files: AtomicFiles = denoFiles): Promise<void> {
  const { path, temporaryPath } = write;
  try {
    await writeNewFile(write, files);
    if (write.replace) await files.rename(temporaryPath, path);
    else {
      // A rename would replace; a link refuses.
      await files.link(temporaryPath, path);
      await files.remove(temporaryPath);
    }
    await files.syncDirectory(parentOf(path));
  } catch (error) {
    await removeIfThere(temporaryPath, files);
    throw kernelError(`Cannot write ${path}`, error);
  }
}

/** With the mode that was asked for, whatever the umask leaves out of it. */
async function createWithMode(path: string, mode: number): Promise<NewFile> {
  const file = await Deno.open(path, { write: true, createNew: true, mode });
  if ((mode & 0o077) !== 0) {
    // Where modes cannot be set, the file has that of all files there.
    await Deno.chmod(path, mode).catch(() => {});
  }
  return file;
}

async function writeNewFile(write: AtomicWrite, files: AtomicFiles): Promise<void> {
  // What an earlier run left is not written to: it may have another mode, or be a symlink.
  await removeIfThere(write.temporaryPath, files);
  const file = await files.create(write.temporaryPath, write.mode);
  try {
    const bytes = typeof write.text === "string" ? new TextEncoder().encode(write.text) : write.text;
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    await file.sync();
  } finally {
    file.close();
  }
}

/** Makes renames and removals inside it last. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await Deno.open(path, { read: true });
  try {
    await directory.sync();
  } catch (error) {
    // Some file systems cannot, and say so with EINVAL; there is no more that we could do.
    if (errnoOf(error) !== "EINVAL") throw error;
  } finally {
    directory.close();
  }
}

async function removeIfThere(path: string, files: AtomicFiles): Promise<void> {
  try {
    await files.remove(path);
  } catch {
    // The write that follows, or preceded, tells what is wrong.
  }
}

/** Makes a directory with all above it, mode 0755, where there is none. Throws KernelError (`ENOTDIR` for a file). */
export async function ensureDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o755 });
  } catch (error) {
    const code = errnoOf(error) === "EEXIST"
      ? Object.assign(new Error("not a directory"), { code: "ENOTDIR" })
      : error;
    throw kernelError(`Cannot make the directory ${path}`, code);
  }
}

/** The directory that holds it; of `/`, itself. */
export function parentOf(path: string): string {
  const at = path.replace(/(?<=.)\/+$/, "").lastIndexOf("/");
  return at < 0 ? "." : path.slice(0, at) || "/";
}

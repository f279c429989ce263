/**
 * The few dealings of the commands with files of the host: settings and identity read, temporary directories made
 * and removed. Throws KernelError with the errno's name.
 */
import { KernelError } from "../base/errors.ts";
import { errnoOf, kernelError } from "./io_errors.ts";

/** The text of a file of at most `bytesMax` bytes; null when there is none. */
export async function readTextFile(path: string, bytesMax: number): Promise<string | null> {
  try {
    checkReadable(path, await Deno.stat(path), bytesMax);
    return await Deno.readTextFile(path);
  } catch (error) {
    return nullIfMissing(path, error);
  }
}

/**
 * The same in this thread: for the start of a process, when nobody waits for anything else and threads to read with
 * would have to be started first.
 */
export function readTextFileSync(path: string, bytesMax: number): string | null {
  try {
    checkReadable(path, Deno.statSync(path), bytesMax);
    return Deno.readTextFileSync(path);
  } catch (error) {
    return nullIfMissing(path, error);
  }
}

function checkReadable(path: string, { isFile, size }: Deno.FileInfo, bytesMax: number): void {
  // A pipe or a device may have no end.
  if (!isFile) throw new KernelError("EINVAL", `Cannot read ${path}: it is not a regular file`);
  if (size > bytesMax) {
    throw new KernelError(
      "EFBIG",
      `Cannot read ${path}: it has ${size} bytes, at most ${bytesMax} are read`,
    );
  }
}

function nullIfMissing(path: string, error: unknown): null {
  if (errnoOf(error) === "ENOENT") return null;
  throw kernelError(`Cannot read ${path}`, error);
}

/** The last whole lines of a file, `bytesMax` bytes at most; null when there is none. */
export async function readTextTail(path: string, bytesMax: number): Promise<string | null> {
  try {
    const { isFile } = await Deno.stat(path);
    if (!isFile) throw new KernelError("EINVAL", `Cannot read ${path}: it is not a regular file`);
    using file = await Deno.open(path);
    const { size } = await file.stat();
    const start = Math.max(0, size - bytesMax);
    await file.seek(start, Deno.SeekMode.Start);
    const bytes = new Uint8Array(Math.min(size, bytesMax));
    const length = await readInto(file, bytes);
    const text = new TextDecoder().decode(bytes.subarray(0, length));
    return start === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw kernelError(`Cannot read ${path}`, error);
  }
}

/** The first `bytesMax` bytes of a file of /proc, whose size nothing tells; null when there is none. */
export async function readTextStart(path: string, bytesMax: number): Promise<string | null> {
  try {
    using file = await Deno.open(path);
    const bytes = new Uint8Array(bytesMax);
    return new TextDecoder().decode(bytes.subarray(0, await readInto(file, bytes)));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw kernelError(`Cannot read ${path}`, error);
  }
}

async function readInto(file: Deno.FsFile, bytes: Uint8Array): Promise<number> {
  let length = 0;
  for (let count; length < bytes.length && (count = await file.read(bytes.subarray(length))) !== null;) {
    length += count;
  }
  return length;
}

/** Whether something has this name; what cannot be looked at is there. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    return errnoOf(error) !== "ENOENT";
  }
}

/** From the working directory, without a final slash. */
export function absolutePath(path: string): string {
  const whole = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  return whole.replace(/\/\.(?=\/|$)/g, "").replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
}

/** A new directory that only this user can enter. */
export async function makeTemporaryDirectory(prefix: string): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix });
  } catch (error) {
    throw kernelError("Cannot make a temporary directory", error);
  }
}

/** Removes a directory with all that is in it. */
export async function removeDirectory(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw kernelError(`Cannot remove ${path}`, error);
  }
}

/** Whether this process has root's rights, as far as a number can tell. */
export function isRoot(): boolean {
  return Deno.uid() === 0;
}

/**
 * Rotated log files, beside the one that is written: their names, compressing them, removing the old. Names are those
 * of the predecessor, so that its files are purged too. Touches no file of another name.
 *
 *     /var/log/discovery-client.log                                    is written
 *     /var/log/discovery-client-2026-08-01T12-00-00.000.log.gz         was rotated then (UTC)
 */
import { limits } from "../base/limits.ts";
import { errnoOf, kernelError } from "./io_errors.ts";

interface NameParts {
  /** With a slash at its end; empty for the working directory. */
  readonly directory: string;
  /** With the dash before the time. */
  readonly start: string;
  readonly end: string;
}

function partsOf(path: string): NameParts {
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  const dot = name.lastIndexOf(".");
  const stem = dot > 0 ? name.slice(0, dot) : name;
  return { directory: path.slice(0, slash + 1), start: `${stem}-`, end: name.slice(stem.length) };
}

/** What the log file at `path` is called when it is rotated at a time (ms since 1970). */
export function rotatedPath(path: string, atMs: number): string {
  const { directory, start, end } = partsOf(path);
  const time = new Date(atMs).toISOString().replaceAll(":", "-").replace("Z", "");
  return `${directory}${start}${time}${end}`;
}

/** When a file of that name was rotated, ms since 1970; null for a file that is none of ours. */
export function rotatedAtMs(path: string, name: string): number | null {
  const { start, end } = partsOf(path);
  if (!name.startsWith(start)) return null;
  const rest = name.slice(start.length).replace(/\.gz(\.part)?$/, "");
  if (!rest.endsWith(end)) return null;
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(
    rest.slice(0, rest.length - end.length),
  );
  if (match === null) return null;
  const atMs = Date.parse(`${match[1]}T${match[2]}:${match[3]}:${match[4]}Z`);
  return Number.isNaN(atMs) ? null : atMs;
}

export interface TidyOptions {
  /** Of the log file. */
  readonly path: string;
  /** Older ones go; 0: none is too old. */
  readonly maxAgeMs: number;
  /** Ms since 1970. */
  readonly nowMs: number;
  readonly filesMax?: number;
}

/**
 * Removes what is too old or too many, the oldest first, and compresses the rest. Throws KernelError at the first
 * file with which that fails, after all others.
 */
export async function tidyRotatedLogs({ path, maxAgeMs, nowMs, ...options }: TidyOptions): Promise<void> {
  const { directory } = partsOf(path);
  const filesMax = options.filesMax ?? limits.logFilesKeptMax;
  const files = await rotatedFiles(path, directory);
  const problems: unknown[] = [];
  for (const [at, { file, atMs }] of files.entries()) {
    const isOld = maxAgeMs > 0 && atMs < nowMs - maxAgeMs;
    try {
      // What a compression left that was broken off: its source is still there.
      if (isOld || at >= filesMax || file.endsWith(".part")) await removeFile(file);
      else if (!file.endsWith(".gz")) await compress(file);
    } catch (error) {
      problems.push(kernelError(`Cannot tidy up the rotated log ${file}`, error));
    }
  }
  if (problems.length > 0) throw problems[0];
}

/** The youngest first. */
async function rotatedFiles(path: string, directory: string): Promise<{ file: string; atMs: number }[]> {
  const files: { file: string; atMs: number }[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(directory || ".")) {
      const atMs = isFile ? rotatedAtMs(path, name) : null;
      if (atMs !== null) files.push({ file: `${directory}${name}`, atMs });
    }
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw kernelError(`Cannot list the rotated logs in ${directory || "."}`, error);
  }
  return files.sort((a, b) => b.atMs - a.atMs);
}

/** Beside the file, then in its place: at no time is there neither. Chunk by chunk, so that nobody waits for it. */
async function compress(file: string): Promise<void> {
  const part = `${file}.gz.part`;
  const source = await Deno.open(file, { read: true });
  try {
    const mode = (await source.stat()).mode ?? 0o600;
    const target = await Deno.open(part, { write: true, create: true, truncate: true, mode: mode & 0o777 });
    await source.readable.pipeThrough(new CompressionStream("gzip")).pipeTo(target.writable);
    await Deno.rename(part, `${file}.gz`);
    await removeFile(file);
  } catch (error) {
    await removeFile(part).catch(() => {});
    throw error;
  } finally {
    // Closed already where its stream came to its end.
    try {
      source.close();
    } catch { /* it was */ }
  }
}

async function removeFile(file: string): Promise<void> {
  try {
    await Deno.remove(file);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}

/**
 * The files of clientConfigDir as one list of entries. A scan of the directory goes in, what is in force comes out:
 * a deleted file leaves, a changed one replaces its former content, one that cannot be read keeps its last good
 * content, a scan that fails changes nothing. Reads nothing itself.
 */
import { limits } from "../base/limits.ts";
import { sameConnectOptions } from "../model/connect_options.ts";
import { endpointKey } from "../model/endpoint.ts";
import type { Entry, LineError } from "../model/entry.ts";
import type { ConfigDirScan, ConfigFile } from "../model/world.ts";
import { contentDigest } from "./content_digest.ts";
import type { NvmeCliHost } from "./nvme_cli_line.ts";
import { type ParsedFile, parseEntryFile, unreadableFile } from "./entry_file.ts";

/** One file as it is in force. */
export interface FileState {
  readonly name: string;
  /** Version of the content seen last; empty after a failure, so that the next one is looked at whatever it says. */
  readonly version: string;
  /** Digest of the content in force; empty when none was ever good. */
  readonly digest: string;
  /** The content in force. */
  readonly parsed: ParsedFile;
  /** Why the latest content is not in force. */
  readonly problem?: LineError;
}

export interface FilesUpdate {
  readonly files: ReadonlyMap<string, FileState>;
  /** The content in force differs from before. */
  readonly changed: boolean;
  /** What went wrong since the previous update; a failed scan is told each time. */
  readonly problems: readonly LineError[];
}

/** What is in force after `scan`. Unchanged files keep their very objects and are not parsed again. */
export function updateFiles(
  previous: ReadonlyMap<string, FileState>,
  scan: ConfigDirScan,
  host: NvmeCliHost = { hostnqn: null },
): FilesUpdate {
  if (!scan.ok) {
    const message = `${scan.error}; what the entry files said before stays in force`;
    return { files: previous, changed: false, problems: [{ file: "", line: 0, column: 0, message }] };
  }
  const files = new Map<string, FileState>();
  const problems: LineError[] = [];
  const sorted = [...scan.files].sort((a, b) => compareNames(a.name, b.name));
  let changed = false;
  for (const file of sorted.slice(0, limits.entryFilesMax)) {
    const old = previous.get(file.name);
    const state = nextState(old, file, host);
    files.set(file.name, state);
    if (state === old) continue;
    if (state.parsed !== old?.parsed) {
      changed = true;
      problems.push(...state.parsed.errors);
    } else if (state.problem !== undefined) problems.push(state.problem);
  }
  for (const name of previous.keys()) if (!files.has(name)) changed = true;
  const leftOut = sorted.length - files.size;
  if (changed && leftOut > 0) {
    const message = `Ignored ${leftOut} entry files: at most ${limits.entryFilesMax} are read`;
    problems.push({ file: sorted[limits.entryFilesMax]?.name ?? "", line: 0, column: 0, message });
  }
  return { files, changed, problems };
}

function nextState(old: FileState | undefined, file: ConfigFile, host: NvmeCliHost): FileState {
  if ("error" in file) return unreadableState(old, unreadableFile(file.name, file.error), "");
  if (old !== undefined && old.version === file.version) return old;
  const digest = contentDigest(file.bytes);
  if (old !== undefined && old.digest === digest) {
    return { name: file.name, version: file.version, digest, parsed: old.parsed };
  }
  const parsed = parseEntryFile(file.name, file.bytes, file.nvmeCli ? host : null);
  if (parsed.unreadable !== undefined) return unreadableState(old, parsed, file.version);
  return { name: file.name, version: file.version, digest, parsed };
}

/** The last good content stays; the same failure again changes nothing. */
function unreadableState(old: FileState | undefined, unreadable: ParsedFile, version: string): FileState {
  const { name, errors: [problem] } = unreadable;
  if (old === undefined) return { name, version, digest: "", parsed: unreadable, problem };
  if (old.version === version && old.problem?.message === problem?.message) return old;
  return { name, version, digest: old.digest, parsed: old.digest === "" ? unreadable : old.parsed, problem };
}

/** Reading it failed whenever it was tried; what cannot be *used* says nothing, and is none. */
export function isUnknown({ digest, version, problem }: FileState): boolean {
  return digest === "" && version === "" && problem !== undefined;
}

/** All entries of all files, by file name and line, and everything that is wrong with them now. */
export function uniteEntries(
  files: Iterable<Pick<FileState, "parsed" | "problem">>,
): { entries: Entry[]; errors: LineError[] } {
  const entries: Entry[] = [];
  const errors: LineError[] = [];
  const firstOfKey = new Map<string, Entry>();
  for (const { parsed, problem } of [...files].sort((a, b) => compareNames(a.parsed.name, b.parsed.name))) {
    if (problem !== undefined && parsed.unreadable === undefined) errors.push(problem);
    errors.push(...parsed.errors);
    const room = limits.entriesMax - entries.length;
    for (const entry of parsed.entries.slice(0, room)) {
      const conflict = conflictWith(firstOfKey, entry);
      if (conflict !== null) errors.push(conflict);
      entries.push(entry);
    }
    if (parsed.entries.length > room) errors.push(tooManyEntries(parsed, room));
  }
  return { entries, errors };
}

/** Two files may name one endpoint; when they disagree about it, the first one's word counts, and that is told. */
function conflictWith(firstOfKey: Map<string, Entry>, entry: Entry): LineError | null {
  const key = endpointKey(entry);
  const first = firstOfKey.get(key);
  if (first === undefined) {
    firstOfKey.set(key, entry);
    return null;
  }
  if (first.hostid === entry.hostid && sameConnectOptions(first.options, entry.options)) return null;
  const { file, line } = first.origin;
  const message = `Ignored options: ${file} line ${line} names the same endpoint with other options`;
  return { file: entry.origin.file, line: entry.origin.line, column: 0, message };
}

function tooManyEntries(parsed: ParsedFile, room: number): LineError {
  const ignored = parsed.entries.length - room;
  const message = `Ignored ${ignored} entries: all files together may have ${limits.entriesMax}`;
  return { file: parsed.name, line: parsed.entries[room]?.origin.line ?? 0, column: 0, message };
}

/**
 * Digest of the content in force, names included. Kept in internal.json, it tells after a restart whether
 * clientConfigDir has changed since, whatever the clock and the time stamps say.
 */
export function configDigest(files: ReadonlyMap<string, FileState>): string {
  const names = [...files.keys()].sort(compareText);
  return contentDigest(names.map((name) => `${name}\0${files.get(name)?.digest ?? ""}\n`).join(""));
}

/** What clientConfigDir holds comes before what is named by its whole path. */
function compareNames(a: string, b: string): number {
  return Number(a.includes("/")) - Number(b.includes("/")) || compareText(a, b);
}

/** By code units: the same order on every host, whatever its locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

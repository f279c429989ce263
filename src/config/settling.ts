/**
 * Holds back what a directory shows in passing: a file that is being copied or edited in place is empty, then half
 * there, and half a line can be a line that means something else. Pure: a scan goes in, the scan to act on comes out.
 *
 * A new file whose last line is finished counts at once: it can only add. A file that changed or vanished counts once
 * it has stayed so for `fileSettleMs`; one whose last line has no end, for `unfinishedFileSettleMs`.
 */
import { limits } from "../base/limits.ts";
import type { ConfigDirScan, ConfigFile } from "../model/world.ts";

/** A state of a file that is not in force yet. */
export interface Held {
  /** Null: the file is gone. */
  readonly version: string | null;
  /** Since when it is like this, as far as was looked; the clock's ms. */
  readonly sinceMs: number;
}

export interface Settled {
  /** Files held back appear as they are in force; new ones do not appear. */
  readonly scan: ConfigDirScan;
  readonly held: ReadonlyMap<string, Held>;
  /** When to look again for the sake of what is held; Infinity for nothing. */
  readonly againAtMs: number;
}

export function settleFiles(
  inForce: ReadonlyMap<string, { readonly version: string }>,
  before: ReadonlyMap<string, Held>,
  scan: ConfigDirScan,
  nowMs: number,
): Settled {
  const held = new Map<string, Held>();
  let againAtMs = Infinity;
  /** Whether this state has to wait on; keeps note of it. */
  const waits = (name: string, version: string | null, settleMs: number): boolean => {
    const known = before.get(name);
    const sinceMs = known !== undefined && known.version === version ? known.sinceMs : nowMs;
    if (nowMs - sinceMs >= settleMs) return false;
    held.set(name, { version, sinceMs });
    againAtMs = Math.min(againAtMs, sinceMs + settleMs);
    return true;
  };
  // A scan that failed shows nothing: what was held is looked at again when there is something to see.
  if (!scan.ok) return { scan, held: before, againAtMs };
  const files: ConfigFile[] = [];
  const seen = new Set<string>();
  for (const file of scan.files) {
    seen.add(file.name);
    const old = inForce.get(file.name);
    if (
      !("bytes" in file) || old?.version === file.version ||
      !waits(file.name, file.version, settleMs(file, old))
    ) {
      files.push(file);
    } else if (old !== undefined) files.push(asInForce(file.name, old));
  }
  for (const [name, old] of inForce) {
    if (!seen.has(name) && waits(name, null, limits.fileSettleMs)) files.push(asInForce(name, old));
  }
  return { scan: { ...scan, files }, held, againAtMs };
}

function settleMs({ bytes }: { readonly bytes: Uint8Array }, old: unknown): number {
  const finished = bytes.length === 0 || bytes.at(-1) === 0x0a;
  if (!finished) return limits.unfinishedFileSettleMs;
  return old === undefined ? 0 : limits.fileSettleMs;
}

/** The version says it all: nobody reads the bytes of a file that has not changed. */
function asInForce(name: string, { version }: { readonly version: string }): ConfigFile {
  return { name, version, bytes: new Uint8Array() };
}

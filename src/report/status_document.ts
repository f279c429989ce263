/**
 * What a running agent answers when it is asked how it is: the snapshot, and who tells it. It travels as JSON over the
 * control socket; the other end may be a program of another version.
 */
import type { PathSnapshot, Snapshot } from "./snapshot.ts";

export interface StatusDocument extends Snapshot {
  readonly version: string;
  readonly pid: number;
  /** ISO 8601, of this host's clock; every age in it counts from here. */
  readonly at: string;
  /** ms since the agent started. */
  readonly upMs: number;
  /** The first pass is done: before, nothing is known. */
  readonly ready: boolean;
  /** The kernel is asked for nothing. */
  readonly dryRun: boolean;
}

/** A cluster whose paths nobody knows: none of its logs could be read yet. */
export function isUnknown({ endpoints }: Snapshot["clusters"][number]): boolean {
  return endpoints.every(({ retired, records }) => retired || records === undefined);
}

export function isLive({ state }: PathSnapshot): boolean {
  return state === "live";
}

/** Every path that is known is live, and every cluster's paths are known. */
export function isAllLive({ ready, clusters, paths, pathsDropped }: StatusDocument): boolean {
  return ready && pathsDropped === 0 && paths.every(isLive) && !clusters.some(isUnknown);
}

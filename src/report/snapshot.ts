/**
 * Everything the agent knows, as plain data for status, metrics, the dry run and tests. Pure; holds no secret
 * (connect options are left out but for addresses) and no live object.
 */
import { endpointLabel } from "../model/endpoint.ts";
import { formatHostPort } from "../base/address.ts";
import type { EntryOrigin } from "../model/entry.ts";
import type { Facts, Member } from "../plan/facts.ts";
import type { Plan } from "../plan/plan.ts";
import { sessionRetryAtMs } from "../plan/plan_sessions.ts";
import type { PathRow, PathState } from "../plan/plan_connects.ts";
import type { RefusedRecord } from "../plan/wanted_paths.ts";

export interface Snapshot {
  readonly clusters: readonly ClusterSnapshot[];
  readonly paths: readonly PathSnapshot[];
  readonly refused: readonly RefusedRecord[];
  /** Paths left out because there are too many. */
  readonly pathsDropped: number;
  readonly kernel: KernelSnapshot;
  /** What is wrong with entry files now, in words. */
  readonly fileProblems: readonly string[];
  readonly summary: Summary;
}

export interface KernelSnapshot {
  /** /dev/nvme-fabrics answers; null where it was not asked yet. */
  readonly present: boolean | null;
  readonly error?: string;
}

/** That of an agent that knows nothing yet, but for the counts. */
export const emptySnapshot: Omit<Snapshot, "summary"> = {
  clusters: [],
  paths: [],
  refused: [],
  pathsDropped: 0,
  kernel: { present: null },
  fileProblems: [],
};

/** What no fact holds. */
export interface SnapshotExtras {
  /** Since when the path of this key is live, or is not. */
  readonly pathSinceMs?: (key: string) => number | undefined;
  /** Since when the endpoint of this key has a live session, or has none. */
  readonly sessionSinceMs?: (key: string) => number | undefined;
  readonly fileProblems?: Iterable<string>;
}

export interface Summary {
  readonly clusters: number;
  readonly endpoints: number;
  readonly sessionsLive: number;
  readonly pathsWanted: number;
  readonly pathsLive: number;
}

export interface ClusterSnapshot {
  readonly subsysnqn: string;
  readonly hostnqn: string;
  readonly endpoints: readonly EndpointSnapshot[];
  readonly notes: readonly string[];
}

export interface EndpointSnapshot {
  readonly address: string;
  readonly source: "user" | "referral";
  /** Why it is on the list, in words. */
  readonly reason: string;
  /** The lines of files that name it, first file first; none for a referral. */
  readonly origins: readonly EntryOrigin[];
  /** The name that gave the address, where a file has one. */
  readonly hostName?: string;
  /** Endpoints whose logs name it. */
  readonly namedBy: readonly string[];
  readonly retired: boolean;
  readonly state: "idle" | "opening" | "live" | "closing";
  /** ms since it is live, or is not. */
  readonly forMs: number;
  readonly generation?: string;
  readonly records?: number;
  readonly logReads: number;
  /** ms since the last good log was read. */
  readonly logAgeMs?: number;
  readonly events: number;
  /** ms since its last asynchronous event. */
  readonly lastEventAgeMs?: number;
  /** Attempts failed since a log was last read. */
  readonly failures: number;
  /** Errno, NVMe status or rule broken, in one word; of the last failure. */
  readonly code?: string;
  readonly error?: string;
  /** ms until the next attempt. */
  readonly retryInMs?: number;
}

export interface PathSnapshot {
  /** NQN of the cluster that named it; with `hostnqn` it tells which. */
  readonly cluster: string;
  readonly subsysnqn: string;
  readonly hostnqn: string;
  readonly address: string;
  readonly state: PathState;
  readonly reason: string;
  readonly device?: string;
  /** ms since it is live, or is not. */
  readonly forMs?: number;
  /** Errno of the last failure while it is not live, or the NVMe status that the target gave us: `invalid-host`. */
  readonly code?: string;
  readonly retryInMs?: number;
}

export function takeSnapshot(
  facts: Facts,
  plan: Plan | null,
  nowMs: number,
  extras: SnapshotExtras = {},
): Snapshot {
  const labels = new Map<string, string>();
  for (const { members } of facts.list.values()) {
    for (const { key, endpoint } of members) labels.set(key, endpointLabel(endpoint));
  }
  const clusters = [...facts.list.values()].filter(({ members, notes }) => members.length + notes.length > 0)
    .map(({ members, notes }) => ({
      subsysnqn: members[0]?.endpoint.cluster.subsysnqn ?? "",
      hostnqn: members[0]?.endpoint.cluster.hostnqn ?? "",
      endpoints: members.map((member) => endpointSnapshot(facts, member, labels, extras, nowMs)),
      notes,
    }));
  const paths = (plan?.connects.rows ?? []).map((row) => pathSnapshot(facts, row, extras, nowMs));
  return {
    clusters,
    paths,
    refused: plan?.wanted.refused ?? [],
    pathsDropped: plan?.wanted.dropped ?? 0,
    kernel: { present: facts.kernel.present, error: facts.kernel.failure?.message },
    fileProblems: [...extras.fileProblems ?? []],
    summary: summarize(facts, plan),
  };
}

/** The summary alone: counts, and builds nothing, however many paths there are. */
export function summarize({ list, sessions }: Facts, plan: Plan | null): Summary {
  let clusters = 0;
  let endpoints = 0;
  let sessionsLive = 0;
  for (const { members, notes } of list.values()) {
    if (members.length + notes.length > 0) clusters++;
    for (const { key, retired } of members) {
      if (!retired) endpoints++;
      if (sessions.get(key)?.state === "live") sessionsLive++;
    }
  }
  const rows = plan?.connects.rows ?? [];
  let pathsLive = 0;
  for (const { state } of rows) if (state === "live") pathsLive++;
  return { clusters, endpoints, sessionsLive, pathsWanted: rows.length, pathsLive };
}

function endpointSnapshot(
  facts: Facts,
  member: Member,
  labels: ReadonlyMap<string, string>,
  { sessionSinceMs }: SnapshotExtras,
  nowMs: number,
): EndpointSnapshot {
  const session = facts.sessions.get(member.key);
  const retryAtMs = sessionRetryAtMs(member, session);
  const waiting = session?.state === "idle" && retryAtMs > nowMs;
  return {
    address: endpointLabel(member.endpoint),
    source: member.endpoint.source,
    reason: member.reason,
    origins: member.endpoint.origins,
    hostName: member.endpoint.hostName,
    namedBy: member.namedBy.flatMap((key) => labels.get(key) ?? []),
    retired: member.retired,
    state: session?.state ?? "idle",
    forMs: ageOf(sessionSinceMs?.(member.key) ?? session?.sinceMs, nowMs) ?? 0,
    generation: session?.log === null || session === undefined ? undefined : String(session.log.genctr),
    records: session?.log?.records.length,
    logReads: session?.logReads ?? 0,
    logAgeMs: session?.log === null ? undefined : ageOf(session?.logAtMs, nowMs),
    events: session?.events ?? 0,
    lastEventAgeMs: ageOf(session?.lastEventMs, nowMs),
    failures: session?.failures ?? 0,
    code: session?.failure?.code,
    error: session?.failure?.message,
    retryInMs: waiting ? Math.round(retryAtMs - nowMs) : undefined,
  };
}

function ageOf(atMs: number | null | undefined, nowMs: number): number | undefined {
  return atMs === null || atMs === undefined ? undefined : Math.round(nowMs - atMs);
}

function pathSnapshot(
  facts: Facts,
  { wanted, state, reason, device, retryAtMs }: PathRow,
  { pathSinceMs }: SnapshotExtras,
  nowMs: number,
): PathSnapshot {
  const { key, addressKey, path } = wanted;
  const connect = facts.connects.get(key);
  // The target's own word says more than the kernel's.
  const failure = state === "live"
    ? null
    : connect?.refusal ?? connect?.failure ?? facts.probes.get(addressKey)?.failure;
  return {
    cluster: path.cluster.subsysnqn,
    subsysnqn: path.subsysnqn,
    hostnqn: path.hostnqn,
    address: formatHostPort(path.traddr, path.trsvcid),
    state,
    reason,
    device,
    forMs: ageOf(pathSinceMs?.(key), nowMs),
    code: failure?.code,
    retryInMs: retryAtMs === undefined ? undefined : Math.max(0, Math.round(retryAtMs - nowMs)),
  };
}

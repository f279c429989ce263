/**
 * Everything the agent knows, as plain data for status, metrics, the dry run and tests. Pure; holds no secret
 * (connect options are left out but for addresses) and no live object.
 */
import { endpointLabel } from "../model/endpoint.ts";
import { formatHostPort } from "../base/address.ts";
import type { Facts, Failure, Member } from "../plan/facts.ts";
import type { Plan } from "../plan/plan.ts";
import type { PathRow, PathState } from "../plan/plan_connects.ts";
import type { RefusedRecord } from "../plan/wanted_paths.ts";

export interface Snapshot {
  readonly clusters: readonly ClusterSnapshot[];
  readonly paths: readonly PathSnapshot[];
  readonly refused: readonly RefusedRecord[];
  readonly summary: Summary;
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
  readonly reason: string;
  readonly retired: boolean;
  readonly state: "idle" | "opening" | "live" | "closing";
  /** ms in this state. */
  readonly forMs: number;
  readonly generation?: string;
  readonly records?: number;
  readonly logReads: number;
  readonly events: number;
  readonly failures: number;
  readonly error?: string;
  /** ms until the next attempt. */
  readonly retryInMs?: number;
}

export interface PathSnapshot {
  readonly subsysnqn: string;
  readonly hostnqn: string;
  readonly address: string;
  readonly state: PathState;
  readonly reason: string;
  readonly device?: string;
  readonly retryInMs?: number;
}

export function takeSnapshot(facts: Facts, plan: Plan | null, nowMs: number): Snapshot {
  const clusters = [...facts.list.values()].filter(({ members, notes }) => members.length + notes.length > 0)
    .map(({ members, notes }) => ({
      subsysnqn: members[0]?.endpoint.cluster.subsysnqn ?? "",
      hostnqn: members[0]?.endpoint.cluster.hostnqn ?? "",
      endpoints: members.map((member) => endpointSnapshot(facts, member, nowMs)),
      notes,
    }));
  const paths = (plan?.connects.rows ?? []).map((row) => pathSnapshot(row, nowMs));
  return { clusters, paths, refused: plan?.wanted.refused ?? [], summary: summarize(facts, plan) };
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

function endpointSnapshot(facts: Facts, member: Member, nowMs: number): EndpointSnapshot {
  const session = facts.sessions.get(member.key);
  const waiting = session?.state === "idle" && session.retryAtMs > nowMs;
  return {
    address: endpointLabel(member.endpoint),
    source: member.endpoint.source,
    reason: member.reason,
    retired: member.retired,
    state: session?.state ?? "idle",
    forMs: session === undefined ? 0 : nowMs - session.sinceMs,
    generation: session?.log === null || session === undefined ? undefined : String(session.log.genctr),
    records: session?.log?.records.length,
    logReads: session?.logReads ?? 0,
    events: session?.events ?? 0,
    failures: session?.failures ?? 0,
    error: errorOf(session?.failure),
    retryInMs: waiting ? session.retryAtMs - nowMs : undefined,
  };
}

function errorOf(failure: Failure | null | undefined): string | undefined {
  return failure?.message;
}

function pathSnapshot({ wanted, state, reason, device, retryAtMs }: PathRow, nowMs: number): PathSnapshot {
  const { path } = wanted;
  return {
    subsysnqn: path.subsysnqn,
    hostnqn: path.hostnqn,
    address: formatHostPort(path.traddr, path.trsvcid),
    state,
    reason,
    device,
    retryInMs: retryAtMs === undefined ? undefined : Math.max(0, retryAtMs - nowMs),
  };
}

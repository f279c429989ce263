/**
 * Facts in, actions out: the whole of what the agent decides, as one pure function. Running it again without new
 * facts gives nothing new to do.
 */
import { configuredClusters, hostNames } from "./configured.ts";
import type { ClusterState, EndpointList, Facts } from "./facts.ts";
import { hostidOwner } from "./host_identity.ts";
import { type ConnectPlan, planConnects } from "./plan_connects.ts";
import { groupUnnamed, isUnnamed } from "./unnamed_clusters.ts";
import { type ClusterInput, planCluster } from "./plan_endpoints.ts";
import { addressesProvenByUse } from "./proof_by_use.ts";
import { planRenewals, type RenewalPlan } from "./plan_renewals.ts";
import { planSessions, type SessionPlan } from "./plan_sessions.ts";
import { type WantedPaths, wantedPaths } from "./wanted_paths.ts";
import { limits } from "../base/limits.ts";

export interface Plan {
  readonly list: EndpointList;
  readonly sessions: SessionPlan;
  readonly wanted: WantedPaths;
  readonly connects: ConnectPlan;
  readonly renewals: RenewalPlan;
  /** See Facts. */
  readonly hostidOwner: string | null;
  /** Host names to look up now. */
  readonly resolve: readonly string[];
  /** When to plan again if nothing happens; Infinity for never. */
  readonly wakeAtMs: number;
}

export function plan(facts: Facts, nowMs: number): Plan {
  const list = planList(facts, nowMs);
  const sessions = planSessions(list, facts.sessions, nowMs);
  const wanted = wantedPaths(list, facts.sessions, facts.policy.auxSuffix);
  const connects = planConnects({
    paths: wanted.paths,
    probes: facts.probes,
    connects: facts.connects,
    controllers: facts.controllers,
    kernel: facts.kernel,
    policy: facts.policy,
    provenByUse: () => addressesProvenByUse(facts.sessions, facts.controllers, nowMs),
    nowMs,
  });
  const renewals = planRenewals(connects.rows, {
    policy: facts.policy,
    controllers: facts.controllers,
    renewals: facts.renewals ?? new Map(),
  });
  const names = planNames(facts, nowMs);
  const wakeAtMs = Math.min(
    sessions.wakeAtMs,
    connects.wakeAtMs,
    names.wakeAtMs,
    strandedAtMs(list, nowMs),
  );
  return {
    list,
    sessions,
    wanted,
    connects,
    renewals,
    hostidOwner: hostidOwner(facts),
    resolve: names.resolve,
    wakeAtMs,
  };
}

function planList(facts: Facts, nowMs: number): EndpointList {
  const { entries, list, sessions, policy } = facts;
  const files = entries === null ? null : configuredClusters(entries, facts.resolutions);
  const { configured, groups } = groupUnnamed(list, files, sessions);
  const next = new Map<string, ClusterState>();
  const take = (key: string, input: Pick<ClusterInput, "previous" | "configured">) => {
    const { followReferrals } = policy;
    const cluster = planCluster({ ...input, sessions, followReferrals, nowMs });
    if (cluster !== null) next.set(key, cluster);
  };
  for (const key of new Set([...list.keys(), ...configured?.keys() ?? []])) {
    if (isUnnamed(key)) continue;
    take(key, {
      previous: list.get(key),
      configured: configured === null ? null : configured.get(key),
    });
  }
  for (const { key, ...group } of groups) take(key, group);
  const same = next.size === list.size && [...next].every(([key, cluster]) => list.get(key) === cluster);
  return same ? list : next;
}

function planNames(facts: Facts, nowMs: number): { resolve: string[]; wakeAtMs: number } {
  const resolve: string[] = [];
  let wakeAtMs = Infinity;
  for (const name of hostNames(facts.entries ?? [])) {
    const known = facts.resolutions.get(name);
    if (known?.pending === true) continue;
    if (known === undefined || known.nextAtMs <= nowMs) resolve.push(name);
    else wakeAtMs = Math.min(wakeAtMs, known.nextAtMs);
  }
  return { resolve, wakeAtMs };
}

/** The moment at which a silent cluster tries its retired endpoints again. */
function strandedAtMs(list: EndpointList, nowMs: number): number {
  let wakeAtMs = Infinity;
  for (const { members, silentSinceMs } of list.values()) {
    if (silentSinceMs === null || !members.some((member) => member.retired)) continue;
    wakeAtMs = Math.min(wakeAtMs, Math.max(silentSinceMs + limits.strandedAfterMs, nowMs + 1));
  }
  return wakeAtMs;
}

/**
 * Every metric, computed from what the agent knows at the moment of a scrape: what is gone is not told any more. Pure;
 * README lists them. The four of the predecessor keep its names, types and labels, odd as some are.
 */
import { clusterKey } from "../model/cluster.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { Facts, Member, SessionFact } from "../plan/facts.ts";
import type { Plan } from "../plan/plan.ts";
import type { PathState } from "../plan/plan_connects.ts";
import { counter, gauge, type Labels, type MetricFamily, type Sample } from "./metric_family.ts";
import { processFamilies, type ProcessUsage } from "./process_families.ts";
import type { Tally } from "./tally.ts";

export interface MetricInput {
  readonly facts: Facts;
  readonly plan: Plan | null;
  readonly tally: Tally;
  readonly usage: ProcessUsage;
  /** The first pass is done. */
  readonly isReady: boolean;
  readonly build: { readonly version: string; readonly commit: string; readonly deno: string };
  /** Monotonic. */
  readonly nowMs: number;
}

export function metricFamilies(input: MetricInput): MetricFamily[] {
  const { facts, plan, tally, usage, isReady, build } = input;
  const active = [...facts.list.values()].flatMap(({ members }) => members.filter(({ retired }) => !retired));
  return [
    ...predecessorFamilies(facts, active),
    gauge("discovery_client_build_info", "Always 1; the labels say what is running", [
      { labels: build, value: 1 },
    ]),
    gauge("discovery_client_ready", "Whether the first pass is done", isReady ? 1 : 0),
    gauge(
      "discovery_client_kernel_present",
      "Whether /dev/nvme-fabrics answers",
      facts.kernel.present ? 1 : 0,
    ),
    gauge("discovery_client_clusters", "Clusters on the endpoint list", facts.list.size),
    gauge(
      "discovery_client_retired_endpoints",
      "Configured endpoints that the others do not name, seldom asked",
      [...facts.list.values()].reduce((sum, { members }) => sum + members.filter((m) => m.retired).length, 0),
    ),
    sessionStates(facts),
    ...sessionFamilies(facts, active, input.nowMs),
    ...pathFamilies(facts, plan),
    gauge(
      "discovery_client_names_failing",
      "Host names of entries that could not be looked up last",
      count(facts.resolutions.values(), ({ failures }) => failures > 0),
    ),
    ...tally.families(),
    ...processFamilies(usage),
  ];
}

/** The names are the predecessor's: its gauges end in _total, and two have fewer labels than series to tell apart. */
function predecessorFamilies(facts: Facts, active: readonly Member[]): MetricFamily[] {
  const states = new Map<string, Sample>();
  for (const { key, endpoint } of active) {
    const { trtype = "", traddr = "", trsvcid = "", nqn = "" } = endpointLabels(endpoint);
    const same = `${trtype} ${traddr} ${trsvcid} ${nqn}`;
    const live = facts.sessions.get(key)?.state === "live" ? 1 : 0;
    // Several host NQNs share one series: it is 1 when all of them are connected.
    const value = Math.min(live, states.get(same)?.value ?? 1);
    states.set(same, { labels: { trtype, traddr, trsvcid, nqn }, value });
  }
  return [
    gauge(
      "discovery_connections_total",
      "Number of connections to different discovery servers",
      active.map(({ endpoint }) => ({ shared: endpointLabels(endpoint), value: 1 })),
    ),
    gauge(
      "discovery_connection_state",
      "Show if a connection to discovery service is working or not",
      [...states.values()],
    ),
    gauge("discovery_entries_total", "Number of entries we monitor", active.length),
    gauge(
      "discovery_log_page_count",
      "Number of discovery log pages for hostnqn",
      [...recordsByHost(facts, active)].map(([hostnqn, value]) => ({ labels: { hostnqn }, value })),
    ),
  ];
}

/** Of each cluster, the log read last in a session that lives; one host NQN may be known to several clusters. */
function recordsByHost({ sessions }: Facts, active: readonly Member[]): Map<string, number> {
  const newest = new Map<string, { hostnqn: string; logAtMs: number; records: number }>();
  for (const { key, endpoint: { cluster } } of active) {
    const session = sessions.get(key);
    if (session?.log == null || !session.logCurrent) continue;
    const known = newest.get(clusterKey(cluster));
    if (known !== undefined && known.logAtMs >= session.logAtMs) continue;
    const { logAtMs, log: { records } } = session;
    newest.set(clusterKey(cluster), { hostnqn: cluster.hostnqn, logAtMs, records: records.length });
  }
  const counts = new Map<string, number>();
  for (const { hostnqn, records } of newest.values()) {
    counts.set(hostnqn, (counts.get(hostnqn) ?? 0) + records);
  }
  return counts;
}

const sessionStateNames: readonly SessionFact["state"][] = ["idle", "opening", "live", "closing"];

function sessionStates({ sessions }: Facts): MetricFamily {
  const counts = new Map<string, number>(sessionStateNames.map((state) => [state, 0]));
  for (const { state } of sessions.values()) counts.set(state, counts.get(state)! + 1);
  const samples = [...counts].map(([state, value]) => ({ labels: { state }, value }));
  return gauge(
    "discovery_client_sessions",
    "Discovery sessions by state; idle ones wait to be tried again",
    samples,
  );
}

function sessionFamilies(
  { sessions }: Facts,
  active: readonly Member[],
  nowMs: number,
): MetricFamily[] {
  const ages: Sample[] = [];
  const failures: Sample[] = [];
  const records: Sample[] = [];
  const reads: Sample[] = [];
  const events: Sample[] = [];
  for (const { key, endpoint } of active) {
    const session = sessions.get(key);
    if (session === undefined) continue;
    const shared = endpointLabels(endpoint);
    if (session.state === "live") ages.push({ shared, value: seconds(nowMs - session.sinceMs) });
    if (session.log !== null) records.push({ shared, value: session.log.records.length });
    failures.push({ shared, value: session.failures });
    reads.push({ shared, value: session.logReads });
    events.push({ shared, value: session.events });
  }
  return [
    gauge("discovery_client_session_age_seconds", "Time that a live session has lasted", ages),
    gauge("discovery_client_session_attempts_failed", "Attempts failed since a log was last read", failures),
    gauge("discovery_client_log_records", "Records of the last good discovery log", records),
    counter("discovery_client_log_reads_total", "Discovery logs read since the endpoint is known", reads),
    counter("discovery_client_events_total", "Asynchronous events since the endpoint is known", events),
  ];
}

const pathStateNames: readonly PathState[] = [
  "live",
  "recovering",
  "connecting",
  "connected",
  "probing",
  "unreachable",
  "failed",
  "waiting",
  "would-connect",
];

function pathFamilies({ list }: Facts, plan: Plan | null): MetricFamily[] {
  const byState = new Map<string, number>(pathStateNames.map((state) => [state, 0]));
  const byCluster = new Map<string, ClusterPaths>();
  // From the list too: a cluster whose paths are all gone tells 0.
  for (const { members: [member] } of list.values()) {
    if (member === undefined) continue;
    const { cluster } = member.endpoint;
    byCluster.set(clusterKey(cluster), newCount(cluster));
  }
  for (const { state, wanted: { path: { cluster, subsysnqn } } } of plan?.connects.rows ?? []) {
    byState.set(state, byState.get(state)! + 1);
    const key = clusterKey(cluster);
    const paths = byCluster.get(key) ?? newCount(cluster);
    paths.wanted++;
    paths.subsystems.add(subsysnqn);
    if (state === "live") {
      paths.live++;
      paths.subsystemsLive.add(subsysnqn);
    }
    byCluster.set(key, paths);
  }
  const clusters = [...byCluster.values()];
  return [
    gauge(
      "discovery_client_paths",
      "Paths that the logs name, by state",
      [...byState].map(([state, value]) => ({ labels: { state }, value })),
    ),
    gauge(
      "discovery_client_paths_wanted",
      "Paths that the logs of a cluster name",
      clusters.map(({ labels, wanted }) => ({ shared: labels, value: wanted })),
    ),
    gauge(
      "discovery_client_paths_live",
      "Of these, the paths that are live",
      clusters.map(({ labels, live }) => ({ shared: labels, value: live })),
    ),
    gauge(
      "discovery_client_subsystems_wanted",
      "Subsystems that the logs of a cluster name",
      clusters.map(({ labels, subsystems }) => ({ shared: labels, value: subsystems.size })),
    ),
    gauge(
      "discovery_client_subsystems_live",
      "Of these, the subsystems that have a live path",
      clusters.map(({ labels, subsystemsLive }) => ({ shared: labels, value: subsystemsLive.size })),
    ),
    gauge(
      "discovery_client_records_refused",
      "Log records that are not connected for what they say",
      plan?.wanted.refused.length ?? 0,
    ),
    gauge(
      "discovery_client_paths_dropped",
      "Paths left out because there are too many",
      plan?.wanted.dropped ?? 0,
    ),
  ];
}

interface ClusterPaths {
  readonly labels: Labels;
  wanted: number;
  live: number;
  /** NQNs. */
  readonly subsystems: Set<string>;
  readonly subsystemsLive: Set<string>;
}

function newCount({ subsysnqn: nqn, hostnqn }: Endpoint["cluster"]): ClusterPaths {
  return { labels: { nqn, hostnqn }, wanted: 0, live: 0, subsystems: new Set(), subsystemsLive: new Set() };
}

const labelsOf = new WeakMap<Endpoint, Labels>();

/** The same object each time, as long as the endpoint is the same. */
function endpointLabels(endpoint: Endpoint): Labels {
  let labels = labelsOf.get(endpoint);
  if (labels === undefined) {
    const { transport, traddr, trsvcid, cluster } = endpoint;
    labels = {
      trtype: transport,
      traddr,
      trsvcid: String(trsvcid),
      nqn: cluster.subsysnqn,
      hostnqn: cluster.hostnqn,
    };
    labelsOf.set(endpoint, labels);
  }
  return labels;
}

function seconds(ms: number): number {
  return Math.max(0, ms) / 1_000;
}

function count<T>(items: Iterable<T>, condition: (item: T) => boolean): number {
  let sum = 0;
  for (const item of items) if (condition(item)) sum++;
  return sum;
}

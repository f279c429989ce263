/** Short ways to write facts down, for the tables of the plan tests. */
import { canonicalAddress, splitHostPort } from "../../src/base/address.ts";
import type { Cluster } from "../../src/model/cluster.ts";
import { clusterKey } from "../../src/model/cluster.ts";
import { type Endpoint, endpointKey } from "../../src/model/endpoint.ts";
import type { Entry } from "../../src/model/entry.ts";
import type { DiscoveryRecord } from "../../src/nvme/discovery_log.ts";
import { discoveryNqn } from "../../src/nvme/spec.ts";
import {
  type ClusterState,
  type EndpointList,
  type Facts,
  type Member,
  newSessionFact,
  type SessionFact,
} from "../../src/plan/facts.ts";

export const cluster: Cluster = {
  subsysnqn: "nqn.2024-01.io.example:cluster",
  hostnqn: "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff",
};

/** `a` → 10.0.0.1:8009, `b` → 10.0.0.2:8009 …; anything else is an address. */
function address(name: string): { traddr: string; trsvcid: number } {
  if (/^[a-z]$/.test(name)) return { traddr: `10.0.0.${name.charCodeAt(0) - 96}`, trsvcid: 8009 };
  const { host, port } = splitHostPort(name)!;
  return { traddr: canonicalAddress(host), trsvcid: Number(port ?? 8009) };
}

export function keyOf(name: string): string {
  return endpointKey({ cluster, transport: "tcp", ...address(name) });
}

export function endpoint(name: string, change: Partial<Endpoint> = {}): Endpoint {
  return { cluster, transport: "tcp", ...address(name), options: {}, source: "user", origins: [], ...change };
}

export function entry(name: string, change: Partial<Entry> = {}): Entry {
  const origin = { file: "f", line: 1 };
  return { cluster, transport: "tcp", ...address(name), persistent: true, options: {}, origin, ...change };
}

function record(subtype: number, name: string, subnqn: string): DiscoveryRecord {
  const { traddr, trsvcid } = address(name);
  return {
    trtype: 3,
    adrfam: traddr.includes(":") ? 2 : 1,
    subtype,
    treq: 0,
    portid: 1,
    cntlid: 0xffff,
    asqsz: 32,
    eflags: 0,
    sectype: 0,
    trsvcid: String(trsvcid),
    subnqn,
    traddr,
  };
}

export const referral = (name: string): DiscoveryRecord => record(1, name, discoveryNqn);
export const self = (name: string): DiscoveryRecord => record(3, name, discoveryNqn);
export const nvm = (name: string, subnqn: string): DiscoveryRecord => record(2, name, subnqn);

/** A session that is live and has read these records. */
export function live(name: string, ...records: DiscoveryRecord[]): [string, SessionFact] {
  return [keyOf(name), {
    ...newSessionFact(endpoint(name), 0),
    state: "live",
    log: { genctr: 1n, records },
    logCurrent: true,
    logReads: 1,
  }];
}

/** A session that was lost after it had read these records. */
export function lost(name: string, failures: number, ...records: DiscoveryRecord[]): [string, SessionFact] {
  const log = { genctr: 1n, records };
  return [keyOf(name), { ...live(name)[1], state: "idle", log, logCurrent: false, failures }];
}

/** A session that never was. */
export function dead(name: string, failures: number): [string, SessionFact] {
  return [keyOf(name), { ...newSessionFact(endpoint(name), 0), failures, retryAtMs: 1e9 }];
}

/** A list as an earlier pass left it. */
export function list(...members: Member[]): Map<string, ClusterState> {
  const state: ClusterState = { members, silentSinceMs: null, entriesStamp: null, notes: [] };
  return new Map([[clusterKey(cluster), state]]);
}

export function member(name: string, change: Partial<Member> = {}): Member {
  return {
    key: keyOf(name),
    endpoint: endpoint(name),
    namedBy: [],
    depth: 0,
    retired: false,
    reason: "",
    ...change,
  };
}

export function referred(name: string, ...namedBy: string[]): Member {
  const change = { endpoint: endpoint(name, { source: "referral" }), namedBy: namedBy.map(keyOf), depth: 1 };
  return member(name, change);
}

export function facts(change: Partial<Facts>): Facts {
  return {
    entries: null,
    resolutions: new Map(),
    list: new Map(),
    sessions: new Map(),
    probes: new Map(),
    connects: new Map(),
    controllers: { list: [], readAtMs: 0 },
    kernel: { present: true, failure: null, options: null },
    policy: { dryRun: false, connectDefaults: {}, hostid: null },
    ...change,
  };
}

/** Active and retired members as letters: `a b -c`. */
export function memberNames(endpoints: EndpointList): string {
  const members = endpoints.get(clusterKey(cluster))?.members ?? [];
  const letters = members.map(({ endpoint, retired }) =>
    (retired ? "-" : "") + String.fromCharCode(96 + Number(endpoint.traddr.split(".")[3]))
  );
  return letters.sort((x, y) => x.replace("-", "").localeCompare(y.replace("-", ""))).join(" ");
}

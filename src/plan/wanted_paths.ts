/**
 * The paths that the logs name: every usable NVM record of every member's last good log, once. What a record names
 * but we do not take (another transport, a hostile string) is told with its reason.
 */
import { limits } from "../base/limits.ts";
import { withAuxSuffix } from "../config/aux_suffix.ts";
import type { DiscoveryRecord } from "../nvme/discovery_log.ts";
import { discoveryNqn, recordSubtype } from "../nvme/spec.ts";
import { type Endpoint, endpointLabel } from "../model/endpoint.ts";
import { type Path, pathIndexKey, pathKey } from "../model/path.ts";
import type { DiscoveryLog } from "../protocol/log_reader.ts";
import type { EndpointList, SessionFact } from "./facts.ts";
import { recordAddress } from "./record_address.ts";

export interface WantedPath {
  readonly key: string;
  /** Under which the controllers are looked up. */
  readonly indexKey: string;
  /** `host:port` of the I/O port, and what the way there begins with where an entry says: what a probe proves. */
  readonly addressKey: string;
  readonly path: Path;
}

/** A record that is not connected, and why. */
export interface RefusedRecord {
  readonly endpoint: string;
  readonly subnqn: string;
  readonly traddr: string;
  readonly reason: string;
}

export interface WantedPaths {
  readonly paths: ReadonlyMap<string, WantedPath>;
  readonly refused: readonly RefusedRecord[];
  /** Paths left out by the bound. */
  readonly dropped: number;
}

interface LogPaths {
  readonly endpoint: Endpoint;
  readonly auxSuffix: string;
  readonly paths: readonly WantedPath[];
  readonly refused: readonly RefusedRecord[];
}

/** A log never changes once read: its paths are worked out once, unless the endpoint's options change. */
const pathsByLog = new WeakMap<DiscoveryLog, LogPaths>();

/** `auxSuffix`: of the settings. */
export function wantedPaths(
  list: EndpointList,
  sessions: ReadonlyMap<string, SessionFact>,
  auxSuffix = "",
): WantedPaths {
  const paths = new Map<string, WantedPath>();
  const refused: RefusedRecord[] = [];
  let dropped = 0;
  for (const { members } of list.values()) {
    for (const member of members) {
      const log = member.retired ? null : sessions.get(member.key)?.log ?? null;
      if (log === null) continue;
      const named = logPaths(log, member.endpoint, auxSuffix);
      if (named.refused.length > 0) refused.push(...named.refused);
      for (const wanted of named.paths) {
        if (paths.has(wanted.key)) continue;
        if (paths.size >= limits.pathsMax) dropped++;
        else paths.set(wanted.key, wanted);
      }
    }
  }
  return { paths, refused, dropped };
}

/** What one log names, seen from the endpoint that it is of. */
export function logPaths(log: DiscoveryLog, endpoint: Endpoint, auxSuffix: string): LogPaths {
  const known = pathsByLog.get(log);
  if (known?.auxSuffix === auxSuffix && sameInheritance(known.endpoint, endpoint)) return known;
  const paths: WantedPath[] = [];
  const refused: RefusedRecord[] = [];
  for (const record of log.records) {
    const { subtype } = record;
    if (subtype !== recordSubtype.nvm && subtype !== recordSubtype.referral) continue;
    const address = recordAddress(record, endpoint);
    if (address.problem !== undefined) refused.push(refusedRecord(endpoint, record, address.problem));
    else if (subtype === recordSubtype.nvm) {
      const problem = subsystemProblem(record);
      if (problem === null) paths.push(toWantedPath(record, address, endpoint, auxSuffix));
      else refused.push(refusedRecord(endpoint, record, problem));
    }
  }
  const result = { endpoint, auxSuffix, paths, refused };
  pathsByLog.set(log, result);
  return result;
}

/** All that a path takes from its endpoint and that can change while the endpoint stays what it is. */
function sameInheritance(a: Endpoint, b: Endpoint): boolean {
  return a === b ||
    (a.options === b.options && a.hostid === b.hostid && a.secretsUnknown === b.secretsUnknown);
}

function refusedRecord(endpoint: Endpoint, record: DiscoveryRecord, reason: string): RefusedRecord {
  return { endpoint: endpointLabel(endpoint), subnqn: record.subnqn, traddr: record.traddr, reason };
}

/** The kernel would make a discovery controller of it, and another one at every attempt. */
function subsystemProblem({ subnqn }: DiscoveryRecord): string | null {
  return subnqn === discoveryNqn ? "it names the discovery subsystem as one with volumes" : null;
}

function toWantedPath(
  record: DiscoveryRecord,
  { traddr, trsvcid }: { traddr: string; trsvcid: number },
  endpoint: Endpoint,
  auxSuffix: string,
): WantedPath {
  const path: Path = {
    transport: "tcp",
    traddr,
    trsvcid,
    subsysnqn: withAuxSuffix(record.subnqn, auxSuffix),
    hostnqn: endpoint.cluster.hostnqn,
    hostid: endpoint.hostid,
    options: endpoint.options,
    cluster: endpoint.cluster,
    ...(endpoint.secretsUnknown ? { secretsUnknown: true } : {}),
    secureChannelRequired: (record.treq & 3) === 1 && record.sectype !== 0,
  };
  return {
    key: pathKey(path),
    indexKey: pathIndexKey(path),
    addressKey: `${endpointLabel(path)}${sourceLabel(path)}`,
    path,
  };
}

/** An address that answers by one way out may not by another. */
function sourceLabel({ options: { hostTraddr, hostIface } }: Path): string {
  const from = hostTraddr === undefined ? "" : ` from ${hostTraddr}`;
  return hostIface === undefined ? from : `${from} by ${hostIface}`;
}

/**
 * The endpoint list as internal.json remembers it, both ways. What secures a connection is not in it: the entry files
 * have it, and until they are read such an endpoint's paths wait.
 */
import { formatHostPort } from "../base/address.ts";
import {
  rememberedOptionNames,
  type RememberedOptions,
  type State,
  type StateEntry,
} from "../config/state_file.ts";
import { clusterKey } from "../model/cluster.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import type { Entry } from "../model/entry.ts";
import { endpointKey, endpointLabel } from "../model/endpoint.ts";
import type { ClusterState, EndpointList, Member } from "./facts.ts";

export function listToEntries(list: EndpointList): StateEntry[] {
  const entries: StateEntry[] = [];
  for (const { members } of list.values()) {
    const labels = new Map(members.map((member) => [member.key, endpointLabel(member.endpoint)]));
    for (const member of members) entries.push(toEntry(member, labels));
  }
  return entries;
}

function toEntry(member: Member, labels: ReadonlyMap<string, string>): StateEntry {
  const { endpoint, namedBy, retired } = member;
  const remembered = rememberedOptions(endpoint.options);
  return {
    cluster: endpoint.cluster,
    transport: endpoint.transport,
    traddr: endpoint.traddr,
    trsvcid: endpoint.trsvcid,
    hostid: endpoint.hostid,
    discoveryNqn: endpoint.discoveryNqn,
    persistent: true,
    hostTraddr: endpoint.options.hostTraddr,
    ctrlLossTmo: endpoint.options.ctrlLossTmo,
    source: endpoint.source,
    namedBy: namedBy.flatMap((key) => labels.get(key) ?? []),
    retired,
    hostName: endpoint.hostName,
    options: Object.keys(remembered).length === 0 ? undefined : remembered,
    secured: endpoint.secretsUnknown === true || isSecured(endpoint.options) ? true : undefined,
  };
}

function rememberedOptions(options: ConnectOptions): RememberedOptions {
  return Object.fromEntries(
    rememberedOptionNames.map((name) => [name, options[name]])
      .filter(([, value]) => value !== undefined && value !== false),
  );
}

function isSecured(options: ConnectOptions): boolean {
  const { dhchapSecret, dhchapCtrlSecret, tls, concat, tlsKey, keyring } = options;
  return tls === true || concat === true ||
    [dhchapSecret, dhchapCtrlSecret, tlsKey, keyring].some((value) => value !== undefined);
}

/**
 * The entries that a state stands for: what the files said that cannot be read now. Nothing else is known of them.
 */
export function rememberedEntries(state: State): Entry[] {
  return state.entries.filter(({ source }) => source === "user").map((entry) => {
    const { endpoint } = toMember(entry);
    return {
      cluster: endpoint.cluster,
      transport: endpoint.transport,
      traddr: endpoint.hostName ?? endpoint.traddr,
      trsvcid: endpoint.trsvcid,
      hostid: endpoint.hostid,
      discoveryNqn: endpoint.discoveryNqn,
      persistent: entry.persistent,
      options: endpoint.options,
      ...(endpoint.secretsUnknown ? { secretsUnknown: true } : {}),
      origin: { file: "internal.json", line: 0 },
    };
  });
}

/** Members of one cluster in the order of the entries; the first of two equal ones counts. */
export function rememberedList(state: State): EndpointList {
  const clusters = new Map<string, Map<string, Member>>();
  for (const entry of state.entries) {
    const key = clusterKey(entry.cluster);
    const members = clusters.get(key) ?? new Map<string, Member>();
    clusters.set(key, members);
    const member = toMember(entry);
    if (!members.has(member.key)) members.set(member.key, member);
  }
  const list = new Map<string, ClusterState>();
  for (const [key, members] of clusters) {
    list.set(key, { members: [...members.values()], silentSinceMs: null, entriesStamp: null, notes: [] });
  }
  return list;
}

function toMember(entry: StateEntry): Member {
  const { cluster, transport, traddr, trsvcid, hostid, discoveryNqn, hostName, source } = entry;
  const options = { ...entry.options, hostTraddr: entry.hostTraddr, ctrlLossTmo: entry.ctrlLossTmo };
  const namedBy = entry.namedBy.flatMap((label) => {
    const address = parseLabel(label);
    return address === null ? [] : [endpointKey({ cluster, transport, ...address })];
  });
  return {
    key: endpointKey(entry),
    endpoint: {
      cluster,
      transport,
      traddr,
      trsvcid,
      hostid,
      discoveryNqn,
      hostName,
      options,
      ...(entry.secured === true ? { secretsUnknown: true } : {}),
      source,
      origins: source === "user" ? [{ file: "internal.json", line: 0 }] : [],
    },
    namedBy,
    depth: source === "user" ? 0 : 1,
    retired: entry.retired,
    reason: "remembered from the last run",
  };
}

function parseLabel(label: string): { traddr: string; trsvcid: number } | null {
  const colon = label.lastIndexOf(":");
  const trsvcid = Number(label.slice(colon + 1));
  const traddr = label.slice(0, colon).replace(/^\[|\]$/g, "");
  return colon > 0 && formatHostPort(traddr, trsvcid) === label ? { traddr, trsvcid } : null;
}

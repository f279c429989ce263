/** The configured endpoints of each cluster: entries united by what they *are*, host names replaced by addresses. */
import { isIpAddress } from "../base/address.ts";
import { clusterKey } from "../model/cluster.ts";
import { type Endpoint, endpointKey } from "../model/endpoint.ts";
import type { Entry, EntryOrigin } from "../model/entry.ts";
import type { ResolutionFact } from "./facts.ts";

export interface ConfiguredCluster {
  /** By endpoint key, in file order. The first entry of an endpoint gives its options. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Changes whenever an entry of the cluster is added, moved or removed, or gets another address or identity. */
  readonly stamp: string;
  readonly notes: readonly string[];
}

interface Draft {
  readonly endpoints: Map<string, Endpoint & { readonly origins: EntryOrigin[] }>;
  readonly notes: string[];
  stamp: string;
}

/** By cluster key. */
export function configuredClusters(
  entries: readonly Entry[],
  resolutions: ReadonlyMap<string, ResolutionFact>,
): Map<string, ConfiguredCluster> {
  const clusters = new Map<string, Draft>();
  for (const entry of entries) {
    const key = clusterKey(entry.cluster);
    let draft = clusters.get(key);
    if (draft === undefined) {
      draft = { endpoints: new Map(), notes: [], stamp: "" };
      clusters.set(key, draft);
    }
    const { origin, traddr, trsvcid, hostid = "", discoveryNqn = "" } = entry;
    draft.stamp += `${origin.file}:${origin.line} ${traddr} ${trsvcid} ${hostid} ${discoveryNqn}\n`;
    addEntry(draft, entry, resolutions);
  }
  return clusters;
}

function addEntry(draft: Draft, entry: Entry, resolutions: ReadonlyMap<string, ResolutionFact>): void {
  if (isIpAddress(entry.traddr)) return addEndpoint(draft, entry, entry.traddr);
  const resolution = resolutions.get(entry.traddr);
  for (const address of resolution?.addresses ?? []) addEndpoint(draft, entry, address, entry.traddr);
  if (resolution === undefined || resolution.addresses.length > 0) return;
  const why = resolution.failure === null ? "is being resolved" : resolution.failure.message;
  draft.notes.push(`${entry.traddr} (${entry.origin.file}:${entry.origin.line}): ${why}`);
}

function addEndpoint(draft: Draft, entry: Entry, traddr: string, hostName?: string): void {
  const { cluster, transport, trsvcid } = entry;
  const key = endpointKey({ cluster, transport, traddr, trsvcid });
  const known = draft.endpoints.get(key);
  if (known !== undefined) {
    // Appended in place: thousands of lines may mean one endpoint.
    known.origins.push(entry.origin);
    return;
  }
  draft.endpoints.set(key, {
    cluster,
    transport,
    traddr,
    trsvcid,
    hostid: entry.hostid,
    discoveryNqn: entry.discoveryNqn,
    options: entry.options,
    ...(entry.secretsUnknown ? { secretsUnknown: true } : {}),
    source: "user",
    origins: [entry.origin],
    hostName,
  });
}

/** The union of the files stays the same object until a file changes; it is asked for its names at every pass. */
const namesOfEntries = new WeakMap<readonly Entry[], ReadonlySet<string>>();

/** Names that entries use in place of addresses. */
export function hostNames(entries: readonly Entry[]): ReadonlySet<string> {
  let names = namesOfEntries.get(entries);
  if (names === undefined) {
    names = new Set(entries.map((entry) => entry.traddr).filter((traddr) => !isIpAddress(traddr)));
    namesOfEntries.set(entries, names);
  }
  return names;
}

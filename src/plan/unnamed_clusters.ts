/**
 * Clusters that no file names. nvme-cli's discovery.conf says where discovery controllers are, not which of them belong
 * together: such an endpoint's cluster carries the well-known discovery NQN, and its logs tell the rest. Those whose
 * logs name each other or one subsystem are one cluster, with its own membership; until a log was read an endpoint
 * stands for itself. Where an entry file names the cluster that they belong to, they join that one, so that an
 * endpoint has one session whoever names it. Pure.
 *
 * Sessions keep their key when two such clusters turn out to be one: nothing is opened anew. Only who joins a named
 * cluster opens its session again, once.
 */
import { clusterKey } from "../model/cluster.ts";
import { type Endpoint, endpointKey, endpointLabel } from "../model/endpoint.ts";
import { discoveryNqn, recordSubtype } from "../nvme/spec.ts";
import type { DiscoveryLog } from "../protocol/log_reader.ts";
import type { ConfiguredCluster } from "./configured.ts";
import type { ClusterState, EndpointList, Member, SessionFact } from "./facts.ts";
import { referralsOf } from "./testimony.ts";

/** Clusters as the files have them, by cluster key; null while no file was read. */
type Configured = ReadonlyMap<string, ConfiguredCluster> | null;

export interface Grouping {
  /** Of the clusters with a name, with what has joined them. */
  readonly configured: Configured;
  readonly groups: readonly Group[];
}

export interface Group {
  /** On the endpoint list. */
  readonly key: string;
  readonly previous: ClusterState | undefined;
  readonly configured: ConfiguredCluster | null;
}

/** Whether a key of the endpoint list or of the configured clusters is that of a cluster without a name. */
export function isUnnamed(key: string): boolean {
  return key.split(" ", 2)[1] === discoveryNqn;
}

export function groupUnnamed(
  list: EndpointList,
  configured: Configured,
  sessions: ReadonlyMap<string, SessionFact>,
): Grouping {
  const hosts = new Set([...list.keys(), ...configured?.keys() ?? []].filter(isUnnamed).map(hostOf));
  if (hosts.size === 0) return { configured, groups: [] };
  const joined = configured === null ? null : new Map(configured);
  const groups: Group[] = [];
  for (const hostnqn of hosts) {
    const pool = new Pool(hostnqn, list, configured, sessions);
    if (joined !== null) pool.joinNamed(joined);
    groups.push(...pool.groups());
  }
  return { configured: joined, groups };
}

function hostOf(key: string): string {
  return key.split(" ", 1)[0]!;
}

/** All endpoints of one host NQN whose cluster has no name. */
class Pool {
  readonly #hostnqn: string;
  readonly #key: string;
  readonly #list: EndpointList;
  readonly #sessions: ReadonlyMap<string, SessionFact>;
  readonly #configured: ConfiguredCluster | null | undefined;
  /** The clusters that it was when it was looked at last. */
  readonly #states: readonly ClusterState[];
  readonly #links = new Links();
  readonly #left = new Set<string>();

  constructor(
    hostnqn: string,
    list: EndpointList,
    configured: Configured,
    sessions: ReadonlyMap<string, SessionFact>,
  ) {
    this.#hostnqn = hostnqn;
    this.#key = clusterKey({ hostnqn, subsysnqn: discoveryNqn });
    this.#list = list;
    this.#sessions = sessions;
    this.#configured = configured === null ? null : configured.get(this.#key);
    const states = [...list].filter(([key]) => isUnnamed(key) && hostOf(key) === hostnqn);
    this.#states = states.map(([, state]) => state);
    for (const state of this.#states) this.#link(state);
  }

  #link(state: ClusterState): void {
    const nodes = new Map(state.members.map(({ key, endpoint }) => [key, nodeOf(endpoint)]));
    const [first] = state.members;
    for (const { key, endpoint, namedBy, retired } of state.members) {
      const node = nodeOf(endpoint);
      for (const link of linksOf(this.#sessions.get(key)?.log, endpoint)) this.#links.join(node, link);
      for (const namer of namedBy) this.#links.join(node, nodes.get(namer) ?? node);
      // Its log is forgotten: it stays with those who left it out. What is only remembered may be several clusters.
      if (retired && first !== undefined && state.entriesStamp !== null) {
        for (const other of nodes.values()) this.#links.join(node, other);
      }
    }
  }

  /** Endpoints that belong to a cluster with a name go there. */
  joinNamed(configured: Map<string, ConfiguredCluster>): void {
    const endpoints = this.#configured?.endpoints;
    if (endpoints === undefined) return;
    const owners = this.#owners(configured);
    if (owners.size === 0) return;
    const ownerOfGroup = new Map<string, string>();
    for (const [node, owner] of owners) {
      const root = this.#links.rootOf(node);
      if (!ownerOfGroup.has(root)) ownerOfGroup.set(root, owner);
    }
    for (const [key, endpoint] of endpoints) {
      const node = nodeOf(endpoint);
      const owner = owners.get(node) ?? ownerOfGroup.get(this.#links.rootOf(node));
      if (owner === undefined) continue;
      this.#left.add(key);
      configured.set(owner, withEndpoint(configured.get(owner)!, owner, endpoint));
    }
  }

  /** Which named cluster of this host NQN an address or a subsystem is a matter of. The files' word comes first. */
  #owners(configured: ReadonlyMap<string, ConfiguredCluster>): Map<string, string> {
    const owners = new Map<string, string>();
    const own = (node: string, key: string) => {
      if (!owners.has(node)) owners.set(node, key);
    };
    const named = [...configured].filter(([key]) => !isUnnamed(key) && hostOf(key) === this.#hostnqn);
    for (const [key, { endpoints }] of named) {
      for (const endpoint of endpoints.values()) own(nodeOf(endpoint), key);
    }
    const members = named.flatMap(([key]) =>
      (this.#list.get(key)?.members ?? []).map((member) => ({ key, member }))
    );
    for (const { key, member } of members) own(nodeOf(member.endpoint), key);
    for (const { key, member } of members) {
      for (const link of linksOf(this.#sessions.get(member.key)?.log, member.endpoint)) own(link, key);
    }
    return owners;
  }

  groups(): Group[] {
    const configured = this.#configured;
    if (configured === undefined) return [];
    if (configured === null) return this.#groupsInMemory();
    const byRoot = new Map<string, Map<string, Endpoint>>();
    for (const [key, endpoint] of configured.endpoints) {
      if (this.#left.has(key)) continue;
      const root = this.#links.rootOf(nodeOf(endpoint));
      const endpoints = byRoot.get(root) ?? new Map<string, Endpoint>();
      byRoot.set(root, endpoints.set(key, endpoint));
    }
    const previous = this.#previousByRoot();
    const groups = [...byRoot].map(([root, endpoints]) => ({
      key: this.#keyOf(endpoints.values()),
      previous: previous.get(root),
      configured: { ...configured, endpoints, notes: [] },
    }));
    const { notes } = configured;
    if (notes.length === 0) return groups;
    return [...groups, {
      key: this.#key,
      previous: this.#list.get(this.#key)?.members.length === 0 ? this.#list.get(this.#key) : undefined,
      configured: { ...configured, endpoints: new Map(), notes },
    }];
  }

  #groupsInMemory(): Group[] {
    return [...this.#previousByRoot().values()].map((previous) => {
      const users = previous.members.filter(({ endpoint }) => endpoint.source === "user");
      const key = this.#keyOf((users.length > 0 ? users : previous.members).map(({ endpoint }) => endpoint));
      return { key, previous, configured: null };
    });
  }

  #keyOf(endpoints: Iterable<Endpoint>): string {
    const [first] = endpoints;
    return first === undefined ? this.#key : `${this.#key} ${endpointLabel(first)}`;
  }

  /** What was known of the endpoints of each group; the very object where the group is as it was. */
  #previousByRoot(): Map<string, ClusterState> {
    const parts = new Map<string, { members: Member[]; from: Set<ClusterState> }>();
    for (const state of this.#states) {
      for (const member of state.members) {
        const root = this.#links.rootOf(nodeOf(member.endpoint));
        const part = parts.get(root) ?? { members: [], from: new Set() };
        parts.set(root, part);
        part.members.push(member);
        part.from.add(state);
      }
    }
    return new Map([...parts].map(([root, { members, from }]) => [root, unitedState(members, [...from])]));
  }
}

function unitedState(members: readonly Member[], from: readonly ClusterState[]): ClusterState {
  const [first] = from;
  if (from.length === 1 && first!.members.length === members.length) return first!;
  const silences = from.map(({ silentSinceMs }) => silentSinceMs);
  return {
    members,
    silentSinceMs: silences.some((sinceMs) => sinceMs === null)
      ? null
      : Math.max(...silences.map((sinceMs) => sinceMs!)),
    // One for all that have no name: whose line changed is asked again, whatever became of its group.
    entriesStamp: first!.entriesStamp,
    notes: [],
  };
}

function withEndpoint(configured: ConfiguredCluster, owner: string, endpoint: Endpoint): ConfiguredCluster {
  const [hostnqn = "", subsysnqn = ""] = owner.split(" ");
  const joined = { ...endpoint, cluster: { subsysnqn, hostnqn } };
  const key = endpointKey(joined);
  const known = configured.endpoints.get(key);
  const merged = known === undefined
    ? joined
    : { ...known, origins: [...known.origins, ...endpoint.origins] };
  const endpoints = new Map(configured.endpoints).set(key, merged);
  return { ...configured, endpoints, stamp: `${configured.stamp}${endpointLabel(endpoint)}\n` };
}

/** An address as such, whichever cluster it stands in. */
function nodeOf({ traddr, trsvcid }: { readonly traddr: string; readonly trsvcid: number }): string {
  return `@${traddr} ${trsvcid}`;
}

const subsystemsByLog = new WeakMap<DiscoveryLog, readonly string[]>();

/** What a log names, so that two that name the same belong together. */
function linksOf(log: DiscoveryLog | null | undefined, endpoint: Endpoint): readonly string[] {
  if (log === null || log === undefined) return [];
  let subsystems = subsystemsByLog.get(log);
  if (subsystems === undefined) {
    const volumes = log.records.filter(({ subtype, subnqn }) =>
      subtype === recordSubtype.nvm && subnqn !== discoveryNqn
    );
    subsystems = [...new Set(volumes.map(({ subnqn }) => `#${subnqn}`))];
    subsystemsByLog.set(log, subsystems);
  }
  return [...subsystems, ...referralsOf(log, endpoint).map(nodeOf)];
}

/** Sets that grow together. */
class Links {
  readonly #parents = new Map<string, string>();

  rootOf(node: string): string {
    let root = node;
    for (let next = this.#parents.get(root); next !== undefined; next = this.#parents.get(root)) root = next;
    for (let at = node; at !== root;) {
      const next = this.#parents.get(at)!;
      this.#parents.set(at, root);
      at = next;
    }
    return root;
  }

  join(a: string, b: string): void {
    const [x, y] = [this.rootOf(a), this.rootOf(b)];
    if (x !== y) this.#parents.set(y, x);
  }
}

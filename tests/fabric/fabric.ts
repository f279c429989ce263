/**
 * A storage cluster as discovery sees it, as plain data with operations: nodes, subsystems linked at nodes, allowed
 * hosts, referrals, one generation counter a target, and word to the connections that a change concerns. It knows
 * no bytes, no sockets and no time; a target's rules come from its quirks.
 */
import { discoveryNqn } from "../../src/nvme/spec.ts";
import { type FabricRecord, logPageOf, recordsOf } from "./fabric_log.ts";
import {
  allows,
  type FabricAddress,
  type FabricConnection,
  type FabricNode,
  freezeView,
  isListening,
  type NodeOptions,
  reachableNodes,
  sameAddress,
  type Subsystem,
  type Target,
} from "./fabric_node.ts";
import type { Fault } from "./fault.ts";
import { type Quirks, quirks, type TargetKind } from "./quirks.ts";
import { Served } from "./served.ts";

export { allows, isListening } from "./fabric_node.ts";
export type {
  FabricAddress,
  FabricConnection,
  FabricNode,
  NodeOptions,
  Referral,
  Subsystem,
  Target,
} from "./fabric_node.ts";

export type Topology = "mesh" | "ring" | "star" | "none";

export interface FabricOptions {
  readonly nodes?: number;
  /** Linked at every node, any host: `nqn.2024-01.org.example:sub1` … */
  readonly subsystems?: number;
  readonly kind?: TargetKind;
  readonly quirks?: Partial<Quirks>;
  /** Of node 1, 2 …; 10.0.0.1 … when left out. */
  readonly traddr?: (index: number) => string;
  readonly discoveryPort?: number;
  readonly ioPort?: number;
  /** Every node refers to every other (`mesh`), to the next, the first to all and all to the first, or none. */
  readonly topology?: Topology;
  /** False for `none`. */
  readonly mesh?: boolean;
}

export class Fabric {
  readonly nodes = new Map<string, FabricNode>();
  readonly subsystems = new Map<string, Subsystem>();
  readonly served = new Served();
  #nodesMade = 0;
  readonly #targets = new Map<string, Target>();
  readonly #connections = new Map<FabricNode, Set<FabricConnection>>();
  readonly #watchers = new Set<(node: FabricNode) => void>();

  /** Nodes `n1`, `n2` … in a full mesh, every subsystem at every node. */
  static build(options: FabricOptions = {}): Fabric {
    const { nodes = 3, subsystems = 0, kind, quirks, discoveryPort = 8009, ioPort = 4420 } = options;
    const traddrOf = options.traddr ?? ((index: number) => `10.0.0.${index}`);
    const fabric = new Fabric();
    for (let index = 1; index <= nodes; index++) {
      const traddr = traddrOf(index);
      const discovery = [{ traddr, trsvcid: discoveryPort }];
      fabric.addNode({ id: `n${index}`, discovery, io: [{ traddr, trsvcid: ioPort }], kind, quirks });
    }
    fabric.referAs(options.topology ?? (options.mesh ?? true ? "mesh" : "none"));
    for (let index = 1; index <= subsystems; index++) {
      fabric.addSubsystem(`nqn.2024-01.org.example:sub${index}`);
    }
    return fabric;
  }

  addNode(options: NodeOptions): FabricNode {
    const { id, discovery, kind = "nvmet" } = options;
    if (this.nodes.has(id)) throw new Error(`Cannot add node ${id}: there is one`);
    const targetName = options.target ?? id;
    const target = this.#targets.get(targetName) ?? { generation: 0n, changes: 0, lastCntlid: 0 };
    this.#targets.set(targetName, target);
    const rules: Quirks = { ...quirks[kind], ...options.quirks };
    const node: FabricNode = {
      id,
      index: ++this.#nodesMade,
      target,
      quirks: rules,
      discovery,
      io: options.io ?? discovery.map(({ traddr }) => ({ traddr, trsvcid: 4420 })),
      discoveryNqn: options.discoveryNqn ?? discoveryNqn,
      listsItself: options.listsItself ?? rules.currentRecord,
      subsystems: new Set(),
      referrals: [],
      injected: [],
      faults: [],
      refusals: new Map(),
      frozen: null,
      up: true,
    };
    this.nodes.set(id, node);
    this.#connections.set(node, new Set());
    return node;
  }

  node(id: string): FabricNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`There is no node ${id}`);
    return node;
  }

  subsystem(nqn: string): Subsystem {
    const subsystem = this.subsystems.get(nqn);
    if (subsystem === undefined) throw new Error(`There is no subsystem ${nqn}`);
    return subsystem;
  }

  /** Any host when `hosts` is left out; linked at all nodes when `nodes` is. */
  addSubsystem(
    nqn: string,
    options: { hosts?: readonly string[]; nodes?: readonly string[] } = {},
  ): Subsystem {
    if (this.subsystems.has(nqn)) throw new Error(`Cannot add subsystem ${nqn}: there is one`);
    const { hosts, nodes = [...this.nodes.keys()] } = options;
    const subsystem = { nqn, anyHost: hosts === undefined, hosts: new Set(hosts) };
    this.subsystems.set(nqn, subsystem);
    for (const id of nodes) this.link(nqn, id);
    return subsystem;
  }

  removeSubsystem(nqn: string): void {
    const subsystem = this.subsystem(nqn);
    for (const node of this.#nodesWith(subsystem)) this.unlink(nqn, node.id);
    this.subsystems.delete(nqn);
  }

  link(nqn: string, nodeId: string): void {
    const [node, subsystem] = [this.node(nodeId), this.subsystem(nqn)];
    if (node.subsystems.has(subsystem)) return;
    const listened = isListening(node);
    node.subsystems.add(subsystem);
    this.#notify([node], (host, { linkHeardBy }) => linkHeardBy === "everybody" || allows(subsystem, host));
    this.#settle(node, listened);
  }

  unlink(nqn: string, nodeId: string): void {
    const [node, subsystem] = [this.node(nodeId), this.subsystem(nqn)];
    const listened = isListening(node);
    if (!node.subsystems.delete(subsystem)) return;
    this.#notify([node], (host, { linkHeardBy }) => linkHeardBy === "everybody" || allows(subsystem, host));
    this.#settle(node, listened);
  }

  allowHost(nqn: string, hostnqn: string): void {
    const subsystem = this.subsystem(nqn);
    if (subsystem.hosts.has(hostnqn)) return;
    subsystem.hosts.add(hostnqn);
    this.#notify(this.#nodesWith(subsystem), (host) => host === hostnqn);
  }

  denyHost(nqn: string, hostnqn: string): void {
    const subsystem = this.subsystem(nqn);
    if (!subsystem.hosts.delete(hostnqn)) return;
    this.#notify(this.#nodesWith(subsystem), (host) => host === hostnqn);
  }

  setAnyHost(nqn: string, anyHost: boolean): void {
    const subsystem = this.subsystem(nqn);
    if (subsystem.anyHost === anyHost) return;
    subsystem.anyHost = anyHost;
    this.#notify(this.#nodesWith(subsystem), () => true);
  }

  /** To a node's first discovery address, or to anywhere. */
  addReferral(fromId: string, to: string | FabricAddress, subnqn?: string): void {
    const node = this.node(fromId);
    const address = this.#referralAddress(to);
    if (node.referrals.some((referral) => sameAddress(referral.address, address))) return;
    // nvmet always tells the well-known name, whatever the other side calls itself.
    node.referrals.push({ address, subnqn: subnqn ?? discoveryNqn });
    this.#notify([node], () => true);
  }

  removeReferral(fromId: string, to: string | FabricAddress): void {
    const node = this.node(fromId);
    const address = this.#referralAddress(to);
    const index = node.referrals.findIndex((referral) => sameAddress(referral.address, address));
    if (index < 0) return;
    node.referrals.splice(index, 1);
    this.#notify([node], () => true);
  }

  /** Full mesh among these nodes, or all. */
  refer(ids: readonly string[] = [...this.nodes.keys()]): void {
    for (const from of ids) for (const to of ids) if (from !== to) this.addReferral(from, to);
  }

  /** All nodes, in their order; what stands already stays. */
  referAs(topology: Topology): void {
    const ids = [...this.nodes.keys()];
    if (topology === "mesh") this.refer(ids);
    if (topology === "star") { for (const id of ids.slice(1)) this.refer([ids[0]!, id]); }
    if (topology === "ring" && ids.length > 1) {
      for (const [at, id] of ids.entries()) this.addReferral(id, ids[(at + 1) % ids.length]!);
    }
  }

  /** What an agent that is configured with these can find: the ids of nodes that referrals lead to, and these. */
  membersReachableFrom(ids: readonly string[]): string[] {
    return reachableNodes(this.nodes.values(), ids);
  }

  #referralAddress(to: string | FabricAddress): FabricAddress {
    if (typeof to !== "string") return to;
    const address = this.node(to).discovery[0];
    if (address === undefined) throw new Error(`Node ${to} has no discovery address`);
    return address;
  }

  /** Replaces the injected records of a node; everybody there hears of it. */
  injectRecords(nodeId: string, records: readonly FabricRecord[]): void {
    const node = this.node(nodeId);
    node.injected = records;
    this.#notify([node], () => true);
  }

  /** Its ports come back, with everything configured as before. */
  setNodeUp(id: string): void {
    this.#setUp(this.node(id), true);
  }

  /** Its ports close, connections with them. For a node that falls silent use the network's faults instead. */
  setNodeDown(id: string): void {
    this.#setUp(this.node(id), false);
  }

  /** Down and up, and the target forgets its generation and its controller ids. */
  restartNode(id: string): void {
    this.setNodeDown(id);
    const { target } = this.node(id);
    target.generation = 0n;
    target.changes++;
    target.lastCntlid = 0;
    for (const node of this.nodes.values()) {
      if (node.target === target && node.frozen !== null) node.frozen = { ...node.frozen, genctr: 0n };
    }
    this.setNodeUp(id);
  }

  /**
   * While stale, a node's logs stay as they are now for every host, and nobody there hears of a change; afterwards
   * the generation moves and everybody there hears of it. What it takes connects for does change.
   */
  setStale(nodeId: string, stale: boolean): void {
    const node = this.node(nodeId);
    if ((node.frozen !== null) === stale) return;
    node.frozen = stale ? freezeView(this.nodes.values(), node) : null;
    if (!stale) this.#notify([node], () => true);
  }

  /**
   * Connect to the discovery subsystem is refused for this host, or every host with null, with a status (DNR as its
   * kind does), until it is lifted with the status null.
   */
  refuseDiscovery(nodeId: string, hostnqn: string | null, status: number | null): void {
    const { refusals } = this.node(nodeId);
    if (status === null) refusals.delete(hostnqn);
    else refusals.set(hostnqn, status);
  }

  /** It leaves for good: its ports close, and nobody refers to it any more. */
  removeNode(id: string): void {
    const node = this.node(id);
    this.setNodeDown(id);
    for (const other of this.nodes.values()) {
      for (const address of node.discovery) this.removeReferral(other.id, address);
    }
    this.nodes.delete(id);
    this.#connections.delete(node);
    // Where one log names the listeners of all, those of this node are gone from it.
    const siblings = [...this.nodes.values()].filter(({ target }) => target === node.target);
    if (siblings.length > 0) this.#notify(siblings, () => true);
  }

  /** A node that comes while all runs: referrals both ways with all that listen, and what is linked everywhere. */
  joinNode(options: NodeOptions): FabricNode {
    const others = [...this.nodes.values()];
    const common = [...this.subsystems.values()].filter((subsystem) =>
      others.every(({ subsystems }) => subsystems.has(subsystem))
    );
    const node = this.addNode(options);
    for (const other of others.filter(isListening)) this.refer([other.id, node.id]);
    for (const { nqn } of common) this.link(nqn, node.id);
    return node;
  }

  #setUp(node: FabricNode, up: boolean): void {
    const listened = isListening(node);
    node.up = up;
    this.#settle(node, listened);
  }

  /** The generation moves without any event; what a change for another host looks like. */
  touch(nodeId: string): void {
    const { target } = this.node(nodeId);
    target.generation++;
    target.changes++;
  }

  /** Faults of the connections that this node accepts from now on. */
  setFaults(nodeId: string, faults: readonly Fault[]): void {
    this.node(nodeId).faults = faults;
  }

  /** What a host is told there now. */
  discoveryLog(nodeId: string, hostnqn: string): FabricRecord[] {
    return recordsOf(this, this.node(nodeId), hostnqn);
  }

  /** The same as the page's bytes. */
  logPage(nodeId: string, hostnqn: string): Uint8Array {
    return logPageOf(this, this.node(nodeId), hostnqn);
  }

  /** Every I/O path that the nodes up now offer this host: what an agent shall have connected in the end. */
  paths(hostnqn: string): { traddr: string; trsvcid: number; subsysnqn: string; nodeId: string }[] {
    return [...this.nodes.values()].filter(isListening).flatMap((node) =>
      [...node.subsystems].filter((subsystem) => allows(subsystem, hostnqn)).flatMap(({ nqn }) =>
        node.io.map(({ traddr, trsvcid }) => ({ traddr, trsvcid, subsysnqn: nqn, nodeId: node.id }))
      )
    );
  }

  /** Controller ids 1 … FFEF from the target's pool, round and round. */
  takeCntlid(node: FabricNode): number {
    node.target.lastCntlid = node.target.lastCntlid % 0xffef + 1;
    return node.target.lastCntlid;
  }

  attach(node: FabricNode, connection: FabricConnection): void {
    this.#connections.get(node)?.add(connection);
  }

  detach(node: FabricNode, connection: FabricConnection): void {
    this.#connections.get(node)?.delete(connection);
  }

  /** Connections that a node holds now. */
  connections(nodeId: string): readonly FabricConnection[] {
    return [...this.#connections.get(this.node(nodeId)) ?? []];
  }

  /** Calls `onChange` when a node begins or ends to listen; returns how to stop that. */
  watchNodes(onChange: (node: FabricNode) => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  #nodesWith(subsystem: Subsystem): FabricNode[] {
    return [...this.nodes.values()].filter((node) => node.subsystems.has(subsystem));
  }

  /** A change at these nodes: their targets' generations move, and the hosts concerned hear of it. */
  #notify(changed: readonly FabricNode[], concerns: (hostnqn: string, quirks: Quirks) => boolean): void {
    const targets = new Set(changed.map(({ target }) => target));
    for (const target of targets) {
      target.generation++;
      target.changes++;
    }
    for (const node of this.nodes.values()) {
      const inScope = node.quirks.logScope === "node" ? changed.includes(node) : targets.has(node.target);
      if (!inScope || node.frozen !== null || this.#connections.get(node)?.size === 0) continue;
      // A copy: who is told may close.
      for (const connection of this.connections(node.id)) {
        const { hostnqn } = connection;
        if (hostnqn !== null && concerns(hostnqn, node.quirks)) connection.handleLogChange();
      }
    }
  }

  /** Follows a change of whether the node listens. */
  #settle(node: FabricNode, listened: boolean): void {
    const listens = isListening(node);
    if (listens === listened) return;
    if (!listens) { for (const connection of this.connections(node.id)) connection.handleNodeDown(); }
    for (const onChange of [...this.#watchers]) onChange(node);
  }
}

/**
 * What a fabric is made of, as plain data: nodes, their targets, subsystems, referrals. Changes belong to `fabric.ts`.
 */
import { recordSubtype } from "../../src/nvme/spec.ts";
import { canonicalPlace } from "./served.ts";
import type { FabricRecord } from "./fabric_log.ts";
import type { Fault } from "./fault.ts";
import type { Quirks, TargetKind } from "./quirks.ts";

/** `trsvcid` 0 becomes real when a server listens; the object stays the same. */
export interface FabricAddress {
  readonly traddr: string;
  trsvcid: number;
}

export interface NodeOptions {
  readonly id: string;
  readonly discovery: readonly FabricAddress[];
  /** I/O controllers; the discovery addresses with port 4420 when left out. */
  readonly io?: readonly FabricAddress[];
  readonly kind?: TargetKind;
  readonly quirks?: Partial<Quirks>;
  /** Nodes with the same word are one target: one generation, one pool of controller ids. Its id when left out. */
  readonly target?: string;
  /** A unique discovery NQN, which Identify and subtype 3 then tell; the well-known one is taken as well. */
  readonly discoveryNqn?: string;
  /** The log begins with the node's own record (subtype 3); what its kind does when left out. */
  readonly listsItself?: boolean;
}

export interface Subsystem {
  readonly nqn: string;
  anyHost: boolean;
  readonly hosts: Set<string>;
}

export interface Referral {
  readonly address: FabricAddress;
  readonly subnqn: string;
}

export interface FabricNode {
  readonly id: string;
  /** 1-based; also the PORTID of its records. */
  readonly index: number;
  readonly target: Target;
  readonly quirks: Quirks;
  readonly discovery: readonly FabricAddress[];
  readonly io: readonly FabricAddress[];
  readonly discoveryNqn: string;
  readonly listsItself: boolean;
  readonly subsystems: Set<Subsystem>;
  readonly referrals: Referral[];
  /** Records of a hostile or odd node, at the end of its log. */
  injected: readonly FabricRecord[];
  /** For connections accepted from now on. */
  faults: readonly Fault[];
  /** Hosts that its discovery subsystem refuses, with the status; null stands for all hosts. */
  readonly refusals: Map<string | null, number>;
  /** While not null its logs stay like this: it does not hear of what changes. */
  frozen: FrozenView | null;
  up: boolean;
}

export interface Target {
  generation: bigint;
  /** Moves with everything that its logs can tell, and never back. */
  changes: number;
  lastCntlid: number;
}

/** One accepted connection, as the fabric needs it. */
export interface FabricConnection {
  /** Host of the enabled discovery controller on it, else null. */
  readonly hostnqn: string | null;
  /** The discovery log changed for this host. */
  handleLogChange(): void;
  /** The node's port is gone. */
  handleNodeDown(): void;
}

/** What a node's log is made from. */
export interface NodeView {
  readonly owners: readonly {
    readonly node: FabricNode;
    readonly subsystems: Iterable<Pick<Subsystem, "nqn" | "anyHost" | "hosts">>;
  }[];
  readonly referrals: readonly Referral[];
  readonly injected: readonly FabricRecord[];
}

/** The same as it once was, with its generation. */
export interface FrozenView extends NodeView {
  readonly genctr: bigint;
}

/** Its ports are open. */
export function isListening(node: FabricNode): boolean {
  return node.up && (node.subsystems.size > 0 || node.quirks.listensWithoutSubsystems);
}

export function allows(subsystem: Pick<Subsystem, "anyHost" | "hosts">, hostnqn: string): boolean {
  return subsystem.anyHost || subsystem.hosts.has(hostnqn);
}

export function sameAddress(a: FabricAddress, b: FabricAddress): boolean {
  return a.traddr === b.traddr && a.trsvcid === b.trsvcid;
}

/** As the node knows it now, or knew it when it became stale. */
export function viewOfNode(nodes: Iterable<FabricNode>, node: FabricNode): NodeView {
  if (node.frozen !== null) return node.frozen;
  const { referrals, injected, quirks, target } = node;
  const owners = quirks.logScope === "node" ? [node] : [...nodes].filter((one) => one.target === target);
  return { owners: owners.map((one) => ({ node: one, subsystems: one.subsystems })), referrals, injected };
}

/** A copy that no change reaches. */
export function freezeView(nodes: Iterable<FabricNode>, node: FabricNode): FrozenView {
  const { owners, referrals, injected } = viewOfNode(nodes, node);
  const copies = owners.map(({ node: owner, subsystems }) => ({
    node: owner,
    subsystems: Array.from(
      subsystems,
      ({ nqn, anyHost, hosts }) => ({ nqn, anyHost, hosts: new Set(hosts) }),
    ),
  }));
  return { genctr: node.target.generation, owners: copies, referrals: [...referrals], injected };
}

/**
 * Ids that an agent finds which knows these: over the referrals that are told now. A node that does not listen can be
 * found, but tells of nobody. In the order of the nodes.
 */
export function reachableNodes(nodes: Iterable<FabricNode>, ids: readonly string[]): string[] {
  const all = [...nodes];
  const idAt = new Map<string, string>();
  for (const { id, discovery } of all) {
    for (const { traddr, trsvcid } of discovery) idAt.set(canonicalPlace(traddr, String(trsvcid)), id);
  }
  const found = new Set(ids);
  // Grows while it is walked.
  for (const id of found) {
    const node = all.find((one) => one.id === id);
    if (node === undefined || !isListening(node)) continue;
    const { referrals, injected } = viewOfNode(all, node);
    const places = referrals.map(({ address }) => canonicalPlace(address.traddr, String(address.trsvcid)));
    for (const { subtype, traddr = "", trsvcid = "", raw } of injected) {
      if (raw === undefined && subtype === recordSubtype.referral) {
        places.push(canonicalPlace(traddr, trsvcid));
      }
    }
    for (const place of places) {
      const next = idAt.get(place);
      if (next !== undefined) found.add(next);
    }
  }
  return all.filter(({ id }) => found.has(id)).map(({ id }) => id);
}

/**
 * Which host identifier goes with a host NQN. Kernels from 6.5 hold the pair one to one while any controller lives,
 * and answer a second pairing with a bare EINVAL; so the pair in force wins, and a conflict is explained here.
 */
import { hostIdOfNqn, parseHostId } from "../nvme/nqn.ts";
import type { Controller } from "../model/controller.ts";
import type { Facts } from "./facts.ts";

export interface HostIdSource {
  /** `-I` of the entry. */
  readonly wanted: string | undefined;
  /** The host's own, from its file. */
  readonly hostid: string | null;
  /** The host's own for lack of a file. */
  readonly fallback?: string | null;
  /** Host NQN that the host's own belongs to; left out, or null: whoever asks. */
  readonly owner?: string | null;
  /** Host NQN → the identifier that entries give it. */
  readonly claims?: ReadonlyMap<string, string>;
}

/**
 * hostnqn → controller that holds its identity, of any fabric; the first one found. An identifier that no controller
 * accepts (the zero one, which the kernel takes) does not count: the conflict is told when the kernel refuses.
 */
export function identitiesInForce(controllers: readonly Controller[]): Map<string, Controller> {
  const inForce = new Map<string, Controller>();
  for (const controller of controllers) {
    const { hostnqn, hostid } = controller;
    if (hostnqn === undefined || hostid === undefined || inForce.has(hostnqn)) continue;
    if (parseHostId(hostid) !== null) inForce.set(hostnqn, controller);
  }
  return inForce;
}

/**
 * In force → entry → another entry of this NQN → the host's own (its file's before the UUID in the NQN, what nobody
 * chose after it) → derived from the NQN. The host's own goes to one NQN, its owner; nothing that another NQN holds or
 * claims is taken. Never absent: the kernel wants both halves or invents one.
 */
export function settleHostId(
  hostnqn: string,
  source: HostIdSource,
  inForce: ReadonlyMap<string, Controller>,
): string {
  const { hostid, fallback = null, claims } = source;
  const said = inForce.get(hostnqn)?.hostid ?? source.wanted ?? claims?.get(hostnqn);
  if (said !== undefined) return said;
  const machine = hostid ?? fallback;
  const inside = hostIdOfNqn(hostnqn);
  const candidates = hostid === null ? [inside, fallback] : [hostid, inside];
  const isFree = (candidate: string | null): candidate is string =>
    candidate !== null && (candidate !== machine || isOwner(hostnqn, source)) &&
    holderOf(candidate, hostnqn, source, inForce) === null;
  return candidates.find(isFree) ?? derivedHostId(hostnqn, machine);
}

function isOwner(hostnqn: string, { owner = null }: HostIdSource): boolean {
  return owner === null || owner === hostnqn;
}

/** Another NQN that an identifier belongs to, in words' order: the kernel's, then what entries say. */
function holderOf(
  hostid: string,
  hostnqn: string,
  { claims }: HostIdSource,
  inForce: ReadonlyMap<string, Controller>,
): string | null {
  for (const [holder, controller] of inForce) {
    if (controller.hostid === hostid && holder !== hostnqn) return holder;
  }
  for (const [holder, claimed] of claims ?? []) if (claimed === hostid && holder !== hostnqn) return holder;
  return null;
}

/** What to tell of an NQN that does without the host's own identifier, which it would have alone; null for nothing. */
export function hostIdNotice(
  hostnqn: string,
  source: HostIdSource,
  inForce: ReadonlyMap<string, Controller>,
): string | null {
  const { hostid, fallback = null, owner = null, wanted, claims } = source;
  const machine = hostid ?? fallback;
  if (machine === null || wanted !== undefined || claims?.has(hostnqn) || inForce.has(hostnqn)) return null;
  // Its own UUID comes first anyway where nobody chose an identifier.
  if (hostid === null && hostIdOfNqn(hostnqn) !== null) return null;
  const settled = settleHostId(hostnqn, source, inForce);
  if (settled === machine) return null;
  const holder = holderOf(machine, hostnqn, source, inForce) ?? owner;
  const from = settled === hostIdOfNqn(hostnqn) ? "the UUID in its name" : "made from its name";
  return `Host NQN ${hostnqn} goes by host ID ${settled}, ${from}: the host's own, ${machine}, belongs to host NQN ` +
    `${holder}, and the kernel holds one ID per NQN; to choose another, give its entries -I`;
}

/** What entries say of host NQNs: those that give one an identifier, and those that leave it to us. */
interface WantedHosts {
  /** NQN → `-I` of its first entry that has one. */
  readonly claims: ReadonlyMap<string, string>;
  readonly names: ReadonlySet<string>;
}

const wantedHostsOf = new WeakMap<object, WantedHosts>();

/** By the files, before they were read by what is remembered of them. */
export function wantedHosts({ entries, list }: Pick<Facts, "entries" | "list">): WantedHosts {
  const known = wantedHostsOf.get(entries ?? list);
  if (known !== undefined) return known;
  const hosts = entries ??
    [...list.values()].flatMap(({ members }) => members.map(({ endpoint }) => endpoint));
  const names = new Set<string>();
  const claims = new Map<string, string>();
  for (const { cluster: { hostnqn }, hostid } of hosts) {
    names.add(hostnqn);
    if (hostid !== undefined && !claims.has(hostnqn)) claims.set(hostnqn, hostid);
  }
  const wanted = { claims, names };
  wantedHostsOf.set(entries ?? list, wanted);
  return wanted;
}

/**
 * Whose the host's own identifier is, where several host NQNs would take it. Whoever has it in the kernel keeps it,
 * then whom an entry gives it to, then who had it before; else the host's own NQN, else the first by name. So the same
 * NQN has the same identifier whatever comes up first, today and after a restart.
 */
export function hostidOwner(facts: OwnerFacts): string | null {
  const { policy: { hostid, fallbackHostid = null, hostnqn }, controllers, hostidOwner: before = null } =
    facts;
  const machine = hostid ?? fallbackHostid;
  if (machine === null) return null;
  const holders = (controllers?.list ?? []).flatMap((controller) =>
    controller.hostid === machine && controller.hostnqn !== undefined ? [controller.hostnqn] : []
  );
  const { claims, names } = wantedHosts(facts);
  for (const [claimant, claimed] of claims) if (claimed === machine) holders.push(claimant);
  if (before !== null && (holders.length === 0 || holders.includes(before))) return before;
  if (holders[0] !== undefined) return holders[0];
  const others = [...names].filter((name) =>
    !claims.has(name) && (hostid !== null || hostIdOfNqn(name) === null)
  );
  if (hostnqn !== undefined && hostnqn !== null && others.includes(hostnqn)) return hostnqn;
  return others.sort()[0] ?? null;
}

type OwnerFacts = Pick<Facts, "entries" | "list" | "controllers" | "policy" | "hostidOwner">;

/** All that settles the identifier of an NQN. */
export function hostIdSource(facts: OwnerFacts, wanted: string | undefined): HostIdSource {
  const { hostid, fallbackHostid: fallback } = facts.policy;
  return { wanted, hostid, fallback, owner: facts.hostidOwner ?? null, claims: wantedHosts(facts).claims };
}

/**
 * A stable identifier for a host NQN that has none: the UUID inside a uuid-form NQN (NVMe Base 2.1 §4.7.2) when
 * nothing is known of the machine, else a custom UUID (RFC 9562 version 8) of the FNV-1a hash of the machine's
 * identifier and the NQN, so that hosts that share a name do not share it. The same on every start.
 */
export function derivedHostId(hostnqn: string, machine: string | null = null): string {
  const inside = hostIdOfNqn(hostnqn);
  if (machine === null && inside !== null) return inside;
  const name = machine === null ? hostnqn : `${machine} ${hostnqn}`;
  let hash = 0x6c62272e07bb014262b821756295c58dn;
  for (const byte of new TextEncoder().encode(name)) {
    hash = ((hash ^ BigInt(byte)) * 0x0000000001000000000000000000013bn) & ((1n << 128n) - 1n);
  }
  const hex = hash.toString(16).padStart(32, "0");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** Why the kernel refuses this pair, in words; null when no live controller explains it. */
export function identityConflict(
  hostnqn: string,
  hostid: string,
  controllers: readonly Controller[],
): string | null {
  for (const controller of controllers) {
    if (controller.hostid === undefined || controller.hostnqn === undefined) continue;
    if (controller.hostid === hostid && controller.hostnqn !== hostnqn) {
      return `host ID ${hostid} belongs to host NQN ${controller.hostnqn} while ${controller.name} lives, and the ` +
        `kernel holds one ID per NQN: give the entries of ${hostnqn} their own with -I, or use one host NQN for all`;
    }
    if (controller.hostnqn === hostnqn && controller.hostid !== hostid) {
      return `host NQN ${hostnqn} is in use with host ID ${controller.hostid} while ${controller.name} lives, not ` +
        `with ${hostid}, and the kernel holds one ID per NQN: give its entries -I ${controller.hostid}, or ` +
        `disconnect what uses the other ID`;
    }
  }
  return null;
}

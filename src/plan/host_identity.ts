/**
 * Which host identifier goes with a host NQN. Kernels from 6.5 hold the pair one to one while any controller lives,
 * and answer a second pairing with a bare EINVAL; so the pair in force wins, and a conflict is explained here.
 */
import { hostIdOfNqn, parseHostId } from "../nvme/nqn.ts";
import type { Controller } from "../model/controller.ts";

export interface HostIdSource {
  /** `-I` of the entry. */
  readonly wanted: string | undefined;
  /** The host's own, from its file. */
  readonly hostid: string | null;
  /** The host's own for lack of a file. */
  readonly fallback?: string | null;
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
 * In force → entry → host's file → UUID in the NQN → what the host goes by without a file → derived from the NQN.
 * Never absent: the kernel wants both halves or invents one.
 */
export function settleHostId(
  hostnqn: string,
  source: HostIdSource,
  inForce: ReadonlyMap<string, Controller>,
): string {
  return inForce.get(hostnqn)?.hostid ?? source.wanted ?? source.hostid ?? hostIdOfNqn(hostnqn) ??
    freeFallback(source.fallback ?? null, inForce) ?? derivedHostId(hostnqn);
}

/** Nobody chose it, so it gives way where another NQN holds it: the kernel would refuse the second one. */
function freeFallback(fallback: string | null, inForce: ReadonlyMap<string, Controller>): string | null {
  const isHeld = [...inForce.values()].some(({ hostid }) => hostid === fallback);
  return isHeld ? null : fallback;
}

/**
 * A stable identifier for a host that has none: the UUID inside a uuid-form NQN (NVMe Base 2.1 §4.7.2), else a
 * custom UUID (RFC 9562 version 8) of the NQN's FNV-1a hash. Same NQN, same identifier, on every start.
 */
export function derivedHostId(hostnqn: string): string {
  const inside = hostIdOfNqn(hostnqn);
  if (inside !== null) return inside;
  let hash = 0x6c62272e07bb014262b821756295c58dn;
  for (const byte of new TextEncoder().encode(hostnqn)) {
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

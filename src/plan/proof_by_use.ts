/**
 * Addresses that need no probe: the host has this moment answered a log read, and the kernel has a live controller at
 * the very port. A new subsystem of a running cluster is then connected without another round trip. Pure.
 */
import { limits } from "../base/limits.ts";
import { canonicalAddress, formatHostPort } from "../base/address.ts";
import type { ControllersFact, SessionFact } from "./facts.ts";

/** `host:port` of every address proven by use now, as `WantedPath.addressKey` has them for paths of no wanted source. */
export function addressesProvenByUse(
  sessions: ReadonlyMap<string, SessionFact>,
  controllers: ControllersFact | null,
  nowMs: number,
): ReadonlySet<string> {
  const hosts = new Set<string>();
  for (const { state, logCurrent, logAtMs, endpoint } of sessions.values()) {
    const fresh = state === "live" && logCurrent && nowMs - logAtMs < limits.proofByUseMs;
    if (fresh) hosts.add(endpoint.traddr);
  }
  const proven = new Set<string>();
  if (hosts.size === 0) return proven;
  for (const { transport, state, address } of controllers?.list ?? []) {
    if (transport !== "tcp" || state !== "live") continue;
    const traddr = canonicalAddress(address.traddr);
    if (hosts.has(traddr)) proven.add(formatHostPort(traddr, Number(address.trsvcid)));
  }
  return proven;
}

/**
 * Auto-detection: discovery endpoints from the controllers that the kernel has already. Reads no sysfs itself, and
 * makes nothing of a controller whose host NQN or address is not told.
 */
import { canonicalAddress, isIpAddress } from "../base/address.ts";
import { endpointKey } from "../model/endpoint.ts";
import type { Controller } from "../model/controller.ts";
import type { Entry } from "../model/entry.ts";
import { formatHostId, nqnProblem, parseHostId } from "../nvme/nqn.ts";

export interface DetectionOptions {
  /** Only subsystem NQNs that hold one of these texts count. */
  readonly subsystemMatch: readonly string[];
  /** Port of the discovery service that is supposed to run at each address. */
  readonly discoveryServicePort: number;
}

export interface DetectedEntries {
  readonly entries: readonly Omit<Entry, "origin">[];
  /** Controllers that match but cannot be used, with words why. */
  readonly skipped: readonly { readonly controller: string; readonly reason: string }[];
}

/**
 * Discovery endpoints deduced from live I/O controllers: where a subsystem's path is, a discovery service is likely.
 * One entry for each address, host NQN and subsystem NQN; the host identifier is kept.
 */
export function detectEntries(
  controllers: readonly Controller[],
  options: DetectionOptions,
): DetectedEntries {
  const entries = new Map<string, Omit<Entry, "origin">>();
  const skipped: { controller: string; reason: string }[] = [];
  for (const controller of controllers) {
    if (!isCandidate(controller, options.subsystemMatch)) continue;
    const reason = detectionProblem(controller);
    if (reason !== null) skipped.push({ controller: controller.name, reason });
    else {
      const entry = entryOf(controller, options.discoveryServicePort);
      const key = endpointKey(entry);
      if (!entries.has(key)) entries.set(key, entry);
    }
  }
  return { entries: [...entries.values()], skipped };
}

function isCandidate(controller: Controller, subsystemMatch: readonly string[]): boolean {
  return controller.transport === "tcp" &&
    // Old kernels have no such attribute.
    (controller.cntrltype === undefined || controller.cntrltype === "io") &&
    subsystemMatch.some((text) => controller.subsysnqn.includes(text));
}

function detectionProblem({ address, hostnqn, subsysnqn }: Controller): string | null {
  if (hostnqn === undefined) return "sysfs does not tell its host NQN";
  const hostProblem = nqnProblem(hostnqn);
  if (hostProblem !== null) return `its host NQN is none: ${hostProblem}`;
  const subsystemProblem = nqnProblem(subsysnqn);
  if (subsystemProblem !== null) return `its subsystem NQN is none: ${subsystemProblem}`;
  return isIpAddress(address.traddr) ? null : "sysfs does not tell its IP address";
}

function entryOf(controller: Controller, discoveryServicePort: number): Omit<Entry, "origin"> {
  const { address, hostnqn = "", hostid, subsysnqn } = controller;
  const hostidBytes = hostid === undefined ? null : parseHostId(hostid);
  return {
    cluster: { subsysnqn, hostnqn },
    transport: "tcp",
    traddr: canonicalAddress(address.traddr),
    trsvcid: discoveryServicePort,
    ...(hostidBytes === null ? {} : { hostid: formatHostId(hostidBytes) }),
    persistent: false,
    options: {},
  };
}

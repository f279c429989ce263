import { canonicalAddress, formatHostPort, sameAddress } from "../base/address.ts";
import type { Cluster } from "./cluster.ts";
import type { ConnectOptions } from "./connect_options.ts";
import type { Controller } from "./controller.ts";

/** One NVM subsystem at one address, named by a discovery log: what the kernel shall have a controller for. */
export interface Path {
  readonly transport: "tcp";
  /** Canonical IP address. */
  readonly traddr: string;
  readonly trsvcid: number;
  readonly subsysnqn: string;
  readonly hostnqn: string;
  /** UUID text wanted; the plan settles it against the identity in force. */
  readonly hostid?: string;
  readonly options: ConnectOptions;
  /** The cluster whose endpoint named it. */
  readonly cluster: Cluster;
  /** Its endpoint's keys and secrets are not known yet. */
  readonly secretsUnknown?: true;
  /** The record demands a secure channel (TREQ 1 with a TLS security type). */
  readonly secureChannelRequired: boolean;
}

/** What a path *is*. */
export function pathKey(
  path: Omit<Path, "cluster" | "hostid" | "secureChannelRequired" | "secretsUnknown">,
): string {
  const { hostTraddr = "", hostIface = "" } = path.options;
  return `${path.traddr} ${path.trsvcid} ${path.subsysnqn} ${path.hostnqn} ${hostTraddr} ${hostIface}`;
}

/** What we *call* it. */
export function pathLabel(path: { traddr: string; trsvcid: number; subsysnqn: string }): string {
  return `${path.subsysnqn} at ${formatHostPort(path.traddr, path.trsvcid)}`;
}

/**
 * Index key under which a controller and the paths it may serve meet; `isSamePath` has the last word. Without the
 * scope of the address: sysfs shows link-local addresses with and without it.
 */
export function pathIndexKey(path: { traddr: string; trsvcid: number | string; subsysnqn: string }): string {
  const percent = path.traddr.indexOf("%");
  const traddr = percent < 0 ? path.traddr : path.traddr.slice(0, percent);
  return `${path.subsysnqn} ${path.trsvcid} ${traddr}`;
}

export function controllerIndexKey(controller: Controller): string {
  const { traddr, trsvcid } = controller.address;
  return pathIndexKey({ subsysnqn: controller.subsysnqn, trsvcid, traddr: canonicalAddress(traddr) });
}

/**
 * Whether a kernel controller *is already* the wanted path. Addresses are compared as addresses. What the path does
 * not ask for (a source address, an interface) may be anything; what sysfs does not tell (old kernels) is not held
 * against it.
 */
export function isSamePath(controller: Controller, path: Path): boolean {
  const { address } = controller;
  const { hostTraddr, hostIface } = path.options;
  if (controller.transport !== path.transport || controller.subsysnqn !== path.subsysnqn) return false;
  if (address.trsvcid !== String(path.trsvcid) || !sameAddress(address.traddr, path.traddr)) return false;
  if (controller.hostnqn !== undefined && controller.hostnqn !== path.hostnqn) return false;
  if (hostTraddr !== undefined) {
    const source = address.hostTraddr ?? address.srcAddr;
    if (source !== undefined && !sameAddress(source, hostTraddr)) return false;
  }
  return hostIface === undefined || address.hostIface === undefined || address.hostIface === hostIface;
}

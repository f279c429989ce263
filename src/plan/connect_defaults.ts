/** What the settings say about the connections of a cluster, where its entries say nothing. Pure. */
import { clusterKey } from "../model/cluster.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import type { Path } from "../model/path.ts";
import { discoveryNqn } from "../nvme/spec.ts";
import type { Policy } from "./facts.ts";

/**
 * The cluster's own before those of all, each option by itself. A cluster without a name has those that stand under
 * the name of the subsystem.
 */
export function connectDefaultsOf(
  policy: Policy,
  { cluster, subsysnqn }: Pick<Path, "cluster" | "subsysnqn">,
): ConnectOptions {
  const { clusterDefaults } = policy;
  const own = clusterDefaults?.get(clusterKey(cluster)) ??
    (cluster.subsysnqn === discoveryNqn
      ? clusterDefaults?.get(clusterKey({ ...cluster, subsysnqn }))
      : undefined);
  return own === undefined ? policy.connectDefaults : { ...policy.connectDefaults, ...own };
}

/** Why these secrets do not go together, or null: without one of the host, Linux would not ask for the other. */
export function secretsProblem(defaults: ConnectOptions, options: ConnectOptions): string | null {
  const host = options.dhchapSecret ?? defaults.dhchapSecret;
  const ctrl = options.dhchapCtrlSecret ?? defaults.dhchapCtrlSecret;
  return ctrl !== undefined && host === undefined
    ? "the controller has a DH-CHAP secret to prove itself with, and the host has none"
    : null;
}

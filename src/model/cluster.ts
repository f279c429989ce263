/**
 * A cluster, as the consumers name it: one (subsysnqn, hostnqn) pair of an entry. It owns a list of discovery
 * endpoints; the logs of these may name any number of subsystems.
 */
export interface Cluster {
  readonly subsysnqn: string;
  readonly hostnqn: string;
}

/** Dedupe key. A space cannot stand inside an NQN. */
export function clusterKey(cluster: Cluster): string {
  return `${cluster.hostnqn} ${cluster.subsysnqn}`;
}

/** What we call it. */
export function clusterLabel(cluster: Cluster): string {
  return `${cluster.subsysnqn} for ${cluster.hostnqn}`;
}

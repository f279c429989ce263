/** `auxSuffix` of the settings: the subsystem NQNs of entries end with it, after a dot. Pure. */
import type { Entry } from "../model/entry.ts";
import { nqnCharsMax } from "../nvme/nqn.ts";
import { discoveryNqn } from "../nvme/spec.ts";

/** Once: a name that ends so already stays, and so does one that would get longer than an NQN may be. */
export function withAuxSuffix(subsysnqn: string, suffix: string): string {
  if (suffix === "" || subsysnqn.endsWith(`.${suffix}`)) return subsysnqn;
  const name = `${subsysnqn}.${suffix}`;
  return name.length > nqnCharsMax ? subsysnqn : name;
}

/** The same array where there is no suffix. A cluster without a name of its own gets none. */
export function entriesWithAuxSuffix(entries: readonly Entry[], suffix: string): readonly Entry[] {
  if (suffix === "") return entries;
  return entries.map((entry) => {
    const { cluster } = entry;
    if (cluster.subsysnqn === discoveryNqn) return entry;
    return { ...entry, cluster: { ...cluster, subsysnqn: withAuxSuffix(cluster.subsysnqn, suffix) } };
  });
}

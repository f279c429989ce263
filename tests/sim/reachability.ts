import type { MemoryNetwork } from "./memory_network.ts";

/** What the kernel in memory asks the fabric: who would answer a connect now, and how. */
export interface Reachability {
  connect(target: ConnectTarget): ConnectAnswer;
}

export interface ConnectTarget {
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subsysnqn: string;
  readonly hostnqn: string;
  /** UUID text. */
  readonly hostid: string;
}

/**
 * `swallowed`: packets vanish. `refused`: nobody listens. `absent`: a controller answers and has no such subsystem.
 * `denied`: it has, and not for this host (the kernel tells both as EIO). `errno`: the network says so.
 */
export type ConnectAnswer =
  | "accepted"
  | "swallowed"
  | "refused"
  | "absent"
  | "denied"
  | { readonly errno: string };

/** The network's faults and listeners, and behind an open port the word of `admits`. */
export function networkReachability(
  network: MemoryNetwork,
  admits: (target: ConnectTarget) => "accepted" | "absent" | "denied",
): Reachability {
  return {
    connect(target) {
      const reach = network.reach(target.traddr, target.trsvcid);
      if (reach === "open") return admits(target);
      // A listener that says nothing keeps the kernel waiting as a black hole does.
      return reach === "mute" ? "swallowed" : reach;
    },
  };
}

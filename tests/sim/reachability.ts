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

/** The changes of a soak as data: what is done once, and the faults that strike a node for a while. */
import type { Fault } from "../fabric/fault.ts";
import type { FabricRecord } from "../fabric/fabric_log.ts";

/** Strikes one node until it is ended; a node has one at a time. */
export type NodeFault =
  /** Its ports close. */
  | { readonly kind: "down" }
  /** It goes down, and nobody refers to it any more. */
  | { readonly kind: "left" }
  /** kill -9 of its process. */
  | { readonly kind: "killed" }
  /** SIGSTOP. */
  | { readonly kind: "stopped" }
  /** It accepts connections, and answers nobody. */
  | { readonly kind: "swallowed" }
  /** No packet gets through; only none to it; only none from it; only no SYN; each is answered with a reset. */
  | { readonly kind: "packets"; readonly rule: "both" | "to" | "from" | "syn" | "reset" }
  /** Its answers are wrong. */
  | { readonly kind: "faulty"; readonly faults: readonly Fault[] }
  /** Its log has these records too. */
  | { readonly kind: "hostile"; readonly records: readonly FabricRecord[] };

export type Change =
  | { readonly kind: "addSubsystem"; readonly nqn: string; readonly nodes: readonly string[] }
  | { readonly kind: "removeSubsystem"; readonly nqn: string }
  | { readonly kind: "link" | "unlink"; readonly nqn: string; readonly node: string }
  | { readonly kind: "setAnyHost"; readonly nqn: string; readonly anyHost: boolean }
  /** So many links and unlinks of a subsystem, in turn. */
  | { readonly kind: "storm"; readonly nqn: string; readonly node: string; readonly times: number }
  | { readonly kind: "restart"; readonly nodes: readonly string[] }
  | { readonly kind: "strike"; readonly node: string; readonly fault: NodeFault }
  | { readonly kind: "end"; readonly node: string; readonly fault: NodeFault }
  /** So many packets of a hundred vanish from now on. */
  | { readonly kind: "lose"; readonly percent: number }
  /** Somebody's `nvme disconnect` of one of the controllers; `at` from 0 to 1 says which. */
  | { readonly kind: "deleteController"; readonly at: number }
  | { readonly kind: "hangup" }
  | { readonly kind: "file"; readonly trick: FileTrick };

export const fileTricks = [
  "rewrite",
  "rewrite in place, slowly",
  "copy slowly",
  "move",
  "delete",
  "add strangers",
  "add another cluster",
  "add hostile lines",
  "add a link",
  "touch",
  "recreate the directory",
] as const;
export type FileTrick = typeof fileTricks[number];

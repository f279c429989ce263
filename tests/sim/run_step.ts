/**
 * The steps of a simulated run: what is done to the world, and when. Plain data; a step holds all that it needs, and
 * means something whatever steps were left out before it, so that a failing schedule can be made smaller.
 *
 * A *fault* lasts: what the world is like follows from the faults in force at a time. A *change* happens once.
 */
import type { Fault } from "../fabric/fault.ts";

/** Numbers of nodes count from 1 and wrap around; so do those of subsystems and of controllers. */
export type FaultAction =
  // The network towards a node: its discovery port, its I/O port, or both.
  | {
    readonly kind: "silence";
    readonly node: number;
    readonly port: Ports;
    readonly way: "both" | "toHost" | "toController";
  }
  | { readonly kind: "dial-error"; readonly node: number; readonly port: Ports; readonly errno: string }
  | { readonly kind: "mute"; readonly node: number; readonly port: Ports }
  | {
    readonly kind: "slow-network";
    readonly node: number;
    readonly delayMs: number;
    readonly jitterMs: number;
  }
  | { readonly kind: "fragments"; readonly node: number; readonly bytes: number }
  | { readonly kind: "reset-after"; readonly node: number; readonly bytes: number }
  | { readonly kind: "stall-after"; readonly node: number; readonly bytes: number }
  | { readonly kind: "few-sockets"; readonly sockets: number }
  | { readonly kind: "names-fail"; readonly how: "unknown" | "hang" }
  // The target.
  | { readonly kind: "node-down"; readonly node: number }
  | { readonly kind: "wire"; readonly node: number; readonly fault: Fault }
  | { readonly kind: "stale-view"; readonly node: number }
  | { readonly kind: "discovery-refused"; readonly node: number; readonly host: number }
  | { readonly kind: "hostile-log"; readonly node: number; readonly salt: number }
  /** Its log refers to so many addresses where nobody is. */
  | { readonly kind: "dead-referrals"; readonly node: number; readonly count: number }
  | { readonly kind: "access-denied"; readonly subsystem: number; readonly host: number }
  | { readonly kind: "unlinked"; readonly subsystem: number; readonly node: number }
  | { readonly kind: "referral-gone"; readonly from: number; readonly to: number }
  // The kernel.
  | { readonly kind: "kernel-absent" }
  | { readonly kind: "module-unloaded" }
  | { readonly kind: "sysfs-error"; readonly errno: string }
  | { readonly kind: "sysfs-torn" }
  | { readonly kind: "sysfs-slow"; readonly ms: number }
  | { readonly kind: "uevents-lost" }
  | { readonly kind: "uevents-late"; readonly ms: number }
  | { readonly kind: "kernel-slow"; readonly factor: number }
  | { readonly kind: "kernel-busy"; readonly ms: number }
  | { readonly kind: "kernel-refuses"; readonly errno: string }
  | { readonly kind: "numbers-move" }
  // Files.
  | { readonly kind: "watch-lost" }
  | { readonly kind: "watch-late"; readonly ms: number }
  | { readonly kind: "watch-spurious"; readonly ms: number }
  | { readonly kind: "scan-error"; readonly errno: string }
  | { readonly kind: "scan-slow"; readonly ms: number }
  | { readonly kind: "file-unreadable"; readonly errno: string }
  | { readonly kind: "disk-error"; readonly errno: string }
  | { readonly kind: "disk-slow"; readonly ms: number }
  | { readonly kind: "state-unreadable"; readonly errno: string }
  // The agent's process.
  | { readonly kind: "agent-down"; readonly how: "kill" | "power" | "stop"; readonly damage: Damage | null };

export type Change =
  | { readonly kind: "reset"; readonly node: number }
  | { readonly kind: "fin"; readonly node: number }
  | { readonly kind: "half-close"; readonly node: number }
  | { readonly kind: "node-restart"; readonly node: number }
  | { readonly kind: "generation-moves"; readonly node: number }
  | { readonly kind: "subsystem-added"; readonly nodes: readonly number[] }
  | { readonly kind: "subsystem-removed"; readonly subsystem: number }
  | { readonly kind: "subsystems-storm"; readonly count: number; readonly gapMs: number }
  | { readonly kind: "node-joins" }
  | { readonly kind: "node-leaves"; readonly node: number }
  | { readonly kind: "controller-deleted"; readonly controller: number }
  | { readonly kind: "controller-lost"; readonly controller: number }
  | { readonly kind: "file-written"; readonly nodes: readonly number[]; readonly how: "rename" | "copy" }
  | { readonly kind: "file-moved" }
  | { readonly kind: "file-removed" }
  | { readonly kind: "bad-lines"; readonly salt: number }
  | { readonly kind: "directory-recreated" }
  | { readonly kind: "wall-clock"; readonly ms: number }
  | { readonly kind: "rescan" };

export type Ports = "discovery" | "io" | "both";
export type Damage = "truncate" | "garbage" | "empty";

export interface FaultStep {
  readonly atMs: number;
  /** How long it is in force. */
  readonly forMs: number;
  readonly fault: FaultAction;
}

export interface ChangeStep {
  readonly atMs: number;
  readonly change: Change;
}

/** Times are ms after the world's start. */
export type RunStep = FaultStep | ChangeStep;

export function kindOf(step: RunStep): string {
  if ("change" in step) return step.change.kind;
  return step.fault.kind === "wire" ? `wire: ${step.fault.fault.kind}` : step.fault.kind;
}

export function stepText(step: RunStep): string {
  const action: Readonly<Record<string, unknown>> = "change" in step ? step.change : { ...step.fault };
  const details = Object.entries(action).filter(([name, value]) => name !== "kind" && value !== null)
    .map(([name, value]) => ` ${name}=${typeof value === "object" ? JSON.stringify(value) : value}`);
  return `${action.kind}${details.join("")}`;
}

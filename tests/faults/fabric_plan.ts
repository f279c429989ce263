/** The described fabric of a fault run: what every process builds alike, and the changes that all of them make. */
import { Fabric } from "../fabric/fabric.ts";
import type { TargetKind } from "../fabric/quirks.ts";

export interface FabricPlan {
  readonly nodes: number;
  readonly subsystems: number;
  readonly kind?: TargetKind;
  readonly mesh?: boolean;
  /** First two numbers of the addresses; 127.77 when left out. */
  readonly net?: string;
}

/** A call of one of the fabric's own methods. */
export interface FabricChange {
  readonly method:
    | "addSubsystem"
    | "removeSubsystem"
    | "link"
    | "unlink"
    | "allowHost"
    | "denyHost"
    | "setAnyHost"
    | "addReferral"
    | "removeReferral"
    | "setNodeUp"
    | "setNodeDown"
    | "setFaults";
  readonly args: readonly unknown[];
}

export const discoveryPort = 8009;

export function buildFabric({ net = "127.77", ...plan }: FabricPlan): Fabric {
  return Fabric.build({
    ...plan,
    traddr: (index) => `${net}.${Math.floor(index / 250)}.${index % 250 + 1}`,
    discoveryPort,
  });
}

export function applyChange(fabric: Fabric, { method, args }: FabricChange): void {
  (fabric[method] as (...args: readonly unknown[]) => unknown)(...args);
}

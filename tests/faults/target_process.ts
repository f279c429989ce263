/**
 * Some nodes of the described fabric as a process; the first request says which, and what changed so far. The other
 * nodes exist as description only: their ports belong to other processes.
 */
import { assert } from "../assert.ts";
import { ControllerMachine } from "../fabric/controller_machine.ts";
import type { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { applyChange, buildFabric, type FabricChange, type FabricPlan } from "./fabric_plan.ts";
import { answerRequests } from "./process_requests.ts";

export interface TargetStart {
  readonly plan: FabricPlan;
  readonly changes: readonly FabricChange[];
  readonly nodes: readonly string[];
}

class Target {
  readonly #fabric: Fabric;
  readonly #served: ReadonlySet<string>;
  readonly server: FabricServer;

  constructor({ plan, changes, nodes }: TargetStart) {
    this.#fabric = buildFabric(plan);
    this.#served = new Set(nodes);
    for (const change of changes) this.apply(change);
    for (const id of this.#fabric.nodes.keys()) if (!this.#served.has(id)) this.#fabric.setNodeDown(id);
    this.server = new FabricServer(this.#fabric);
  }

  apply(change: FabricChange): void {
    const ofOneNode = ["setNodeUp", "setNodeDown", "setFaults"].includes(change.method);
    if (!ofOneNode || this.#served.has(change.args[0] as string)) applyChange(this.#fabric, change);
  }

  /** Discovery sessions that wait for events, by node. */
  armed(): Record<string, number> {
    return Object.fromEntries([...this.#served].map((id) => [
      id,
      this.#fabric.connections(id).filter((connection) =>
        connection instanceof ControllerMachine && (connection.controller?.eventRequests ?? 0) > 0
      ).length,
    ]));
  }
}

let target: Target | undefined;

function started(): Target {
  assert(target !== undefined, "The target was not told what it serves");
  return target;
}

await answerRequests({
  start: (start) => void (target = new Target(start as TargetStart)),
  change: (changes) => (changes as FabricChange[]).forEach((change) => started().apply(change)),
  swallow: (id, swallowed) => started().server.setSwallowed(id as string, swallowed as boolean),
  armed: () => started().armed(),
  connections: (id) => started().server.connectionCount(id as string | undefined),
  accepted: (id) => started().server.acceptedMs(id as string).length,
});
Deno.exit(0);

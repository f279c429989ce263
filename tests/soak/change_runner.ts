/** Carries changes out on a soak's world, one at a time, at their moments or as soon after as it can. */
import { assert } from "../assert.ts";
import type { FabricChange } from "../faults/fabric_plan.ts";
import { pause } from "../faults/waiting.ts";
import { Draw } from "../sim/draw.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { Change, NodeFault } from "./change.ts";
import type { TimedChange } from "./change_draw.ts";
import type { SoakHost } from "./soak_host.ts";
import { silentNet } from "./strangers.ts";

/** A method of the fabric that works across the processes, if only for records without raw bytes. */
const injectRecords = "injectRecords" as string as FabricChange["method"];
/** A port is free when its listener has really ended, ms. */
const portFreeMs = 60;
const stormGapMs = 10;

export class ChangeRunner {
  readonly #soak: SoakHost;
  /** For what a change leaves open. */
  readonly #draw: Draw;
  /** Rules of the packet filter, by node. */
  readonly #rules = new Map<string, string>();
  #lossPercent = 0;
  #done = 0;
  readonly #counts = new Map<string, number>();

  constructor(soak: SoakHost, seed: number) {
    this.#soak = soak;
    this.#draw = new Draw(seededRandom(seed + 1));
  }

  /** Changes carried out so far. */
  get done(): number {
    return this.#done;
  }

  /** The same by kind. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Until all are carried out. */
  async run(changes: readonly TimedChange[], onChange: (change: Change) => void): Promise<void> {
    const startMs = performance.now();
    for (const { atMs, change } of changes) {
      await pause(Math.max(0, startMs + atMs - performance.now()));
      this.#soak.checkAlive();
      onChange(change);
      await this.#apply(change).catch((cause) => {
        throw new Error(`Cannot carry out ${JSON.stringify(change)}`, { cause });
      });
      this.#done++;
      const kind = nameOf(change);
      this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    }
  }

  async #apply(change: Change): Promise<void> {
    const { host, files, agent } = this.#soak;
    switch (change.kind) {
      case "addSubsystem":
        return await host.change("addSubsystem", change.nqn, { nodes: change.nodes });
      case "removeSubsystem":
        return await host.change("removeSubsystem", change.nqn);
      case "link":
      case "unlink":
        return await host.change(change.kind, change.nqn, change.node);
      case "setAnyHost":
        return await host.change("setAnyHost", change.nqn, change.anyHost);
      case "storm":
        return await this.#storm(change);
      case "restart":
        return await host.restartNodes(...change.nodes);
      case "strike":
        return await this.#strike(change.node, change.fault);
      case "end":
        return await this.#end(change.node, change.fault);
      case "lose":
        this.#lossPercent = change.percent;
        return await this.#filter();
      case "deleteController":
        return await this.#deleteController(change.at);
      case "hangup":
        return agent.signal("SIGHUP");
      case "file":
        return await files.play(change.trick, this.#draw);
    }
  }

  async #storm({ nqn, node, times }: Extract<Change, { kind: "storm" }>): Promise<void> {
    for (let time = 0; time < times; time++) {
      await this.#soak.host.change("unlink", nqn, node);
      await pause(stormGapMs);
      await this.#soak.host.change("link", nqn, node);
      await pause(stormGapMs);
    }
  }

  async #strike(node: string, fault: NodeFault): Promise<void> {
    const { host } = this.#soak;
    switch (fault.kind) {
      case "down":
        return await host.change("setNodeDown", node);
      case "left":
        return await host.leave(node);
      case "killed":
        return await host.targets.kill(node);
      case "stopped":
        return await host.targets.pause(node);
      case "swallowed":
        return void await host.target(node).ask("swallow", node, true);
      case "packets":
        this.#rules.set(node, ruleOf(fault.rule, host.addressOf(node)));
        return await this.#filter();
      case "faulty":
        await host.change("setFaults", node, fault.faults);
        return await host.restartNodes(node);
      case "hostile":
        return await host.change(injectRecords, node, fault.records);
    }
  }

  async #end(node: string, fault: NodeFault): Promise<void> {
    const { host } = this.#soak;
    switch (fault.kind) {
      case "down":
        await pause(portFreeMs);
        return await host.change("setNodeUp", node);
      case "left":
        await pause(portFreeMs);
        return await host.join(node);
      case "killed":
        return await host.targets.restart(node);
      case "stopped":
        return host.targets.resume(node);
      case "swallowed":
        return void await host.target(node).ask("swallow", node, false);
      case "packets":
        this.#rules.delete(node);
        return await this.#filter();
      case "faulty":
        await host.change("setFaults", node, []);
        return await host.restartNodes(node);
      case "hostile":
        return await host.change(injectRecords, node, []);
    }
  }

  /** All rules anew, in one go. */
  async #filter(): Promise<void> {
    const rules = [`ip daddr ${silentNet} drop`, ...this.#rules.values()];
    if (this.#lossPercent > 0) {
      rules.push(`meta l4proto tcp numgen random mod 100 < ${this.#lossPercent} drop`);
    }
    const adds = rules.map((rule) => `add rule inet faults input ${rule}`);
    await this.#soak.host.namespace.nft(["flush chain inet faults input", ...adds].join("; "));
  }

  async #deleteController(at: number): Promise<void> {
    const { controllers } = await this.#soak.kernelState();
    const chosen = controllers[Math.floor(at * controllers.length)];
    if (chosen !== undefined) await this.#soak.deleteController(chosen.name);
  }

  /** The fabric, the files and the network as they were at the start; every fault has ended. */
  async heal(subsystems: readonly string[]): Promise<void> {
    const { host, files, nodes } = this.#soak;
    assert(this.#rules.size === 0 && this.#lossPercent === 0, "A fault goes on");
    await this.#filter();
    for (const nqn of host.fabric.subsystems.keys()) {
      if (!subsystems.includes(nqn)) await host.change("removeSubsystem", nqn);
    }
    for (const nqn of subsystems) {
      const known = host.fabric.subsystems.get(nqn);
      if (known === undefined) await host.change("addSubsystem", nqn);
      else if (!known.anyHost) await host.change("setAnyHost", nqn, true);
      for (const node of nodes) {
        if (!host.fabric.node(node).subsystems.has(host.fabric.subsystem(nqn))) {
          await host.change("link", nqn, node);
        }
      }
    }
    await files.restore();
  }
}

function ruleOf(rule: Extract<NodeFault, { kind: "packets" }>["rule"], address: string): string {
  switch (rule) {
    case "both":
      return `ip daddr ${address} drop; add rule inet faults input ip saddr ${address} drop`;
    case "to":
      return `ip daddr ${address} drop`;
    case "from":
      return `ip saddr ${address} drop`;
    case "syn":
      return `ip daddr ${address} tcp flags & (fin|syn|rst|ack) == syn drop`;
    case "reset":
      return `ip daddr ${address} meta l4proto tcp reject with tcp reset`;
  }
}

/** For the account of what was done. */
function nameOf(change: Change): string {
  if (change.kind === "file") return `file: ${change.trick}`;
  if (change.kind !== "strike") return change.kind;
  const { fault } = change;
  return fault.kind === "packets" ? `${fault.kind}: ${fault.rule}` : fault.kind;
}

/**
 * The world of one simulated run: fabric, network, kernel, files and the agent's process, put together as the run's
 * options say. Faults begin and end in `faults`; changes happen here. It decides nothing about right and wrong: that
 * is `safety.ts` and `liveness.ts`.
 */
import { AgentProcess, type ProcessHooks } from "./agent_process.ts";
import { FabricWorld, hostnqn } from "./fabric_world.ts";
import { FaultLevels } from "./fault_levels.ts";
import { Membership } from "./membership.ts";
import type { MemoryWorld } from "./memory_world.ts";
import type { RunOptions } from "./run_options.ts";
import type { Change } from "./run_step.ts";
import { SimCluster } from "./sim_cluster.ts";
import { SimFiles } from "./sim_files.ts";
import { type SimHost, simHosts } from "./sim_host.ts";

export interface SimHooks extends ProcessHooks {
  /** What was done on purpose; for the timeline. */
  readonly tell: (text: string) => void;
}

/** A controller that stood before us holds our host NQN with this identifier: the kernel allows no other then. */
const identityInForce = "33333333-4455-6677-8899-aabbccddeeff";
/** What that controller leads to. */
const heldSubsysnqn = "nqn.2020-01.org.example:ours";

export class SimWorld {
  readonly options: RunOptions;
  readonly world: FabricWorld;
  readonly hosts: readonly SimHost[];
  readonly membership = new Membership();
  readonly cluster: SimCluster;
  readonly files: SimFiles;
  readonly process: AgentProcess;
  readonly faults: FaultLevels;
  /** Host identifiers that connects have to carry, by host NQN. */
  readonly identities = new Map<string, string>();
  /** Controllers deleted by somebody's hand, not by us. */
  readonly deletedByHand = new Set<string>();
  readonly #hooks: SimHooks;

  constructor(seed: number, options: RunOptions, hooks: SimHooks) {
    this.options = options;
    this.#hooks = hooks;
    this.hosts = simHosts.slice(0, options.hosts);
    this.world = new FabricWorld({
      seed,
      nodes: 0,
      memory: {
        latencyMs: options.latencyMs,
        kernel: {
          connectMs: options.connectMs,
          ...(options.oldKernel ? { tokens: null } : { srcAddr: "10.0.0.200" }),
        },
      },
    });
    this.cluster = new SimCluster(this.world, options, this.membership);
    for (const host of this.hosts) this.identities.set(host.hostnqn, host.hostid);
    if (options.bystanders) this.#addBystanders();
    this.cluster.setNames(true);
    this.files = new SimFiles(this.memory, this.cluster, this.membership, this.hosts, options);
    this.process = new AgentProcess(this.memory, options, hooks);
    this.faults = new FaultLevels(this);
  }

  get memory(): MemoryWorld {
    return this.world.memory;
  }

  /** No fault is in force any more, and what changes had taken away is there again. */
  heal(): void {
    this.faults.clear();
    this.memory.healAll();
    this.files.restore();
  }

  change(change: Change): void {
    const { memory, cluster } = this;
    switch (change.kind) {
      case "reset":
      case "fin":
      case "half-close":
      case "node-restart":
      case "generation-moves":
        return this.#changeNode(change);
      case "subsystem-added":
        return this.#hooks.tell(`added ${cluster.addSubsystem(change.nodes)}`);
      case "subsystem-removed":
        return cluster.removeSubsystem(change.subsystem);
      case "subsystems-storm": {
        const clock = memory.clock.ownedBy("world");
        for (let at = 0; at < change.count; at++) {
          clock.setTimer(at * change.gapMs, () => void cluster.addSubsystem());
        }
        return;
      }
      case "node-joins":
        return cluster.addNode();
      case "node-leaves":
        return cluster.removeNode(change.node);
      case "controller-deleted":
        return this.#deleteController(change.controller);
      case "controller-lost": {
        const live = memory.kernel.list().filter(({ state }) => state === "live");
        const one = live[(change.controller - 1) % live.length];
        if (one !== undefined) memory.kernel.loseConnection(one.name);
        return;
      }
      case "wall-clock":
        return memory.clock.setWallMs(memory.clock.wallMs() + change.ms);
      case "rescan":
        return this.process.agent?.rescan();
      default:
        return this.files.change(change);
    }
  }

  #changeNode(
    change: Extract<
      Change,
      { kind: "reset" | "fin" | "half-close" | "node-restart" | "generation-moves" }
    >,
  ): void {
    const { fabric, memory: { network } } = this.world;
    const node = this.cluster.node(change.node);
    if (node === null) return;
    const { traddr } = node.discovery[0]!;
    switch (change.kind) {
      case "reset":
        return network.reset(traddr);
      case "fin":
        return network.end(traddr);
      case "half-close":
        return network.halfClose(traddr);
      case "node-restart":
        if (node.up) fabric.restartNode(node.id);
        return;
      case "generation-moves":
        fabric.touch(node.id);
    }
  }

  /** Controllers of somebody else, one of which holds our host NQN. */
  #addBystanders(): void {
    const { kernel } = this.memory;
    const at = "transport=tcp,traddr=10.9.9.9,trsvcid=4420,ctrl_loss_tmo=-1";
    kernel.addController(
      `${at},nqn=nqn.2020-01.org.example:others,hostnqn=nqn.2020-01.org.example:other-host,` +
        "hostid=99999999-4455-6677-8899-aabbccddeeff",
    );
    kernel.addController(`${at},nqn=${heldSubsysnqn},hostnqn=${hostnqn},hostid=${identityInForce}`);
    this.identities.set(hostnqn, identityInForce);
  }

  #deleteController(number: number): void {
    const ours = new Set(this.hosts.map((host) => host.hostnqn));
    const all = this.memory.kernel.list().filter((one) => one.hostnqn !== undefined && ours.has(one.hostnqn))
      // The one that holds the identity stays: without it another identifier would be right.
      .filter(({ subsysnqn }) => subsysnqn !== heldSubsysnqn);
    const one = all[(number - 1) % all.length];
    if (one === undefined) return;
    this.deletedByHand.add(one.name);
    this.memory.kernel.deleteController(one.name);
  }
}

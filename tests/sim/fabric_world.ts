/**
 * A memory world with a fabric in it: every node's discovery and I/O addresses listen in the memory network, and the
 * memory kernel asks the fabric who is let in. What the whole agent runs on in virtual time.
 */
import { Agent, type AgentOptions } from "../../src/agent/agent.ts";
import { formatEntryFile } from "../../src/config/entry_line.ts";
import type { Cluster } from "../../src/model/cluster.ts";
import type { ConnectOptions } from "../../src/model/connect_options.ts";
import type { Closer } from "../../src/model/world.ts";
import { ControllerMachine } from "../fabric/controller_machine.ts";
import { allows, Fabric, type FabricAddress, type FabricOptions, isListening } from "../fabric/fabric.ts";
import { type Leaks, MemoryWorld, type MemoryWorldOptions } from "./memory_world.ts";
import type { ConnectTarget } from "./reachability.ts";

export const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
export const hostid = "00112233-4455-6677-8899-aabbccddeeff";
export const cluster: Cluster = { subsysnqn: "nqn.2024-01.org.example:cluster", hostnqn };

export interface FabricWorldOptions extends FabricOptions {
  readonly seed?: number;
  readonly memory?: Omit<MemoryWorldOptions, "seed" | "admits">;
}

export class FabricWorld {
  readonly fabric: Fabric;
  readonly memory: MemoryWorld;
  readonly #listeners = new Map<string, Closer>();
  #agent: Agent | null = null;

  constructor(options: FabricWorldOptions = {}) {
    this.fabric = Fabric.build(options);
    this.memory = new MemoryWorld({
      ...options.memory,
      seed: options.seed ?? 1,
      admits: (target) => this.#admits(target),
    });
    this.fabric.watchNodes(() => this.listen());
    this.listen();
  }

  /** Brings the listeners in line with which nodes listen now. */
  listen(): void {
    const wanted = new Map<string, { address: FabricAddress; nodeId: string; role: "discovery" | "io" }>();
    for (const node of this.fabric.nodes.values()) {
      if (!isListening(node)) continue;
      for (const role of ["discovery", "io"] as const) {
        for (const address of node[role]) {
          wanted.set(`${address.traddr} ${address.trsvcid}`, { address, nodeId: node.id, role });
        }
      }
    }
    for (const [key, listener] of this.#listeners) {
      if (wanted.has(key)) continue;
      listener.close();
      this.#listeners.delete(key);
    }
    const { fabric } = this;
    for (const [key, { address, nodeId, role }] of wanted) {
      if (this.#listeners.has(key)) continue;
      const accept = () => new ControllerMachine({ fabric, nodeId, role });
      this.#listeners.set(key, this.memory.network.listen(address.traddr, address.trsvcid, accept));
    }
    this.memory.kernel.checkConnections();
  }

  #admits({ traddr, trsvcid, subsysnqn, hostnqn: host }: ConnectTarget): "accepted" | "absent" | "denied" {
    const subsystem = this.fabric.subsystems.get(subsysnqn);
    const node = [...this.fabric.nodes.values()].find((candidate) =>
      candidate.io.some((address) => address.traddr === traddr && String(address.trsvcid) === trsvcid)
    );
    if (subsystem === undefined || node === undefined || !node.subsystems.has(subsystem)) return "absent";
    return allows(subsystem, host) ? "accepted" : "denied";
  }

  get agent(): Agent {
    if (this.#agent === null) throw new Error("No agent runs");
    return this.#agent;
  }

  /** Boots a process and starts the agent in it. */
  async start(options: Partial<AgentOptions> = {}): Promise<Agent> {
    this.#agent = new Agent(this.memory.boot(), {
      policy: { dryRun: false, connectDefaults: {}, hostid },
      reconnectIntervalMs: 5_000,
      katoMs: 10_000,
      ...options,
    });
    const started = this.#agent.start();
    let done = false;
    started.then(() => done = true);
    await this.memory.clock.runUntil(() => done, 60_000, "The agent's start");
    return this.#agent;
  }

  /** Orderly stop and exit; answers what was left behind. */
  async stop(): Promise<Leaks> {
    let done = false;
    this.agent.stop().then(() => done = true);
    await this.memory.clock.runUntil(() => done, 60_000, "The agent's stop");
    this.#agent = null;
    return this.memory.exit();
  }

  crash(): void {
    this.memory.crash();
    this.#agent = null;
  }

  /** A file that names these nodes (or addresses) for the cluster. */
  dropFile(
    name: string,
    nodeIds: readonly string[],
    of: Cluster = cluster,
    options: ConnectOptions = {},
  ): void {
    const entries = nodeIds.map((id) => {
      const { traddr, trsvcid } = this.fabric.node(id).discovery[0]!;
      return { cluster: of, transport: "tcp" as const, traddr, trsvcid, persistent: false, options };
    });
    this.memory.configDir.write(name, formatEntryFile(entries));
  }

  /** Controllers that are live, as `subsystem at address`, sorted. */
  livePaths(host = hostnqn): string[] {
    return this.memory.kernel.list().filter((controller) =>
      controller.state === "live" && controller.hostnqn === host
    ).map((controller) => `${controller.subsysnqn} at ${controller.address.traddr}`).sort();
  }

  /** The paths that the fabric offers to the host, in the same words. */
  offeredPaths(host = hostnqn): string[] {
    return this.fabric.paths(host).map(({ subsysnqn, traddr }) => `${subsysnqn} at ${traddr}`).sort();
  }

  /** Addresses of the active members of all clusters. */
  endpoints(): string[] {
    return this.agent.snapshot().clusters.flatMap((state) =>
      state.endpoints.filter((endpoint) => !endpoint.retired).map((endpoint) => endpoint.address)
    ).sort();
  }

  async untilLive(count: number, limitMs: number): Promise<number> {
    return await this.memory.clock.runUntil(
      () => this.livePaths().length === count,
      limitMs,
      `${count} live paths`,
    );
  }
}

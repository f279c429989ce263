/**
 * One run's world: a network namespace, target processes that serve the nodes of one described fabric, a kernel
 * process, and the agent. Each can be started, killed, stopped and continued; `untilWell` says when all is as the
 * fabric describes. `close` leaves nothing behind.
 */
import { assert } from "../assert.ts";
import type { Controller } from "../../src/model/controller.ts";
import type { Fabric } from "../fabric/fabric.ts";
import { AgentHome, type AgentHomeOptions, hostnqn } from "./agent_home.ts";
import { ChildProcess, denoWords, type ProcessCounts } from "./child_process.ts";
import { discoveryPort, type FabricChange } from "./fabric_plan.ts";
import { Namespace } from "./namespace.ts";
import { type KernelCounts, type Loss, pathOf } from "./socket_kernel.ts";
import { TargetGroup, type TargetGroupPlan } from "./target_group.ts";
import { pause, until } from "./waiting.ts";

export interface FaultHostOptions extends TargetGroupPlan, AgentHomeOptions {
  /** Nodes that the entry file names; the first two when left out. */
  readonly configured?: readonly string[];
  /** The kernel's patience with a Connect, ms. */
  readonly connectMs?: number;
  /** Words in front of the agent's: limits and the like; they must end in exec. */
  readonly agentWrapper?: readonly string[];
  /** Targets in a namespace of their own, behind a veth pair, with addresses 10.77.…; `net` is given then. */
  readonly isLinked?: boolean;
}

/** As the program is compiled with. */
const agentFlags = ["--v8-flags=--max-semi-space-size=8"];

interface KernelState {
  readonly controllers: readonly Controller[];
  readonly losses: readonly Loss[];
  readonly counts: KernelCounts;
}

export class FaultHost {
  /** Where the agent and the kernel are. */
  readonly namespace: Namespace;
  readonly #targetNamespace: Namespace;
  readonly directory: string;
  readonly targets: TargetGroup;
  readonly home: AgentHome;
  readonly #options: FaultHostOptions;
  readonly #deaths: string[] = [];
  #kernel: ChildProcess | null = null;
  #agent: ChildProcess | null = null;
  #agentStarts = 0;
  #mayAgentDie = false;
  #agentLogs: string[] = [];
  #notices = 0;
  #closing: Promise<void> | null = null;
  /** Nodes that left the cluster. */
  readonly #left = new Set<string>();

  private constructor(
    [namespace, targetNamespace]: readonly [Namespace, Namespace],
    directory: string,
    options: FaultHostOptions,
  ) {
    this.namespace = namespace;
    this.#targetNamespace = targetNamespace;
    this.directory = directory;
    this.#options = options;
    this.home = new AgentHome(directory, options);
    this.targets = new TargetGroup(options, {
      spawn: (name) => this.#spawn(name, this.#targetNamespace, denoWords("target_process.ts")),
      onProblem: (what) => this.#deaths.push(what),
    });
  }

  /** Targets and kernel run; the agent does not yet, its entry file is there. */
  static async create(options: FaultHostOptions): Promise<FaultHost> {
    const namespaces = options.isLinked ? await Namespace.createLinked() : await Namespace.createTwice();
    const host = new FaultHost(namespaces, await Deno.makeTempDir({ prefix: "dc-faults-" }), options);
    try {
      await host.#prepare();
      return host;
    } catch (error) {
      await host.close();
      throw error;
    }
  }

  /** What the fabric should be; the processes serve the same. */
  get fabric(): Fabric {
    return this.targets.fabric;
  }

  async #prepare(): Promise<void> {
    await this.home.prepare();
    await Promise.all([this.#startKernel(), this.targets.startAll()]);
    const configured = this.#options.configured ?? [...this.fabric.nodes.keys()].slice(0, 2);
    await this.dropFile("cluster.conf", configured);
  }

  // --- targets ---

  /** The process that serves a node. */
  target(nodeId: string): ChildProcess {
    return this.targets.process(nodeId);
  }

  /** Changes the fabric, here and in every target; a stopped one gets it when it goes on. */
  async change(method: FabricChange["method"], ...args: unknown[]): Promise<void> {
    await this.targets.change([{ method, args }]);
  }

  /** Breaks every connection of the nodes: their ports close, and open again a moment later. */
  async restartNodes(...ids: readonly string[]): Promise<void> {
    await this.targets.change(ids.map((id): FabricChange => ({ method: "setNodeDown", args: [id] })));
    // A port is free when its listener has really ended.
    await pause(50);
    await this.targets.change(ids.map((id): FabricChange => ({ method: "setNodeUp", args: [id] })));
  }

  /** Nodes that belong to the cluster, whether they are up or not. */
  get members(): string[] {
    return [...this.fabric.nodes.keys()].filter((id) => !this.#left.has(id));
  }

  /** The node goes down, and nobody refers to it any more. */
  async leave(id: string): Promise<void> {
    this.#left.add(id);
    await this.targets.change([
      ...this.members.map((from): FabricChange => ({ method: "removeReferral", args: [from, id] })),
      { method: "setNodeDown", args: [id] },
    ]);
  }

  async join(id: string): Promise<void> {
    const others = this.members;
    this.#left.delete(id);
    await this.targets.change([
      { method: "setNodeUp", args: [id] },
      ...others.map((from): FabricChange => ({ method: "addReferral", args: [from, id] })),
    ]);
  }

  /** The address of a node's ports. */
  addressOf(nodeId: string): string {
    return this.fabric.node(nodeId).discovery[0]!.traddr;
  }

  #spawn(name: string, namespace: Namespace, words: readonly string[]): ChildProcess {
    assert(this.#closing === null, "The run is over");
    return new ChildProcess({
      name,
      words: [...namespace.prefix, ...words],
      isAsked: true,
      onDeath: (what) => this.#deaths.push(what),
    });
  }

  // --- kernel ---

  async #startKernel(): Promise<void> {
    this.#kernel = this.#spawn("kernel", this.namespace, [
      ...denoWords("kernel_process.ts"),
      this.#kernelSocket,
      String(this.#options.connectMs ?? 15_000),
    ]);
    await this.#kernel.ready();
  }

  get #kernelSocket(): string {
    return `${this.directory}/kernel.sock`;
  }

  async kernelState(): Promise<KernelState> {
    return await this.#kernel!.ask("state") as KernelState;
  }

  /** Somebody's `nvme disconnect` of every controller at a node; answers how many there were. */
  async disconnect(nodeId: string): Promise<number> {
    const { controllers } = await this.kernelState();
    const found = controllers.filter(({ address }) => address.traddr === this.addressOf(nodeId));
    for (const { name } of found) await this.#kernel!.ask("deleteController", name);
    return found.length;
  }

  /** Live controllers as `subsystem at address port`. */
  async livePaths(): Promise<Set<string>> {
    const { controllers } = await this.kernelState();
    return new Set(controllers.filter(({ state }) => state === "live").map(pathOf));
  }

  /** What the fabric offers this host now, in the same words. */
  offeredPaths(nodeIds?: readonly string[]): string[] {
    return this.fabric.paths(hostnqn).filter(({ nodeId }) => nodeIds?.includes(nodeId) ?? true)
      .map(({ subsysnqn, traddr, trsvcid }) =>
        pathOf({ subsysnqn, address: { traddr, trsvcid: String(trsvcid) } })
      );
  }

  // --- agent ---

  /** Starts the agent; `wrapper` in place of the options' own. */
  startAgent(wrapper: readonly string[] = this.#options.agentWrapper ?? []): void {
    assert(this.#agent === null, "The agent runs");
    assert(this.#closing === null, "The run is over");
    this.#agentStarts++;
    this.home.forgetStatus();
    const program = denoWords("agent_process.ts", agentFlags);
    this.#agent = new ChildProcess({
      name: "the agent",
      words: [...wrapper, ...this.namespace.prefix, ...program, "serve", "--config", this.home.settingsFile],
      env: { FAULT_KERNEL: this.#kernelSocket, NOTIFY_SOCKET: this.home.notifySocket },
      onDeath: (what) => {
        if (!this.#mayAgentDie) this.#deaths.push(what);
      },
    });
    this.#mayAgentDie = false;
  }

  /** The agent that runs now is about to be killed by somebody else. */
  expectAgentDeath(): void {
    this.#mayAgentDie = true;
  }

  get agent(): ChildProcess {
    assert(this.#agent !== null, "The agent does not run");
    return this.#agent;
  }

  get agentStarts(): number {
    return this.#agentStarts;
  }

  /** kill -9; returns when the targets have seen its sessions end. */
  async killAgent(): Promise<void> {
    await this.#endAgent("SIGKILL");
    await until("the targets see the agent's end", 5_000, async () => {
      const armed = Object.entries(await this.targets.armed()).filter(([, count]) => count > 0);
      return armed.length === 0 ? null : `${armed.length} sessions remain`;
    });
  }

  /** An orderly end; answers the ms it took. */
  async stopAgent(): Promise<number> {
    const { ms, status } = await this.#endAgent("SIGTERM");
    assert(status === 0, `The agent ended with status ${status} when asked to stop`);
    return ms;
  }

  async #endAgent(signal: Deno.Signal): Promise<{ ms: number; status: number }> {
    const { agent } = this;
    this.#agent = null;
    const ended = await agent.end(signal);
    this.#agentLogs = [...agent.tail(200)];
    return ended;
  }

  async agentCounts(): Promise<ProcessCounts> {
    return await this.agent.counts();
  }

  /** Until the agent has no more descriptors than that, and a few for what is under way. */
  async untilDescriptors(count: number): Promise<void> {
    await until(`the agent has ${count} descriptors again`, 10_000, async () => {
      const { descriptors } = await this.agentCounts();
      return descriptors <= count + 3 ? null : `it has ${descriptors}`;
    });
  }

  /** The last lines of the agent's log, of the last agent where none runs. */
  agentTail(count: number): readonly string[] {
    return this.#agent?.tail(count) ?? this.#agentLogs.slice(-count);
  }

  /** What the agent last told its service manager: `6 of 6 paths live, 3 of 3 endpoints in session`. */
  get status(): string {
    return this.home.status;
  }

  // --- files ---

  get configDir(): string {
    return this.home.configDir;
  }

  get internalDir(): string {
    return this.home.internalDir;
  }

  /** A file that names these nodes, written beside and renamed in. */
  async dropFile(name: string, nodeIds: readonly string[]): Promise<void> {
    await this.home.dropFile(name, nodeIds.map((id) => this.addressOf(id)));
  }

  /** Endpoints of internal.json that are not retired; throws when it cannot be loaded. Null: there is none. */
  async rememberedEndpoints(): Promise<string[] | null> {
    return await this.home.rememberedEndpoints();
  }

  // --- what must hold ---

  /** What differs from how it should be; null when all is well. */
  async problem(): Promise<string | null> {
    this.#checkDeaths();
    return await this.pathProblem() ?? await this.listProblem();
  }

  /** A process that ended by itself never comes right again. */
  #checkDeaths(): void {
    assert(this.#deaths.length === 0, this.#deaths[0]);
  }

  /** The same of the paths alone, at these nodes or all. */
  async pathProblem(nodeIds?: readonly string[]): Promise<string | null> {
    this.#checkDeaths();
    const live = await this.livePaths();
    const missing = this.offeredPaths(nodeIds).filter((path) => !live.has(path));
    return missing.length === 0 ? null : `${missing.length} paths not live, ${missing[0]} among them`;
  }

  /** The same of sessions and of the list that is remembered. */
  async listProblem(): Promise<string | null> {
    const { members } = this;
    const armed = await this.targets.armed();
    const up = members.filter((id) => this.fabric.node(id).up);
    const silent = up.filter((id) => (armed[id] ?? 0) === 0);
    if (silent.length > 0) return `no session waits for events at ${silent.slice(0, 5).join(", ")}`;
    const wanted = members.map((id) => `${this.addressOf(id)}:${discoveryPort}`).sort();
    const remembered = await this.rememberedEndpoints();
    if (remembered?.join(" ") === wanted.join(" ")) return null;
    return `internal.json has ${remembered?.length ?? "no"} endpoints, should have ${wanted.length}`;
  }

  /** Until all is well; answers the ms it took. */
  async untilWell(what: string, limitMs: number): Promise<number> {
    return await until(what, limitMs, () => this.problem());
  }

  /**
   * Until the agent's log, from line `from` on, tells so many failed sessions of a node, whose code is `code` where
   * that is given. What nobody listened to is not counted.
   */
  async untilFailed(
    nodeId: string,
    limitMs: number,
    { from = 0, count = 1, code = "" }: { from?: number; count?: number; code?: string } = {},
  ): Promise<void> {
    const label = `${this.addressOf(nodeId)}:${discoveryPort} `;
    await until(`${count} failed sessions at ${nodeId}`, limitMs, () => {
      this.#checkDeaths();
      const failed = this.agent.linesWith(label, from).filter((line) =>
        line.includes("Discovery session failed") && line.includes(`code=${code}`) &&
        !line.includes("code=ECONNREFUSED")
      );
      return failed.length >= count ? null : `${failed.length} were told`;
    });
  }

  /** Until the agent's own word for its service manager says what is. */
  async untilStatusAgrees(limitMs = 4_000): Promise<void> {
    const paths = this.offeredPaths().length;
    const up = this.members.filter((id) => this.fabric.node(id).up).length;
    const right = `${paths} of ${paths} paths live, ${up} of ${this.members.length} endpoints in session`;
    await until(`the status says ${right}`, limitMs, () => this.status === right ? null : this.status);
  }

  /** The state that every run begins with; answers the ms since the agent's start. */
  async begin(limitMs = 30_000): Promise<number> {
    this.startAgent();
    return await this.untilWell("all live before the fault", limitMs);
  }

  /**
   * A change made now is noticed by event: a new subsystem, at these nodes or all, is live within the limit; answers
   * the ms. Nothing is said of other nodes.
   */
  async noticeChange(limitMs = 5_000, nodes: readonly string[] = this.members): Promise<number> {
    await this.change("addSubsystem", `nqn.2024-01.org.example:notice-${++this.#notices}`, { nodes });
    return await until(
      "a change made now is noticed",
      limitMs,
      () => this.pathProblem(nodes),
    );
  }

  /** Controllers that the kernel gave up; there must be none. */
  async lost(): Promise<number> {
    return (await this.kernelState()).losses.length;
  }

  /** Asserts what must never happen, whatever was broken. */
  async checkNothingLost(): Promise<void> {
    const { losses, counts } = await this.kernelState();
    assert(losses.length === 0, `${losses.length} controllers given up: ${losses[0]?.path}`);
    const already = counts.results.EALREADY ?? 0;
    assert(already === 0, `${already} connects for a path that had its controller`);
    assert(counts.doubled === 0, `${counts.doubled} connects for a path that was being connected`);
    assert(counts.inFlightMost <= 4 + this.#agentStarts, `${counts.inFlightMost} connects in flight at once`);
    this.#checkDeaths();
  }

  // --- the end ---

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.home.close();
    const processes = [this.#agent, this.#kernel, ...this.targets.processes];
    await Promise.allSettled(processes.map((process) => process?.end("SIGKILL")));
    for (const namespace of new Set([this.namespace, this.#targetNamespace])) {
      await namespace.remove().catch((error) => console.error(error));
    }
    await Deno.remove(this.directory, { recursive: true }).catch((error) => console.error(error));
  }
}

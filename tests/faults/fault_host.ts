/**
 * One run's world: a network namespace, target processes that serve the nodes of one described fabric, a kernel
 * process, and the agent. Each can be started, killed, stopped and continued; `untilWell` says when all is as the
 * fabric describes. `close` leaves nothing behind.
 */
import { assert } from "../assert.ts";
import { formatEntryFile } from "../../src/config/entry_line.ts";
import { parseState } from "../../src/config/state_file.ts";
import { receiveNow } from "../../src/io/libc.ts";
import type { Cluster } from "../../src/model/cluster.ts";
import type { Controller } from "../../src/model/controller.ts";
import { bindDatagramSocket } from "../io/datagram_socket.ts";
import type { Fabric } from "../fabric/fabric.ts";
import { ChildProcess, denoWords, type ProcessCounts } from "./child_process.ts";
import { discoveryPort, type FabricChange } from "./fabric_plan.ts";
import { Namespace } from "./namespace.ts";
import { type KernelCounts, type Loss, pathOf } from "./socket_kernel.ts";
import { TargetGroup, type TargetGroupPlan } from "./target_group.ts";
import { pause, until } from "./waiting.ts";

export const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
export const hostid = "00112233-4455-6677-8899-aabbccddeeff";
export const cluster: Cluster = { subsysnqn: "nqn.2024-01.org.example:cluster", hostnqn };

export interface FaultHostOptions extends TargetGroupPlan {
  /** Keep Alive Timeout of the sessions, s. */
  readonly kato?: number;
  /** As the settings file has it. */
  readonly reconnectInterval?: string;
  readonly logLevel?: string;
  /** Nodes that the entry file names; the first two when left out. */
  readonly configured?: readonly string[];
  /** Seconds until the kernel gives a lost controller up. */
  readonly ctrlLossTmo?: number;
  /** Words in front of the agent's: limits and the like; they must end in exec. */
  readonly agentWrapper?: readonly string[];
  /** Instead of a directory of the run's own. */
  readonly internalDir?: string;
}

/** As the program is compiled with. */
const agentFlags = ["--v8-flags=--max-semi-space-size=8"];

interface KernelState {
  readonly controllers: readonly Controller[];
  readonly losses: readonly Loss[];
  readonly counts: KernelCounts;
}

export class FaultHost {
  readonly namespace: Namespace;
  readonly directory: string;
  readonly targets: TargetGroup;
  readonly #options: FaultHostOptions;
  readonly #deaths: string[] = [];
  #kernel: ChildProcess | null = null;
  #agent: ChildProcess | null = null;
  #agentStarts = 0;
  #mayAgentDie = false;
  #agentLogs: string[] = [];
  #status = "";
  #notices = 0;
  #listening: ReturnType<typeof setInterval> | undefined;
  #closing: Promise<void> | null = null;
  /** Nodes that left the cluster. */
  readonly #left = new Set<string>();

  private constructor(namespace: Namespace, directory: string, options: FaultHostOptions) {
    this.namespace = namespace;
    this.directory = directory;
    this.#options = options;
    this.targets = new TargetGroup(options, {
      spawn: (name) => this.#spawn(name, denoWords("target_process.ts")),
      onProblem: (what) => this.#deaths.push(what),
    });
  }

  /** Targets and kernel run; the agent does not yet, its entry file is there. */
  static async create(options: FaultHostOptions): Promise<FaultHost> {
    const namespace = await Namespace.create();
    const host = new FaultHost(namespace, await Deno.makeTempDir({ prefix: "dc-faults-" }), options);
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
    await Deno.mkdir(this.configDir);
    await Deno.mkdir(this.internalDir, { recursive: true });
    await Deno.writeTextFile(this.#settingsFile, this.#settingsText());
    await Deno.writeTextFile(`${this.directory}/hostid`, `${hostid}\n`);
    this.#listenForStatus();
    await Promise.all([this.#startKernel(), this.targets.startAll()]);
    const configured = this.#options.configured ?? [...this.fabric.nodes.keys()].slice(0, 2);
    await this.dropFile("cluster.conf", configured);
  }

  get configDir(): string {
    return `${this.directory}/discovery.d`;
  }

  get internalDir(): string {
    return this.#options.internalDir ?? `${this.directory}/internal`;
  }

  get #settingsFile(): string {
    return `${this.directory}/settings.yaml`;
  }

  #settingsText(): string {
    const { kato = 4, reconnectInterval = "500ms", logLevel = "info" } = this.#options;
    return `clientConfigDir: ${this.configDir}
internalDir: ${this.internalDir}
reconnectInterval: ${reconnectInterval}
kato: ${kato}
nvmeHostIDPath: ${this.directory}/hostid
logging: {level: ${logLevel}}
autoDetectEntries: {enabled: false}
`;
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

  #spawn(name: string, words: readonly string[]): ChildProcess {
    assert(this.#closing === null, "The run is over");
    return new ChildProcess({
      name,
      words: [...this.namespace.prefix, ...words],
      isAsked: true,
      onDeath: (what) => this.#deaths.push(what),
    });
  }

  // --- kernel ---

  async #startKernel(): Promise<void> {
    this.#kernel = this.#spawn("kernel", [...denoWords("kernel_process.ts"), this.#kernelSocket]);
    await this.#kernel.ready();
  }

  get #kernelSocket(): string {
    return `${this.directory}/kernel.sock`;
  }

  async kernelState(): Promise<KernelState> {
    return await this.#kernel!.ask("state") as KernelState;
  }

  /** Somebody's `nvme disconnect`. */
  async deleteController(name: string): Promise<void> {
    await this.#kernel!.ask("deleteController", name);
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
    this.#status = "";
    const program = denoWords("agent_process.ts", agentFlags);
    this.#agent = new ChildProcess({
      name: "the agent",
      words: [...wrapper, ...this.namespace.prefix, ...program, "serve", "--config", this.#settingsFile],
      env: { FAULT_KERNEL: this.#kernelSocket, NOTIFY_SOCKET: this.#notifySocket },
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

  /** The last lines of the agent's log, of the last agent where none runs. */
  agentTail(count: number): readonly string[] {
    return this.#agent?.tail(count) ?? this.#agentLogs.slice(-count);
  }

  get #notifySocket(): string {
    return `${this.directory}/notify`;
  }

  #listenForStatus(): void {
    const descriptor = bindDatagramSocket(this.#notifySocket);
    const buffer = new Uint8Array(4096);
    this.#listening = setInterval(() => {
      for (let length; (length = receiveNow(descriptor, buffer)) !== null;) {
        const text = new TextDecoder().decode(buffer.subarray(0, length));
        if (text.startsWith("STATUS=")) this.#status = text.slice("STATUS=".length);
      }
    }, 50);
  }

  /** What the agent last told its service manager: `6 of 6 paths live, 3 of 3 endpoints in session`. */
  get status(): string {
    return this.#status;
  }

  // --- files ---

  async dropFile(name: string, nodeIds: readonly string[]): Promise<void> {
    const { ctrlLossTmo } = this.#options;
    const options = {
      reconnectDelay: 1,
      keepAliveTmo: 2,
      ...(ctrlLossTmo === undefined ? {} : { ctrlLossTmo }),
    };
    const text = formatEntryFile(nodeIds.map((id) => ({
      cluster,
      transport: "tcp" as const,
      traddr: this.addressOf(id),
      trsvcid: discoveryPort,
      hostid,
      persistent: false,
      options,
    })));
    await Deno.writeTextFile(`${this.configDir}/tmp.dc.${name}`, text);
    await Deno.rename(`${this.configDir}/tmp.dc.${name}`, `${this.configDir}/${name}`);
  }

  /** Endpoints of internal.json that are not retired; throws when it cannot be loaded. Null: there is none. */
  async rememberedEndpoints(): Promise<string[] | null> {
    let bytes: Uint8Array;
    try {
      bytes = await Deno.readFile(`${this.internalDir}/internal.json`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
    const { entries, problems } = parseState(bytes);
    assert(problems.length === 0, `internal.json: ${problems[0]}`);
    return entries.filter(({ retired }) => !retired).map(({ traddr, trsvcid }) => `${traddr}:${trsvcid}`)
      .sort();
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

  /** Controllers that somebody removed; there must be none. */
  async lost(): Promise<number> {
    return (await this.kernelState()).losses.length;
  }

  /** Asserts what must never happen, whatever was broken. */
  async checkNothingLost(): Promise<void> {
    const { losses, counts } = await this.kernelState();
    assert(
      losses.length === 0,
      `${losses.length} controllers removed: ${losses[0]?.path} ${losses[0]?.cause}`,
    );
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
    clearInterval(this.#listening);
    const processes = [this.#agent, this.#kernel, ...this.targets.processes];
    await Promise.allSettled(processes.map((process) => process?.end("SIGKILL")));
    await this.namespace.remove().catch((error) => console.error(error));
    await Deno.remove(this.directory, { recursive: true }).catch((error) => console.error(error));
  }
}

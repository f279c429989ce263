/**
 * The world of a soak: the namespace and the targets of a fault host, with a kernel whose controllers can be deleted
 * one by one, and an agent that can be asked what it holds.
 * That agent is started once and never again. `close` leaves nothing behind.
 */
import { assert } from "../assert.ts";
import { ChildProcess, denoWords } from "../faults/child_process.ts";
import { limits } from "../../src/base/limits.ts";
import type { Controller } from "../../src/model/controller.ts";
import { FaultHost } from "../faults/fault_host.ts";
import { type KernelCounts, pathOf } from "../faults/socket_kernel.ts";
import { until } from "../faults/waiting.ts";
import type { TargetKind } from "../fabric/quirks.ts";
import type { AgentHolds } from "./agent_holds.ts";
import { EntryFiles } from "./entry_files.ts";

export interface SoakHostOptions {
  readonly nodes: number;
  readonly subsystems: number;
  readonly kind: TargetKind;
  /** Keep Alive Timeout of the sessions, s. */
  readonly kato: number;
  /** What the agent leaks on purpose; see `leak.ts`. */
  readonly leak?: string;
}

interface KernelState {
  readonly controllers: readonly Controller[];
  readonly counts: KernelCounts;
}

/** A controller that the kernel lost for this long is given up, and then the agent's to connect again, s. */
const ctrlLossTmo = 5;
/** The young generation as the product has it, and a way to collect garbage when counting. */
const agentFlags = ["--v8-flags=--max-semi-space-size=8,--expose-gc"];

export class SoakHost {
  readonly host: FaultHost;
  readonly files: EntryFiles;
  readonly agent: ChildProcess;
  readonly #kernel: ChildProcess;
  #death: string | null = null;

  private constructor(host: FaultHost, { leak }: SoakHostOptions) {
    this.host = host;
    this.files = new EntryFiles(host, ctrlLossTmo);
    const { directory, home } = host;
    const kernelSocket = `${directory}/soak-kernel.sock`;
    this.#kernel = this.#spawn("the kernel", [...denoWords("kernel_process.ts"), kernelSocket]);
    this.agent = this.#spawn("the agent", [
      ...denoWords("../soak/agent_process.ts", agentFlags),
      "serve",
      "--config",
      home.settingsFile,
    ], {
      FAULT_KERNEL: kernelSocket,
      NOTIFY_SOCKET: home.notifySocket,
      ...(leak === undefined ? {} : { SOAK_LEAK: leak }),
    });
  }

  #spawn(name: string, words: readonly string[], env: Record<string, string> = {}): ChildProcess {
    return new ChildProcess({
      name,
      words: [...this.host.namespace.prefix, ...words],
      env,
      isAsked: true,
      onDeath: (what) => this.#death ??= what,
    });
  }

  /** All is well when it returns. */
  static async create(options: SoakHostOptions): Promise<SoakHost> {
    const { nodes, subsystems, kind, kato } = options;
    const host = await FaultHost.create({ nodes, subsystems, kind, kato, ctrlLossTmo });
    let soak: SoakHost | null = null;
    try {
      soak = new SoakHost(host, options);
      await soak.files.restore();
      await Promise.all([soak.#kernel.ready(), soak.agent.ready()]);
      await soak.untilWell("all live at the start", 30_000);
      return soak;
    } catch (error) {
      await (soak ?? host).close();
      throw error;
    }
  }

  get nodes(): string[] {
    return [...this.host.fabric.nodes.keys()];
  }

  async holds(): Promise<AgentHolds> {
    const holds = await this.agent.ask("holds") as AgentHolds | null;
    assert(holds !== null, "The agent has not started");
    return holds;
  }

  /** Throws when the agent or another process ended by itself. */
  checkAlive(): void {
    assert(this.#death === null, this.#death ?? "");
    assert(this.agent.isRunning, "The agent has ended");
  }

  async kernelState(): Promise<KernelState> {
    return await this.#kernel.ask("state") as KernelState;
  }

  /** Somebody's `nvme disconnect`; what is gone already stays gone. */
  async deleteController(name: string): Promise<void> {
    await this.#kernel.ask("deleteController", name).catch((error) => {
      if (!(error instanceof Error && error.message.includes("ENOENT"))) throw error;
    });
  }

  /**
   * Until every offered path is live, the list is right, every session waits for events, and the agent has nothing
   * left to do. Controllers of what is offered no more are taken away meanwhile, as somebody who removes a volume does.
   */
  async untilWell(what: string, limitMs: number): Promise<number> {
    return await until(what, limitMs, async () => {
      this.checkAlive();
      return await this.pathProblem() ?? await this.host.listProblem() ?? await this.#leftover() ??
        await this.#restlessness();
    });
  }

  async #leftover(): Promise<string | null> {
    const offered = new Set(this.host.offeredPaths());
    const { controllers } = await this.kernelState();
    const leftover = controllers.filter((controller) => !offered.has(pathOf(controller)));
    for (const { name } of leftover) await this.deleteController(name);
    return leftover.length === 0 ? null : `${leftover.length} controllers of what is offered no more`;
  }

  async #restlessness(): Promise<string | null> {
    const { sessions, liveSessions, busy, controllers } = await this.holds();
    const paths = this.host.offeredPaths().length;
    if (liveSessions !== sessions) return `${sessions - liveSessions} of ${sessions} sessions are not live`;
    if (busy > 0) return `${busy} probes and connects under way`;
    return controllers === paths ? null : `the agent sees ${controllers} controllers of ${paths}`;
  }

  /** A change made now is noticed by event, and taken back again; answers the ms until its paths were live. */
  async noticeChange(nqn: string, limitMs: number): Promise<number> {
    await this.host.change("addSubsystem", nqn);
    const ms = await until("a change made now is noticed", limitMs, async () => {
      this.checkAlive();
      return await this.pathProblem();
    });
    await this.host.change("removeSubsystem", nqn);
    return ms;
  }

  async pathProblem(): Promise<string | null> {
    const missing = await this.missingPaths();
    return missing.length === 0 ? null : `${missing.length} paths not live, ${missing[0]} among them`;
  }

  /** Paths that are offered and not live now. */
  async missingPaths(): Promise<string[]> {
    const { controllers } = await this.kernelState();
    const live = new Set(controllers.filter(({ state }) => state === "live").map(pathOf));
    return this.host.offeredPaths().filter((path) => !live.has(path));
  }

  /** Asserts what must never happen, whatever was broken. */
  async checkConnects(): Promise<void> {
    const { counts } = await this.kernelState();
    assert(counts.doubled === 0, `${counts.doubled} connects for a path that was being connected`);
    assert(
      counts.inFlightMost <= limits.connectsInFlightMax,
      `${counts.inFlightMost} connects in flight at once`,
    );
  }

  async close(): Promise<void> {
    // Without its kernel it would end by itself, which is not its fault.
    await this.agent.end("SIGKILL");
    await this.#kernel.end("SIGKILL");
    await this.host.close();
  }
}

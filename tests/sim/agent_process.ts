/** The agent's process in a simulated run: booted, stopped, killed or cut off from power, and booted again. */
import { Agent } from "../../src/agent/agent.ts";
import type { Snapshot } from "../../src/report/snapshot.ts";
import { hostid } from "./fabric_world.ts";
import type { MemoryWorld } from "./memory_world.ts";
import type { RunOptions } from "./run_options.ts";
import type { Damage } from "./run_step.ts";

export interface ProcessHooks {
  /** An agent is about to start. */
  readonly onBoot: () => void;
  readonly onPass: (snapshot: () => Snapshot) => void;
  /** Something that must never happen did. */
  readonly fail: (what: string) => void;
}

export class AgentProcess {
  readonly #memory: MemoryWorld;
  readonly #options: RunOptions;
  readonly #hooks: ProcessHooks;
  #agent: Agent | null = null;
  #stopping = false;
  #stateDamaged = false;

  constructor(memory: MemoryWorld, options: RunOptions, hooks: ProcessHooks) {
    this.#memory = memory;
    this.#options = options;
    this.#hooks = hooks;
  }

  /** Null while none runs. */
  get agent(): Agent | null {
    return this.#agent;
  }

  /** What is on the disk was damaged as no crash of ours explains. */
  get stateDamaged(): boolean {
    return this.#stateDamaged;
  }

  boot(): void {
    this.#hooks.onBoot();
    const { katoMs, reconnectIntervalMs, logChunkBytesMax } = this.#options;
    const agent = new Agent(this.#memory.boot(), {
      policy: { dryRun: false, connectDefaults: {}, hostid },
      reconnectIntervalMs,
      katoMs,
      logChunkBytesMax,
      onPass: (snapshot) => this.#hooks.onPass(snapshot),
    });
    this.#agent = agent;
    this.#stopping = false;
    agent.start().catch((error) => this.#hooks.fail(`The agent did not start: ${error}`));
  }

  /** Ends the agent in an orderly way; what it leaves behind is a failure. */
  stop(): void {
    const agent = this.#agent;
    if (agent === null || this.#stopping) return;
    this.#stopping = true;
    agent.stop().then(() => {
      if (this.#agent !== agent) return;
      this.#agent = null;
      const leaks = this.#memory.exit();
      const left = Object.entries(leaks).filter(([, count]) => count > 0);
      if (left.length > 0) this.#hooks.fail(`After its stop the agent holds ${JSON.stringify(leaks)}`);
    }, (error) => this.#hooks.fail(`The agent did not stop: ${error}`));
  }

  /** It is not there any more; the disk is damaged only once nobody writes to it. */
  takeDown(how: "kill" | "power" | "stop", damage: Damage | null): void {
    this.#end(how);
    if (damage === null || this.#agent !== null) return;
    this.#stateDamaged = true;
    this.#memory.store.damage(damage);
  }

  /** An orderly stop that takes too long is cut off first, as systemd does. */
  bringUp(): void {
    this.#end("kill");
    this.boot();
  }

  #end(how: "kill" | "power" | "stop"): void {
    if (this.#agent === null) return;
    if (how === "stop") return this.stop();
    this.#agent = null;
    if (how === "power") this.#memory.powerLoss();
    else this.#memory.crash();
  }
}

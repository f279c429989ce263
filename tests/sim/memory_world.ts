/**
 * A whole world in memory, in virtual time, from one seed: what the real agent runs on in unit tests and in the fault
 * simulator. Each part draws from a random source of its own, so that one draw more in one part moves no other.
 */
import { assert } from "../../src/base/assert.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import type { Notifier } from "../../src/model/world.ts";
import { MemoryConfigDir } from "./memory_config_dir.ts";
import { MemoryKernel, type MemoryKernelOptions } from "./memory_kernel.ts";
import { MemoryLog } from "./memory_log.ts";
import { MemoryNetwork } from "./memory_network.ts";
import { MemoryStore } from "./memory_store.ts";
import { MortalWorld } from "./mortal_world.ts";
import { type ConnectTarget, networkReachability } from "./reachability.ts";
import { VirtualClock } from "./virtual_clock.ts";

export interface MemoryWorldOptions {
  readonly seed: number;
  /** One way, ms. */
  readonly latencyMs?: number;
  /** Behind an open port: whether the subsystem is there and lets the host in. Default: always. */
  readonly admits?: (target: ConnectTarget) => "accepted" | "absent" | "denied";
  readonly kernel?: Partial<MemoryKernelOptions>;
}

/** What must be zero once an agent has stopped. */
export interface Leaks {
  readonly timers: number;
  readonly sockets: number;
  readonly watchers: number;
}

export class MemoryNotifier implements Notifier {
  /** `ready`, `reloading`, `alive`, `stopping`, and status texts, in order. */
  readonly told: string[] = [];
  watchdogMs: number | null = null;

  ready(): void {
    this.told.push("ready");
  }

  reloading(): void {
    this.told.push("reloading");
  }

  alive(): void {
    this.told.push("alive");
  }

  status(text: string): void {
    this.told.push(`status ${text}`);
  }

  stopping(): void {
    this.told.push("stopping");
  }
}

/** What every fault of the kernel is while there is none. */
const kernelFaultless = {
  readError: null,
  readMs: 0,
  tornSysfs: false,
  dropHints: false,
  hintDelayMs: 0,
  connectFactor: 1,
  refuse: null,
  extraMs: 0,
  renumbers: false,
} as const satisfies Partial<MemoryKernel>;

export class MemoryWorld {
  readonly seed: number;
  readonly clock = new VirtualClock();
  /** For what a test or simulator draws itself. */
  readonly random: Random;
  readonly network: MemoryNetwork;
  readonly kernel: MemoryKernel;
  readonly configDir: MemoryConfigDir;
  readonly store: MemoryStore;
  readonly log: MemoryLog;
  readonly notifier = new MemoryNotifier();
  readonly #agentRandom: Random;
  #current: MortalWorld | null = null;
  #boots = 0;

  constructor(options: MemoryWorldOptions) {
    const { seed, latencyMs, admits = () => "accepted", kernel = {} } = options;
    this.seed = seed;
    const draw = seededRandom(seed);
    const ownRandom = () => seededRandom(Math.floor(draw() * 2 ** 32));
    const clock = this.clock.ownedBy("world");
    this.random = ownRandom();
    this.#agentRandom = ownRandom();
    this.network = new MemoryNetwork({ clock, random: ownRandom(), latencyMs });
    this.kernel = new MemoryKernel({
      clock,
      random: ownRandom(),
      reachability: networkReachability(this.network, admits),
      ...kernel,
    });
    this.configDir = new MemoryConfigDir(clock);
    this.store = new MemoryStore(clock, ownRandom());
    this.log = new MemoryLog(clock);
  }

  /**
   * A world for one run of the agent; the run before must have ended, by `exit()`, `crash()` or `powerLoss()`. The
   * kernel's records carry the number of the run, from 1.
   */
  boot(): MortalWorld {
    assert(this.#current === null, "The former run has not ended");
    this.kernel.run = ++this.#boots;
    this.#current = new MortalWorld({
      clock: this.clock,
      random: this.#agentRandom,
      dialer: this.network,
      resolver: this.network,
      kernel: this.kernel,
      configDir: this.configDir,
      store: this.store,
      log: this.log,
      notifier: this.notifier,
    });
    return this.#current;
  }

  /** `kill -9`, at this very instant. */
  crash(): void {
    this.store.crash();
    this.#end();
  }

  /** The host dies and starts anew: the process, its kernel's controllers, and what the disk had not flushed. */
  powerLoss(): void {
    this.store.powerLoss();
    this.#end();
    this.kernel.reboot();
  }

  /** The process ends by itself after an orderly stop; answers what it had left behind. */
  exit(): Leaks {
    const leaks = this.leaks();
    this.#end();
    return leaks;
  }

  #end(): void {
    assert(this.#current !== null, "No run to end");
    this.#current.kill();
    this.#current = null;
  }

  /** What the agent holds now. */
  leaks(): Leaks {
    return {
      timers: this.clock.liveTimers("agent"),
      sockets: this.network.openSockets,
      watchers: this.configDir.watchers + this.kernel.watchers,
    };
  }

  /** Ends every fault that this file's parts know. */
  healAll(): void {
    this.network.healAll();
    Object.assign(this.kernel, kernelFaultless);
    if (!this.kernel.loaded) this.kernel.loadModule();
    this.configDir.scanError = null;
    this.configDir.scanMs = 0;
    this.configDir.dropHints = false;
    this.configDir.hintDelayMs = 0;
    this.configDir.spuriousHintsMs = 0;
    this.store.writeError = null;
    this.store.readError = null;
    this.store.saveMs = 1;
    this.store.disk.spaceBytes = Infinity;
  }

  /** No secret was shown, and every log line keeps its form. */
  assertClean(): void {
    this.log.checkText("The state file", this.store.text ?? "");
    for (const told of this.notifier.told) this.log.checkText("The service status", told);
    assert(this.log.violations.length === 0, `Seed ${this.seed}: ${this.log.violations.join("; ")}`);
  }
}

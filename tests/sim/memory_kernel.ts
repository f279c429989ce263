/**
 * The kernel's fabrics host in memory: it reads connect strings, performs connects one at a time behind one lock, and
 * looks after its controllers (reconnects, gives up after ctrl_loss_tmo), as Linux 6.12 does towards user space.
 *
 * It moves no data. What answers at an address it asks a `Reachability`. Time is its clock's: virtual in tests, real
 * where a demonstration runs it as a simulated kernel.
 */
import type { Clock, Timer } from "../../src/base/clock.ts";
import { errorCode, KernelError } from "../../src/base/errors.ts";
import type { Random } from "../../src/base/random.ts";
import type { Controller, ControllerState } from "../../src/model/controller.ts";
import type { Closer, Kernel } from "../../src/model/world.ts";
import { type FabricsOptions, fabricsTokens, parseFabricsOptions } from "./fabrics_options.ts";
import type { ConnectRecord, LossRecord } from "./kernel_record.ts";
import { MemoryKernelLog } from "./memory_kernel_log.ts";
import type { ConnectAnswer, Reachability } from "./reachability.ts";
import { tornController } from "./torn_controller.ts";

export interface MemoryKernelOptions {
  readonly clock: Clock;
  readonly reachability: Reachability;
  readonly random?: Random;
  /** A connect that succeeds takes this, ms, and up to as much again when there is a random source. */
  readonly connectMs?: number;
  /** A connect into a black hole holds the lock for this, ms: SYN, one retransmission (1 s + 2 s). */
  readonly swallowedMs?: number;
  /** What the device says it knows; null for a kernel before 5.17. Default: all. */
  readonly tokens?: readonly string[] | null;
  /** Address that sysfs shows as src_addr of live controllers; absent on kernels before 6.1. */
  readonly srcAddr?: string;
  /** First instance number, for nvme0. */
  readonly firstInstance?: number;
}

export type { ConnectRecord, LossRecord };

interface Live {
  readonly instance: number;
  readonly options: FabricsOptions;
  readonly cntlid: number;
  state: ControllerState;
  /** Its connect is under way; sysfs may show it in part. */
  inMaking: boolean;
  /** When the connection was lost; Infinity while it stands. */
  lostMs: number;
  timer: Timer | null;
}

export class MemoryKernel implements Kernel {
  readonly #options: MemoryKernelOptions;
  readonly #controllers = new Map<number, Live>();
  readonly #watchers = new Set<() => void>();
  #lock: Promise<unknown> = Promise.resolve();
  #nextCntlid = 1;
  /** The highest instance ever, for `renumbers`. */
  #lastInstance: number;
  readonly #defaultHost = {
    hostnqn: "nqn.2014-08.org.nvmexpress:uuid:00000000-dead-4bad-8bad-000000000001",
    hostid: "00000000-dead-4bad-8bad-000000000001",
  };

  /** What it says of connects. */
  readonly log = new MemoryKernelLog();
  /** False: no module, no device, ENOENT. */
  loaded = true;
  /** Every write in order. */
  readonly connects: ConnectRecord[] = [];
  /** Every controller that went. */
  readonly losses: LossRecord[] = [];
  /** Hints are lost while set. */
  dropHints = false;
  /** Hints come this late, ms. */
  hintDelayMs = 0;
  /** An errno that `controllers()` throws while set. */
  readError: string | null = null;
  /** `controllers()` answers this much later what was there when it was asked, ms. */
  readMs = 0;
  /** `controllers()` shows controllers that are being made without some of their attributes, drawn at each read. */
  tornSysfs = false;
  /** Every connect takes so many times as long. */
  connectFactor = 1;
  /** Errno of every connect while set, after its usual time; what stands in sysfs already is EALREADY as ever. */
  refuse: string | null = null;
  /** Another process holds the device for this long before each connect, ms. */
  extraMs = 0;
  /** A new controller has an instance that none had before, not the lowest free one. */
  renumbers = false;
  /** Which run of the agent writes now; stands in the records. */
  run = 0;

  constructor(options: MemoryKernelOptions) {
    this.#options = options;
    this.#lastInstance = (options.firstInstance ?? 0) - 1;
  }

  connect(text: string): Promise<{ instance: number; cntlid: number }> {
    return this.log.explain(text, () => this.#write(text), () => this.list().map(({ name }) => name));
  }

  async #write(text: string): Promise<{ instance: number; cntlid: number }> {
    const { clock } = this.#options;
    if (!this.loaded) throw kernelError("ENOENT", "no such device: /dev/nvme-fabrics");
    const record: ConnectRecord = {
      run: this.run,
      text,
      options: null,
      writtenMs: clock.nowMs(),
      startedMs: Infinity,
      endedMs: Infinity,
      result: "pending",
      name: null,
    };
    this.connects.push(record);
    // One mutex around everything, the reading of the options included (nvmf_dev_mutex).
    const turn = this.#lock.then(() => this.#performConnect(record));
    this.#lock = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      record.endedMs = clock.nowMs();
    }
  }

  // deno-lint-ignore require-await
  async supportedOptions(): Promise<ReadonlySet<string> | null> {
    if (!this.loaded) throw kernelError("ENOENT", "no such device: /dev/nvme-fabrics");
    const { tokens = fabricsTokens } = this.#options;
    return tokens === null ? null : new Set(tokens);
  }

  async controllers(): Promise<Controller[]> {
    if (this.readError !== null) {
      throw new KernelError(this.readError, `Cannot read sysfs: ${this.readError}`);
    }
    const found = this.tornSysfs ? this.#listTorn() : this.list();
    if (this.readMs > 0) await this.#sleepUntil(this.#options.clock.nowMs() + this.readMs);
    return found;
  }

  watch(onHint: () => void): Closer {
    // A function of its own: one callback may watch twice.
    const watcher = () => onHint();
    this.#watchers.add(watcher);
    return { close: () => void this.#watchers.delete(watcher) };
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** What sysfs shows, by instance. */
  list(): Controller[] {
    return this.#byInstance().map((live) => this.#show(live));
  }

  #listTorn(): Controller[] {
    return this.#byInstance().flatMap((live) => {
      const shown = this.#show(live);
      return live.inMaking ? tornController(shown, this.#options.random ?? (() => 0)) ?? [] : shown;
    });
  }

  #byInstance(): Live[] {
    return [...this.#controllers.values()].sort((a, b) => a.instance - b.instance);
  }

  /** Writes that are waiting or under way. */
  get inFlight(): number {
    return this.connects.filter(({ result }) => result === "pending").length;
  }

  /** Those of one run of the agent: the kernel goes on with the writes of a process that was killed. */
  inFlightOf(run: number): number {
    return this.connects.filter((record) => record.result === "pending" && record.run === run).length;
  }

  /** A controller that stood before the agent came, or that somebody else connected; answers its name. */
  addController(text: string): string {
    const live = this.#create(this.#parse(text), "live");
    this.#becomeLive(live);
    return nameOf(live.instance);
  }

  /** Somebody's `nvme disconnect`. */
  deleteController(name: string): void {
    this.#remove(this.#find(name), "deleted");
  }

  /**
   * The controller's connection breaks now; the kernel finds its way back by itself while the address answers, and
   * gives up after ctrl_loss_tmo.
   */
  loseConnection(name: string): void {
    this.#loseConnection(this.#find(name));
  }

  /** Asks the fabric about every live controller at once, as a dropped connection tells; else keep-alive finds out. */
  checkConnections(): void {
    for (const live of this.#controllers.values()) this.#checkLive(live);
  }

  /** `rmmod -f`: all controllers go, and the device; connects that wait or are under way fail. */
  removeModule(): void {
    this.loaded = false;
    for (const live of [...this.#controllers.values()]) this.#remove(live, "unloaded");
  }

  loadModule(): void {
    this.loaded = true;
    this.sendHint();
  }

  /** The whole host starts anew: no controller is left, and nothing of what was written before goes on. */
  reboot(): void {
    for (const live of [...this.#controllers.values()]) this.#remove(live, "unloaded");
    for (const record of this.connects) if (record.result === "pending") record.result = "ENODEV";
    this.#lock = Promise.resolve();
  }

  /** Hints as from any uevent. */
  sendHint(): void {
    if (this.dropHints) return;
    for (const watcher of this.#watchers) this.#options.clock.setTimer(this.hintDelayMs, watcher);
  }

  /** Stops all timers, for the end of a demonstration. */
  close(): void {
    for (const live of this.#controllers.values()) live.timer?.cancel();
    this.#watchers.clear();
  }

  async #performConnect(record: ConnectRecord): Promise<{ instance: number; cntlid: number }> {
    const { clock } = this.#options;
    if (this.extraMs > 0) await this.#sleepUntil(clock.nowMs() + this.extraMs);
    record.startedMs = clock.nowMs();
    let live: Live | null = null;
    try {
      if (!this.loaded || record.result !== "pending") throw kernelError("ENODEV", "the device is gone");
      const options = this.#parse(record.text);
      Object.assign(record, { options });
      if (!options.discovery && !options.given.has("duplicate_connect") && this.#exists(options)) {
        throw kernelError("EALREADY", `${options.nqn} at ${options.traddr} is connected`);
      }
      // sysfs shows the controller from here on, whether it ever comes to live or not.
      live = this.#create(options, "connecting", true);
      record.name = nameOf(live.instance);
      await this.#dial(options);
      if (!this.#isThere(live)) throw kernelError("EIO", `${record.name} was deleted meanwhile`);
      this.#becomeLive(live);
      record.result = "connected";
      return { instance: live.instance, cntlid: live.cntlid };
    } catch (error) {
      record.result = errorCode(error);
      this.log.writeResult(record);
      if (live !== null && this.#isThere(live)) this.#remove(live, "failed");
      throw error;
    }
  }

  /** Its number may be another's by now. */
  #isThere(live: Live): boolean {
    return this.#controllers.get(live.instance) === live;
  }

  #parse(text: string): FabricsOptions {
    const options = parseFabricsOptions(
      text,
      new Set(this.#options.tokens ?? fabricsTokens),
      this.#defaultHost,
    );
    // nvmf_host_add: one NQN, one identifier, while anything holds either.
    const hosts = [this.#defaultHost, ...[...this.#controllers.values()].map((live) => live.options)];
    for (const { hostnqn, hostid } of hosts) {
      if ((hostnqn === options.hostnqn) === (hostid === options.hostid)) continue;
      throw kernelError(
        "EINVAL",
        `found same hostnqn or hostid with another other half (${hostnqn}, ${hostid})`,
      );
    }
    return options;
  }

  /** nvmf_ip_options_match: strings, not addresses. */
  #exists(wanted: FabricsOptions): boolean {
    return [...this.#controllers.values()].some(({ state, options }) =>
      state !== "deleting" && state !== "dead" &&
      options.nqn === wanted.nqn && options.hostnqn === wanted.hostnqn && options.hostid === wanted.hostid &&
      options.traddr === wanted.traddr && options.trsvcid === wanted.trsvcid &&
      options.hostTraddr === wanted.hostTraddr && options.hostIface === wanted.hostIface
    );
  }

  async #dial(options: FabricsOptions): Promise<void> {
    try {
      await this.#reachController(options);
    } finally {
      // deno-lint-ignore no-unsafe-finally
      if (this.refuse !== null) throw kernelError(this.refuse, options.traddr);
    }
  }

  /** Throws as the kernel's socket and its Connect command do. */
  async #reachController(options: FabricsOptions): Promise<void> {
    const { random } = this.#options;
    const factor = this.connectFactor;
    const connectMs = (this.#options.connectMs ?? 30) * factor;
    const swallowedMs = (this.#options.swallowedMs ?? 3_000) * factor;
    const startMs = this.#options.clock.nowMs();
    // The first packet, and its one retransmission after a second.
    for (const retryMs of [factor, 1_001 * factor]) {
      if (retryMs >= swallowedMs) break;
      await this.#sleepUntil(startMs + retryMs);
      const answer = this.#ask(options);
      if (answer === "swallowed") continue;
      if (answer === "refused") throw kernelError("ECONNREFUSED", options.traddr);
      if (typeof answer === "object") throw kernelError(answer.errno, options.traddr);
      await this.#sleepUntil(startMs + retryMs + connectMs * (1 + (random?.() ?? 0)));
      // Asked again: access may have changed while the queues were made.
      if (this.#ask(options) === "accepted") return;
      throw kernelError("EIO", `Connect rejected by ${options.traddr}`);
    }
    await this.#sleepUntil(startMs + swallowedMs);
    throw kernelError("ETIMEDOUT", options.traddr);
  }

  #ask({ traddr, trsvcid, nqn, hostnqn, hostid }: FabricsOptions): ConnectAnswer {
    return this.#options.reachability.connect({ traddr, trsvcid, subsysnqn: nqn, hostnqn, hostid });
  }

  #create(options: FabricsOptions, state: ControllerState, inMaking = false): Live {
    // The lowest free number, as the kernel's ida gives: a name comes back for another controller.
    let instance = this.renumbers ? this.#lastInstance + 1 : this.#options.firstInstance ?? 0;
    while (this.#controllers.has(instance)) instance++;
    this.#lastInstance = Math.max(this.#lastInstance, instance);
    const live: Live = {
      instance,
      options,
      cntlid: this.#nextCntlid++,
      state,
      inMaking,
      lostMs: Infinity,
      timer: null,
    };
    this.#controllers.set(instance, live);
    this.sendHint();
    return live;
  }

  #remove(live: Live, cause: LossRecord["cause"]): void {
    live.timer?.cancel();
    this.#controllers.delete(live.instance);
    const { clock } = this.#options;
    this.losses.push({
      name: nameOf(live.instance),
      subsysnqn: live.options.nqn,
      atMs: clock.nowMs(),
      cause,
    });
    this.sendHint();
  }

  #becomeLive(live: Live): void {
    live.state = "live";
    live.inMaking = false;
    live.lostMs = Infinity;
    this.#watchLive(live);
    this.sendHint();
  }

  /** Keep-alive notices what nobody told. */
  #watchLive(live: Live): void {
    if (live.options.keepAliveTmo === 0) return;
    live.timer = this.#options.clock.setTimer(live.options.keepAliveTmo * 1_000, () => {
      this.#checkLive(live);
      if (live.state === "live") this.#watchLive(live);
    });
  }

  #checkLive(live: Live): void {
    if (live.state !== "live") return;
    const answer = this.#ask(live.options);
    // Access taken away does not end a standing connection.
    if (answer !== "accepted" && answer !== "denied") this.#loseConnection(live);
  }

  #loseConnection(live: Live): void {
    if (live.state !== "live") return;
    live.state = "connecting";
    live.lostMs = this.#options.clock.nowMs();
    if (live.options.ctrlLossTmo === 0) return this.#remove(live, "expired");
    this.#retryLater(live);
    this.sendHint();
  }

  #retryLater(live: Live): void {
    const { clock } = this.#options;
    live.timer?.cancel();
    live.timer = clock.setTimer(live.options.reconnectDelay * 1_000, () => {
      const { ctrlLossTmo } = live.options;
      if (this.#ask(live.options) === "accepted") this.#becomeLive(live);
      else if (ctrlLossTmo >= 0 && clock.nowMs() - live.lostMs >= ctrlLossTmo * 1_000) {
        this.#remove(live, "expired");
      } else this.#retryLater(live);
    });
  }

  #show({ instance, options, cntlid, state }: Live): Controller {
    const { srcAddr } = this.#options;
    return {
      name: nameOf(instance),
      instance,
      transport: options.transport,
      state,
      subsysnqn: options.nqn,
      address: {
        traddr: options.traddr,
        trsvcid: options.trsvcid,
        ...(options.hostTraddr === undefined ? {} : { hostTraddr: options.hostTraddr }),
        ...(options.hostIface === undefined ? {} : { hostIface: options.hostIface }),
        ...(srcAddr === undefined || state !== "live" ? {} : { srcAddr }),
      },
      hostnqn: options.hostnqn,
      hostid: options.hostid,
      cntlid,
      cntrltype: options.discovery ? "discovery" : "io",
    };
  }

  #find(name: string): Live {
    const live = [...this.#controllers.values()].find(({ instance }) => nameOf(instance) === name);
    if (live === undefined) throw new Error(`No controller ${name} in the kernel`);
    return live;
  }

  #sleepUntil(atMs: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => clock.setTimer(Math.max(0, atMs - clock.nowMs()), resolve));
  }
}

function nameOf(instance: number): string {
  return `nvme${instance}`;
}

/** The text is for people; the kernel's own write gives the errno alone. */
function kernelError(errno: string, what: string): KernelError {
  return new KernelError(errno, `Cannot connect in the kernel: ${what}: ${errno}`);
}

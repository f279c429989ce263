/**
 * The agent: facts → plan → perform, over and over. Every event only records a fact; one pass then plans and has
 * the runners act. It moves data and decides nothing; what it does and why is in `plan/`.
 *
 * It never disconnects an I/O controller: there is no such action.
 */
import { limits } from "../base/limits.ts";
import type { Timer } from "../base/clock.ts";
import type { ParsedState } from "../config/state_file.ts";
import type { World } from "../model/world.ts";
import type { Facts, Policy } from "../plan/facts.ts";
import { wantedHosts } from "../plan/host_identity.ts";
import { type Plan, plan } from "../plan/plan.ts";
import { rememberedEntries, rememberedList } from "../plan/remembered_list.ts";
import { type Meter, noMeter } from "../report/meter.ts";
import { type EventSink, noEvents } from "../report/event_feed.ts";
import { type Snapshot, summarize, type Summary, takeSnapshot } from "../report/snapshot.ts";
import { ChangeLog } from "./change_log.ts";
import { ConfigWatch } from "./config_watch.ts";
import { ConnectRunner } from "./connect_runner.ts";
import { eventLog } from "./event_log.ts";
import { FactStore } from "./fact_store.ts";
import { KernelWatch } from "./kernel_watch.ts";
import { NameLookUp } from "./name_look_up.ts";
import { PathRunner } from "./path_runner.ts";
import { SecretRenewer } from "./secret_renewer.ts";
import { SessionAges } from "./session_ages.ts";
import { SessionLog } from "./session_log.ts";
import { SessionKeeper } from "./session_keeper.ts";
import { StateKeeper } from "./state_keeper.ts";

export interface AgentOptions {
  readonly policy: Policy;
  readonly reconnectIntervalMs: number;
  /** Keep Alive Timeout of the discovery sessions, ms, above 0. */
  readonly katoMs: number;
  readonly logChunkBytesMax?: number;
  /** Longest pause between two looks at files and controllers that nothing asked for, ms; 0 leaves it to us. */
  readonly pollingMs?: number;
  /** Host NQN that has had the host's own identifier before; null or left out: what is remembered tells. */
  readonly hostidOwner?: string | null;
  /** Is told what happens, to count it. */
  readonly meter?: Meter;
  /** Is told what happens, in words. */
  readonly events?: EventSink;
  /** After every pass. A snapshot of thousands of paths costs; a summary counts only. */
  readonly onPass?: (snapshot: () => Snapshot, summary: () => Summary) => void;
}

/** What can change while it runs. */
export type AgentTuning = Pick<
  AgentOptions,
  "policy" | "reconnectIntervalMs" | "katoMs" | "logChunkBytesMax" | "pollingMs"
>;

export class Agent {
  readonly #world: World;
  readonly #meter: Meter;
  #options: AgentOptions;
  readonly #facts: FactStore;
  readonly #configWatch: ConfigWatch;
  readonly #kernelWatch: KernelWatch;
  readonly #secretRenewer: SecretRenewer;
  readonly #stateKeeper: StateKeeper;
  readonly #changeLog: ChangeLog;
  readonly #sessionAges = new SessionAges();
  readonly #sessions: SessionKeeper;
  readonly #pathRunner: PathRunner;
  readonly #nameLookUp: NameLookUp;
  #rememberedDigest: string | undefined;
  #plan: Plan | null = null;
  #running = false;
  #stopping: Promise<void> | null = null;
  #pass: Timer | null = null;
  #wake: Timer | null = null;
  #lastPassMs = -Infinity;

  constructor(world: World, options: AgentOptions) {
    this.#world = world;
    this.#options = options;
    this.#meter = options.meter ?? noMeter;
    const log = eventLog(world.log, options.events ?? noEvents);
    const { policy, reconnectIntervalMs } = options;
    this.#facts = new FactStore({
      policy,
      reconnectIntervalMs,
      random: world.random,
      onChange: () => this.#schedulePass(),
    });
    this.#facts.hostidOwner = options.hostidOwner ?? null;
    this.#configWatch = new ConfigWatch(world, this.#facts, {
      hostnqn: policy.hostnqn,
      meter: this.#meter,
      log: log("file"),
    });
    this.#kernelWatch = new KernelWatch(world, this.#facts, policy.dryRun, log("controller"));
    this.#secretRenewer = new SecretRenewer(world.kernel, log("controller"), this.#facts);
    this.#stateKeeper = new StateKeeper(world);
    this.#nameLookUp = new NameLookUp(world);
    this.#changeLog = new ChangeLog(log);
    const connectRunner = new ConnectRunner(world, this.#facts);
    const work = {
      world,
      facts: this.#facts,
      meter: this.#meter,
      connectRunner,
      tuning: () => this.#options,
    };
    this.#sessions = new SessionKeeper({ ...work, sessionLog: new SessionLog(log, world.clock) });
    this.#pathRunner = new PathRunner({ ...work, kernelWatch: this.#kernelWatch, log: log("connect") });
    this.#setPolling();
  }

  #setPolling(): void {
    const { pollingMs = 0 } = this.#options;
    this.#configWatch.pollingMs = pollingMs === 0 ? limits.rescanIntervalMs : pollingMs;
    this.#kernelWatch.pollingMs = pollingMs === 0 ? limits.sysfsIntervalMs : pollingMs;
  }

  /**
   * Other settings count from now on: for connects and pauses at once, for sessions when they are opened. Sessions and
   * controllers that are there stay; what waits for its next attempt makes it now, as the reason may have gone.
   */
  reconfigure(tuning: AgentTuning): void {
    // What is left out goes back to its default.
    this.#options = { ...this.#options, logChunkBytesMax: undefined, pollingMs: undefined, ...tuning };
    this.#setPolling();
    this.#facts.reconfigure(tuning);
    this.rescan();
  }

  /** Answers whether it runs, when the first pass is done; an agent that was stopped never does. */
  async start(): Promise<boolean> {
    if (this.#stopping !== null) return false;
    const kernelRead = this.#kernelWatch.start();
    const [state] = await Promise.all([this.#stateKeeper.load(), this.#configWatch.start(), kernelRead]);
    if (this.#stopping !== null) return false;
    if (state !== null) this.#remember(state);
    this.#running = true;
    this.#runPass();
    return true;
  }

  #remember(state: ParsedState): void {
    this.#facts.rememberNames(state.entries);
    const { read, digest, modifiedMs } = this.#configWatch;
    const unchanged = state.configDigest !== undefined
      ? state.configDigest === digest
      : modifiedMs !== undefined && modifiedMs <= state.createdAtMs;
    this.#rememberedDigest = state.configDigest;
    // Who is gone for good needs it no more, and somebody else may.
    const { hostidOwner = null } = state;
    if (hostidOwner !== null && (!read || wantedHosts(this.#facts).names.has(hostidOwner))) {
      this.#facts.hostidOwner = hostidOwner;
    }
    this.#configWatch.standIn(rememberedEntries(state));
    if (!read || unchanged || this.#configWatch.incomplete) {
      this.#facts.list = rememberedList(state);
      this.#world.log.info(`Resuming with ${state.entries.length} remembered endpoints`);
    } else {
      this.#world.log.info("The configuration directory changed meanwhile: the endpoints are taken from it");
    }
  }

  /** Reads files and controllers again, and has every waiting retry made now. Does nothing unless it runs. */
  rescan(): void {
    if (!this.#running) return;
    this.#configWatch.rescan();
    this.#kernelWatch.refresh();
    if (this.#facts.kernel.present !== true) this.#kernelWatch.askKernel();
    this.#facts.makeRetriesDue(this.#world.clock.nowMs());
  }

  /** Has a pass made soon, though nothing has happened: for who wants to see that passes are made. */
  requestPass(): void {
    this.#schedulePass();
  }

  /** Bounded: sessions are shut down, the state is saved, I/O controllers stay as they are. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#running = false;
    this.#pass?.cancel();
    this.#wake?.cancel();
    this.#configWatch.stop();
    this.#kernelWatch.stop();
    this.#nameLookUp.stop();
    this.#pathRunner.stop();
    await Promise.all([this.#sessions.stop(), this.#stateKeeper.stop()]);
  }

  /** What is known now; for those who look, never to be changed. */
  get facts(): Facts {
    return this.#facts;
  }

  /** What the last pass decided; null before the first. */
  get plan(): Plan | null {
    return this.#plan;
  }

  snapshot(): Snapshot {
    return takeSnapshot(this.#facts, this.#plan, this.#world.clock.nowMs(), {
      pathSinceMs: (key) => this.#changeLog.sinceMs(key),
      sessionSinceMs: (key) => this.#sessionAges.sinceMs(key),
      fileProblems: this.#configWatch.problems,
    });
  }

  summary(): Summary {
    return summarize(this.#facts, this.#plan);
  }

  /** A storm of events becomes one pass. */
  #schedulePass(): void {
    if (!this.#running || this.#pass !== null) return;
    const delayMs = Math.max(0, this.#lastPassMs + limits.passGapMs - this.#world.clock.nowMs());
    this.#pass = this.#world.clock.setTimer(delayMs, () => this.#runPass());
  }

  #runPass(): void {
    this.#pass?.cancel();
    this.#pass = null;
    if (!this.#running) return;
    const nowMs = this.#world.clock.nowMs();
    this.#lastPassMs = nowMs;
    const next = plan(this.#facts, nowMs);
    this.#plan = next;
    this.#facts.list = next.list;
    this.#facts.hostidOwner = next.hostidOwner;
    this.#meter.planned(next, this.#facts, nowMs);
    // First act, then tell: the kernel works while the lines are written.
    this.#perform(next, nowMs);
    this.#changeLog.record(next, nowMs);
    this.#sessionAges.record(next.list, this.#facts.sessions, nowMs);
    this.#facts.prune(next.wanted.paths);
    if (this.#configWatch.read) this.#stateKeeper.keep(next.list, this.#digestOfList, next.hostidOwner);
    this.#scheduleWake(next.wakeAtMs);
    this.#meter.passed(this.#world.clock.nowMs() - nowMs);
    this.#options.onPass?.(() => this.snapshot(), () => this.summary());
  }

  /** Of the files that the list follows. With one that could never be read, they are those of the last run still. */
  get #digestOfList(): string {
    const { incomplete, digest } = this.#configWatch;
    return incomplete ? this.#rememberedDigest ?? digest : digest;
  }

  #scheduleWake(atMs: number): void {
    this.#wake?.cancel();
    this.#wake = null;
    if (atMs === Infinity) return;
    const delayMs = Math.max(0, atMs - this.#world.clock.nowMs());
    this.#wake = this.#world.clock.setTimer(delayMs, () => this.#schedulePass());
  }

  #perform({ sessions, connects, renewals, resolve }: Plan, nowMs: number): void {
    // The kernel first: it takes longest, and works beside us.
    for (const wanted of connects.connect) void this.#pathRunner.connect(wanted);
    for (const renewal of renewals.renew) void this.#secretRenewer.renew(renewal);
    for (const key of renewals.over) this.#facts.renewals.delete(key);
    for (const wanted of connects.ask) this.#pathRunner.ask(wanted);
    for (const wanted of connects.probe) this.#pathRunner.probe(wanted);
    for (const { key, reason } of sessions.close) this.#sessions.close(key, reason, nowMs);
    for (const key of sessions.forget) this.#sessions.forget(key);
    for (const { key, endpoint, reason } of sessions.open) this.#sessions.open(key, endpoint, reason, nowMs);
    for (const name of resolve) this.#resolve(name);
  }

  async #resolve(name: string): Promise<void> {
    this.#facts.recordResolving(name);
    const result = await this.#nameLookUp.lookUp(name);
    this.#facts.recordResolved(name, result, this.#world.clock.nowMs());
  }
}

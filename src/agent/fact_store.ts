/**
 * Keeps the facts and takes them in: one method for each thing that can happen. It answers nothing and acts never;
 * after each change it says so, and somebody plans.
 */
import { formatHostPort, isIpAddress } from "../base/address.ts";
import { KernelError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { limits } from "../base/limits.ts";
import type { Controller } from "../model/controller.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { Entry } from "../model/entry.ts";
import {
  type ConnectFact,
  type ControllersFact,
  type EndpointList,
  type Facts,
  type Failure,
  type KernelFact,
  newConnectFact,
  newProbeFact,
  newSessionFact,
  type Policy,
  type ProbeFact,
  type RenewalFact,
  type ResolutionFact,
  type SessionFact,
} from "../plan/facts.ts";
import { attemptOf } from "../plan/attempt.ts";
import { hostNames } from "../plan/configured.ts";
import {
  connectRetryDelayMs,
  isAddressFailure,
  isUnreachable,
  probeRetryDelayMs,
  sessionRetryDelayMs,
  toFailure,
} from "../plan/retry.ts";
import { canBeAsked } from "../plan/plan_connects.ts";
import type { WantedPath } from "../plan/wanted_paths.ts";
import type { SessionEvent } from "../protocol/session.ts";

export interface FactStoreOptions {
  readonly policy: Policy;
  readonly reconnectIntervalMs: number;
  readonly random: Random;
  readonly onChange: () => void;
}

export class FactStore implements Facts {
  policy: Policy;
  entries: readonly Entry[] | null = null;
  list: EndpointList = new Map();
  hostidOwner: string | null = null;
  controllers: ControllersFact | null = null;
  kernel: KernelFact = { present: null, failure: null, options: null };
  readonly resolutions = new Map<string, ResolutionFact>();
  readonly sessions = new Map<string, SessionFact>();
  readonly probes = new Map<string, ProbeFact>();
  readonly connects = new Map<string, ConnectFact>();
  readonly renewals = new Map<string, RenewalFact>();
  #options: FactStoreOptions;

  constructor(options: FactStoreOptions) {
    this.#options = options;
    this.policy = options.policy;
  }

  /** Other settings count from now on. */
  reconfigure(change: Pick<FactStoreOptions, "policy" | "reconnectIntervalMs">): void {
    const { policy, reconnectIntervalMs } = change;
    this.#options = { ...this.#options, policy, reconnectIntervalMs };
    this.policy = policy;
    this.#options.onChange();
  }

  recordEntries(entries: readonly Entry[]): void {
    this.entries = entries;
    this.#options.onChange();
  }

  /** The same controllers again are news only to a connect that waits to be seen in sysfs. */
  recordControllers({ list, readAtMs }: ControllersFact): void {
    const before = this.controllers;
    if (before !== null && sameControllers(before.list, list)) {
      this.controllers = { list: before.list, readAtMs };
      const awaited = [...this.connects.values()].some(({ state, doneAtMs }) =>
        state === "done" && doneAtMs >= before.readAtMs
      );
      if (!awaited) return;
    } else this.controllers = { list, readAtMs };
    this.#options.onChange();
  }

  recordKernel(kernel: KernelFact): void {
    const same = kernel.present === this.kernel.present &&
      kernel.failure?.message === this.kernel.failure?.message;
    this.kernel = kernel;
    if (!same) this.#options.onChange();
  }

  // --- sessions ---

  recordSessionOpening(key: string, endpoint: Endpoint, nowMs: number): void {
    const before = this.sessions.get(key) ?? newSessionFact(endpoint, nowMs);
    this.sessions.set(key, { ...before, endpoint, state: "opening", sinceMs: nowMs, logCurrent: false });
  }

  recordSessionClosing(key: string, nowMs: number): void {
    this.#changeSession(key, { state: "closing", sinceMs: nowMs, logCurrent: false });
  }

  recordSessionEvent(key: string, event: SessionEvent, nowMs: number): void {
    const session = this.sessions.get(key);
    if (session === undefined) return;
    switch (event.kind) {
      case "ready":
        this.#changeSession(key, { state: "live", sinceMs: nowMs });
        this.#hostAnswers(session.endpoint.traddr, nowMs);
        break;
      case "event":
        // Worth knowing, but no reason to plan: the log read that follows is.
        return this.#changeSession(key, { events: session.events + 1, lastEventMs: nowMs });
      case "log":
        this.#changeSession(key, {
          log: event.log,
          logAtMs: nowMs,
          logCurrent: true,
          logReads: session.logReads + 1,
          failures: 0,
          failure: null,
        });
        break;
      case "closed":
        this.#recordSessionClosed(key, session, event.error, nowMs);
    }
    this.#options.onChange();
  }

  #recordSessionClosed(key: string, session: SessionFact, error: Error | null, nowMs: number): void {
    const idle = { state: "idle", sinceMs: nowMs, logCurrent: false } as const;
    if (error === null) return this.#changeSession(key, { ...idle, retryAtMs: nowMs });
    const failures = session.failures + 1;
    const { reconnectIntervalMs, random } = this.#options;
    const delayMs = sessionRetryDelayMs({ error, failures, reconnectIntervalMs, random });
    const failure = toFailure(error, nowMs);
    this.#changeSession(key, { ...idle, failures, failure, retryAtMs: nowMs + delayMs });
  }

  forgetSession(key: string): void {
    this.sessions.delete(key);
  }

  #changeSession(key: string, change: Partial<SessionFact>): void {
    const session = this.sessions.get(key);
    if (session !== undefined) this.sessions.set(key, { ...session, ...change });
  }

  /**
   * A host that answers on one port is worth asking again on those where nobody answered, without the backoff. Who
   * did answer, and broke the protocol or refused us, has nothing new to say. The first pause stays: two that come up
   * and fail again would otherwise wake each other in a tight loop.
   */
  #hostAnswers(traddr: string, nowMs: number): void {
    for (const [key, probe] of this.probes) {
      const { failure } = probe;
      if (failure === null || !isUnreachable(failure) || !key.startsWith(hostPrefix(traddr))) continue;
      const soonMs = Math.max(nowMs, failure.atMs + limits.connectRetryMsBase);
      this.probes.set(key, { ...probe, retryAtMs: Math.min(probe.retryAtMs, soonMs) });
    }
    for (const [key, session] of this.sessions) {
      const { failure, state } = session;
      if (state !== "idle" || failure === null || !isUnreachable(failure)) continue;
      if (session.endpoint.traddr !== traddr) continue;
      const soonMs = Math.max(nowMs, failure.atMs + this.#options.reconnectIntervalMs);
      this.sessions.set(key, { ...session, retryAtMs: Math.min(session.retryAtMs, soonMs) });
    }
  }

  // --- probes and connects ---

  recordProbing(addressKey: string): void {
    const probe = this.probes.get(addressKey) ?? newProbeFact;
    this.probes.set(addressKey, { ...probe, probing: true });
  }

  recordProbeResult(wanted: WantedPath, error: Error | null, nowMs: number): void {
    const { addressKey, path } = wanted;
    const before = this.probes.get(addressKey) ?? newProbeFact;
    if (error === null) {
      this.probes.set(addressKey, { ...newProbeFact, provenUntilMs: nowMs + limits.probeValidMs });
      if (before.failure !== null) this.#hostAnswers(path.traddr, nowMs);
    } else {
      const failures = before.failures + 1;
      const delayMs = probeRetryDelayMs({ failures, random: this.#options.random });
      const failure = toFailure(error, nowMs);
      this.probes.set(addressKey, {
        ...newProbeFact,
        failures,
        failure,
        retryAtMs: nowMs + delayMs,
      });
    }
    this.#options.onChange();
  }

  recordAsking(wanted: WantedPath): void {
    this.#beginAttempt(wanted, "asking");
  }

  /** The target answers a Connect for this path, if only with a refusal: the kernel may be asked. */
  recordAnswered(key: string, refusal: Error | null, nowMs: number): void {
    this.connects.set(key, {
      ...(this.connects.get(key) ?? newConnectFact),
      state: "idle",
      answeredUntilMs: nowMs + limits.probeValidMs,
      refusal: refusal === null ? null : toFailure(refusal, nowMs),
      mute: false,
    });
    this.#options.onChange();
  }

  recordConnecting(wanted: WantedPath): void {
    this.#beginAttempt(wanted, "connecting");
  }

  /** What it is made with is that of its begin: the settings may change before its end. */
  #beginAttempt({ key, path }: WantedPath, state: "asking" | "connecting"): void {
    const before = this.connects.get(key) ?? newConnectFact;
    this.connects.set(key, { ...before, state, triedWith: attemptOf(this.policy, path) });
  }

  /** `already`: the kernel answered EALREADY, which is success. */
  recordConnected(wanted: WantedPath, already: boolean, nowMs: number): void {
    this.connects.set(wanted.key, { ...newConnectFact, state: "done", doneAtMs: nowMs, already });
    // A probe may be under way: it counts until its result comes.
    const { probing } = this.probes.get(wanted.addressKey) ?? newProbeFact;
    const provenUntilMs = nowMs + limits.probeValidMs;
    this.probes.set(wanted.addressKey, { ...newProbeFact, probing, provenUntilMs });
    this.#options.onChange();
  }

  /** `heldMs`: how long the kernel was busy with it, 0 when the kernel was not asked. */
  recordConnectFailed(wanted: WantedPath, error: Error, nowMs: number, heldMs = 0): void {
    const before = this.connects.get(wanted.key) ?? newConnectFact;
    const failures = before.failures + 1;
    const delayMs = connectRetryDelayMs({ error, failures, random: this.#options.random });
    const failure = withRefusal(toFailure(error, nowMs), before.refusal);
    // Next time the target is asked first; where that did not help, only a pause does.
    const warned = before.answeredUntilMs > 0 || !canBeAsked(wanted);
    this.connects.set(wanted.key, {
      ...newConnectFact,
      failures,
      failure,
      retryAtMs: nowMs + delayMs,
      triedWith: before.triedWith,
      refusal: before.refusal,
      mute: !(error instanceof KernelError),
      heldMs: warned ? heldMs : 0,
    });
    if (isAddressFailure(error) || isUnreachable(failure)) {
      const probe = this.probes.get(wanted.addressKey) ?? newProbeFact;
      // It may answer a probe and fail the next connect just so: many paths would have it asked in a storm.
      const retryAtMs = Math.max(probe.retryAtMs, nowMs + limits.reproofGapMs);
      this.probes.set(wanted.addressKey, {
        ...probe,
        provenUntilMs: 0,
        failure: probe.failure ?? failure,
        retryAtMs,
      });
    }
    this.#options.onChange();
  }

  /** One that went well is, until sysfs was read after it: its path may be named again before. */
  #isUnderWay({ state, doneAtMs }: ConnectFact): boolean {
    if (state === "done") return doneAtMs >= (this.controllers?.readAtMs ?? -Infinity);
    return state !== "idle";
  }

  /** Forgets what is about paths, addresses and names that nobody uses any more, but for what is under way. */
  prune(paths: ReadonlyMap<string, WantedPath>): void {
    this.#pruneNames();
    for (const [key, connect] of this.connects) {
      if (!paths.has(key) && !this.#isUnderWay(connect)) this.connects.delete(key);
    }
    if (this.probes.size === 0) return;
    const addresses = new Set<string>();
    for (const wanted of paths.values()) addresses.add(wanted.addressKey);
    for (const [key, probe] of this.probes) {
      if (!addresses.has(key) && !probe.probing) this.probes.delete(key);
    }
  }

  #pruneNames(): void {
    if (this.resolutions.size === 0 || this.entries === null) return;
    const names = hostNames(this.entries);
    for (const [name, { pending }] of this.resolutions) {
      if (!names.has(name) && !pending) this.resolutions.delete(name);
    }
  }

  /** Whatever waits for its next attempt need not wait any longer; how often it failed stays counted. */
  makeRetriesDue(nowMs: number): void {
    for (const [key, session] of this.sessions) {
      if (session.state === "idle" && session.retryAtMs > nowMs) {
        this.sessions.set(key, { ...session, retryAtMs: nowMs });
      }
    }
    for (const [key, probe] of this.probes) {
      if (probe.retryAtMs > nowMs) this.probes.set(key, { ...probe, retryAtMs: nowMs });
    }
    for (const [key, connect] of this.connects) this.connects.set(key, this.#dueConnect(connect, nowMs));
    for (const [name, resolution] of this.resolutions) {
      if (!resolution.pending && resolution.nextAtMs > nowMs) {
        this.resolutions.set(name, { ...resolution, nextAtMs: nowMs });
      }
    }
    this.#options.onChange();
  }

  /** One that sysfs has been read after waits too, if its controller is not there: its pause counts from `doneAtMs`. */
  #dueConnect(connect: ConnectFact, nowMs: number): ConnectFact {
    if (connect.state === "idle") {
      return { ...connect, retryAtMs: Math.min(connect.retryAtMs, nowMs), heldMs: 0 };
    }
    const seen = connect.state === "done" && connect.doneAtMs < (this.controllers?.readAtMs ?? -Infinity);
    return seen ? { ...connect, doneAtMs: -Infinity } : connect;
  }

  recordRenewing(key: string, about: Omit<RenewalFact, "pending">): void {
    this.renewals.set(key, { ...about, pending: true });
  }

  recordRenewed(key: string): void {
    const renewal = this.renewals.get(key);
    if (renewal === undefined) return;
    this.renewals.set(key, { ...renewal, pending: false });
    this.#options.onChange();
  }

  // --- names ---

  /** Addresses that names had in the last run; they count until the first answer of this one, which is asked at once. */
  rememberNames(entries: readonly { readonly traddr: string; readonly hostName?: string }[]): void {
    const addresses = Map.groupBy(
      entries.filter(({ hostName, traddr }) => hostName !== undefined && isIpAddress(traddr)),
      ({ hostName }) => hostName!,
    );
    for (const [name, found] of addresses) {
      this.resolutions.set(name, {
        addresses: [...new Set(found.map(({ traddr }) => traddr))].sort(),
        pending: false,
        nextAtMs: 0,
        failures: 0,
        failure: null,
      });
    }
  }

  recordResolving(name: string): void {
    const before = this.resolutions.get(name);
    this.resolutions.set(name, {
      addresses: before?.addresses ?? [],
      pending: true,
      nextAtMs: Infinity,
      failures: before?.failures ?? 0,
      failure: before?.failure ?? null,
    });
  }

  recordResolved(name: string, result: readonly string[] | Error, nowMs: number): void {
    const before = this.resolutions.get(name);
    if (result instanceof Error) {
      const failures = (before?.failures ?? 0) + 1;
      const delayMs = probeRetryDelayMs({ failures, random: this.#options.random });
      this.resolutions.set(name, {
        // A name that cannot be looked up now keeps its addresses: unknown is not empty.
        addresses: before?.addresses ?? [],
        pending: false,
        nextAtMs: nowMs + delayMs,
        failures,
        failure: toFailure(result, nowMs),
      });
    } else {
      const nextAtMs = nowMs + limits.resolveIntervalMs;
      this.resolutions.set(name, {
        addresses: [...result].sort(),
        pending: false,
        nextAtMs,
        failures: 0,
        failure: null,
      });
    }
    this.#options.onChange();
  }
}

function sameControllers(a: readonly Controller[], b: readonly Controller[]): boolean {
  return a.length === b.length && a.every((controller, at) => sameController(controller, b[at]!));
}

function sameController(a: Controller, b: Controller): boolean {
  const x = a.address;
  const y = b.address;
  return a.name === b.name && a.state === b.state && a.subsysnqn === b.subsysnqn &&
    a.hostnqn === b.hostnqn && a.hostid === b.hostid && a.cntlid === b.cntlid &&
    a.transport === b.transport && a.cntrltype === b.cntrltype &&
    x.traddr === y.traddr && x.trsvcid === y.trsvcid && x.srcAddr === y.srcAddr &&
    x.hostTraddr === y.hostTraddr && x.hostIface === y.hostIface;
}

function hostPrefix(traddr: string): string {
  return formatHostPort(traddr, 0).slice(0, -1);
}

/** The kernel's EIO says that the target objected; what it objected to, it told us when we asked. */
function withRefusal(failure: Failure, refusal: Failure | null): Failure {
  if (refusal === null || failure.code !== "EIO") return failure;
  return { ...failure, message: `${failure.message}. ${refusal.message}` };
}

/**
 * What to do about every path that a log names: nothing (it is live, or the kernel is bringing it back), prove its
 * address, or connect it. Pure; every path gets a row with its reason. There is no action that disconnects.
 *
 * The kernel connects one path after the other, and an address that swallows packets holds it for seconds. So an
 * address is asked for from user space only, in parallel, until it has proven itself; proven ones go to the kernel.
 * Where a connect has failed nevertheless, we try for each path whether the target answers a Connect at all: one that
 * does not would hold the kernel for a minute, and one that refuses tells us why, as the kernel does not.
 */
import { limits } from "../base/limits.ts";
import { type Controller, isKept } from "../model/controller.ts";
import { controllerIndexKey, isSamePath } from "../model/path.ts";
import { hasChangedSince } from "./attempt.ts";
import {
  addressHistories,
  type AddressHistory,
  type Candidate,
  chooseAsks,
  chooseConnects,
  chooseProbes,
} from "./choose_connects.ts";
import {
  type ConnectFact,
  type ControllersFact,
  type KernelFact,
  newConnectFact,
  newProbeFact,
  type Policy,
  type ProbeFact,
} from "./facts.ts";
import type { WantedPath } from "./wanted_paths.ts";

export type PathState =
  | "live"
  | "recovering"
  | "connecting"
  | "connected"
  | "probing"
  | "unreachable"
  | "failed"
  | "waiting"
  | "would-connect";

/** One row a path: what is, why, and until when. */
export interface PathRow {
  readonly wanted: WantedPath;
  readonly state: PathState;
  readonly reason: string;
  /** The controller that serves it. */
  readonly device?: string;
  /** Next attempt, when one is scheduled. */
  readonly retryAtMs?: number;
}

export interface ConnectPlan {
  readonly rows: readonly PathRow[];
  readonly connect: readonly WantedPath[];
  /** Paths whose Connect to try from user space. */
  readonly ask: readonly WantedPath[];
  /** One path of each address to prove. */
  readonly probe: readonly WantedPath[];
  readonly wakeAtMs: number;
}

export interface ConnectInput {
  readonly paths: ReadonlyMap<string, WantedPath>;
  readonly probes: ReadonlyMap<string, ProbeFact>;
  readonly connects: ReadonlyMap<string, ConnectFact>;
  readonly controllers: ControllersFact | null;
  readonly kernel: KernelFact;
  readonly policy: Policy;
  /** Asked only when a path is missing. */
  readonly provenByUse: () => ReadonlySet<string>;
  readonly nowMs: number;
}

export function planConnects(input: ConnectInput): ConnectPlan {
  const index = indexControllers(input.controllers?.list ?? []);
  const pass: Pass = { input, candidates: [], asks: [], probes: new Map(), wakeAtMs: Infinity };
  const rows: PathRow[] = [];
  const waiting: number[] = [];
  for (const wanted of input.paths.values()) {
    const row = servedRow(input, wanted, index.get(wanted.indexKey)) ?? missingRow(pass, wanted);
    if (row.state === "waiting" && row.retryAtMs === undefined) waiting.push(rows.length);
    rows.push(row);
  }
  const { candidates, asks } = pass;
  const connect = candidates.length === 0
    ? []
    : chooseConnects(candidates, input.connects, historiesOf(pass));
  for (const at of waiting) {
    const row = rows[at]!;
    if (connect.includes(row.wanted)) {
      rows[at] = { ...row, state: "connecting", reason: "address proven; connecting" };
    }
  }
  const ask = asks.length === 0 ? [] : chooseAsks(asks, historiesOf(pass));
  const probe = pass.probes.size === 0 ? [] : chooseProbes([...pass.probes.values()], input.probes);
  return { rows, connect, ask, probe, wakeAtMs: pass.wakeAtMs };
}

interface Pass {
  readonly input: ConnectInput;
  /** Proven and due. */
  readonly candidates: Candidate[];
  /** Due, at an address where a connect failed. */
  readonly asks: Candidate[];
  /** Addresses to prove, with the failures so far. */
  readonly probes: Map<string, Candidate>;
  provenByUse?: ReadonlySet<string>;
  histories?: ReadonlyMap<string, AddressHistory>;
  wakeAtMs: number;
}

const indexes = new WeakMap<readonly Controller[], Map<string, Controller[]>>();

function indexControllers(controllers: readonly Controller[]): Map<string, Controller[]> {
  let index = indexes.get(controllers);
  if (index === undefined) {
    index = new Map();
    for (const controller of controllers) {
      const key = controllerIndexKey(controller);
      const others = index.get(key);
      if (others === undefined) index.set(key, [controller]);
      else others.push(controller);
    }
    indexes.set(controllers, index);
  }
  return index;
}

/** The row of a path that has a controller, the best one if several; null when none keeps it. */
function servedRow(
  { connects, controllers }: ConnectInput,
  wanted: WantedPath,
  candidates: readonly Controller[] | undefined,
): PathRow | null {
  if (candidates === undefined) return null;
  let best: Controller | null = null;
  for (const controller of candidates) {
    if (!isKept(controller.state) || !isSamePath(controller, wanted.path)) continue;
    if (best === null || controller.state === "live") best = controller;
  }
  if (best === null) return null;
  const device = best.name;
  if (best.state !== "live") {
    // sysfs shows a controller from the start of its first connect; ours is told by its own row, also while what was
    // read of sysfs is older than the kernel's answer.
    const connect = connects.get(wanted.key);
    if (connect?.state === "connecting") return null;
    if (connect?.state === "done" && connect.doneAtMs >= (controllers?.readAtMs ?? -Infinity)) return null;
    return {
      wanted,
      state: "recovering",
      reason: `the kernel has it ${best.state}, and retries by itself`,
      device,
    };
  }
  // Sysfs may show it before the kernel's answer has come.
  const state = connects.get(wanted.key)?.state;
  const ours = state === "done" || state === "connecting";
  return { wanted, state: "live", reason: ours ? "connected" : "was already connected", device };
}

function missingRow(pass: Pass, wanted: WantedPath): PathRow {
  const { input } = pass;
  const { nowMs, controllers, kernel } = input;
  const connect = input.connects.get(wanted.key) ?? newConnectFact;
  if (connect.state === "connecting") return { wanted, state: "connecting", reason: "connecting" };
  if (connect.state === "asking") return askingRow(wanted, connect);
  if (controllers === null) {
    return { wanted, state: "waiting", reason: "sysfs was not read yet", retryAtMs: nowMs };
  }
  if (wanted.path.secretsUnknown) {
    const reason = "its keys and secrets are in the entry files, which could not be read yet";
    return { wanted, state: "waiting", reason, retryAtMs: nowMs };
  }
  if (connect.state === "done") {
    const row = justConnected(pass, wanted, connect, controllers);
    if (row !== null) return row;
  }
  if (connect.retryAtMs > nowMs && connect.failure !== null) {
    if (!hasChangedSince(connect, input.policy, wanted.path)) {
      return retryRow(pass, wanted, "failed", connect.failure.message, connect.retryAtMs);
    }
  }
  if (kernel.present !== true && !input.policy.dryRun) {
    const reason = kernel.failure?.message ?? "the kernel was not asked yet";
    return { wanted, state: "waiting", reason, retryAtMs: nowMs };
  }
  return unprovenRow(pass, wanted) ?? provenRow(pass, wanted, connect);
}

/** The kernel said yes, sysfs has not shown it yet (or never will: then try again). */
function justConnected(
  pass: Pass,
  wanted: WantedPath,
  connect: ConnectFact,
  controllers: ControllersFact,
): PathRow | null {
  if (controllers.readAtMs <= connect.doneAtMs) {
    return { wanted, state: "connected", reason: "connected; sysfs is being read" };
  }
  // One that goes as soon as it comes is no reason to connect in a loop; one deleted later comes back at once.
  const pauseMs = connect.already ? limits.connectRetryMsMax : limits.connectRetryMsBase;
  const retryAtMs = connect.doneAtMs + pauseMs;
  if (retryAtMs <= pass.input.nowMs) return null;
  const reason = connect.already
    ? "the kernel says it is already connected, though sysfs shows no such controller"
    : "its controller was gone right after the kernel had connected it";
  return retryRow(pass, wanted, "waiting", reason, retryAtMs);
}

function retryRow(
  pass: Pass,
  wanted: WantedPath,
  state: PathState,
  reason: string,
  retryAtMs: number,
): PathRow {
  pass.wakeAtMs = Math.min(pass.wakeAtMs, retryAtMs);
  return { wanted, state, reason, retryAtMs };
}

/** The row of a path whose address is not proven; null when it is. */
function unprovenRow(pass: Pass, wanted: WantedPath): PathRow | null {
  const { nowMs, probes } = pass.input;
  const probe = probes.get(wanted.addressKey) ?? newProbeFact;
  if (probe.provenUntilMs > nowMs) return null;
  if (probe.probing) return probingRow(wanted, probe);
  if (probe.failure === null && (pass.provenByUse ??= pass.input.provenByUse()).has(wanted.addressKey)) {
    return null;
  }
  if (probe.retryAtMs > nowMs && probe.failure !== null) {
    const reason = `${wanted.addressKey} cannot be reached: ${probe.failure.message}`;
    return retryRow(pass, wanted, "unreachable", reason, probe.retryAtMs);
  }
  pass.probes.set(wanted.addressKey, { wanted, failures: probe.failures });
  return probingRow(wanted, probe);
}

function probingRow(wanted: WantedPath, { failure, failures }: ProbeFact): PathRow {
  if (failure === null) {
    return { wanted, state: "probing", reason: `asking whether ${wanted.addressKey} answers` };
  }
  const reason = `${wanted.addressKey} cannot be reached: ${failure.message}; attempt ${failures + 1}`;
  return { wanted, state: "unreachable", reason };
}

function provenRow(pass: Pass, wanted: WantedPath, connect: ConnectFact): PathRow {
  const { input } = pass;
  if (input.policy.dryRun) {
    return { wanted, state: "would-connect", reason: "reachable; not connected in a dry run" };
  }
  const history = historiesOf(pass).get(wanted.addressKey);
  if (history !== undefined && history.pausedUntilMs > input.nowMs) {
    const reason = connect.failure?.message ??
      `the kernel waited for ${wanted.addressKey} in vain; the others come first`;
    return retryRow(pass, wanted, "waiting", reason, history.pausedUntilMs);
  }
  if (history?.doubted === true && canBeAsked(wanted) && asksFirst(connect, history, input.nowMs)) {
    pass.asks.push({ wanted, failures: connect.failures });
    return askingRow(wanted, connect);
  }
  pass.candidates.push({ wanted, failures: connect.failures });
  return { wanted, state: "waiting", reason: "address proven; waiting for its turn in the kernel" };
}

/** To protect the kernel one answer at the address will do; to know why a path is refused it takes its own. */
function asksFirst(connect: ConnectFact, history: AddressHistory, nowMs: number): boolean {
  if (connect.answeredUntilMs > nowMs) return false;
  if (connect.mute || history.answeredUntilMs <= nowMs) return true;
  const { failures, refusal } = connect;
  const isKnown = refusal !== null && refusal.atMs + limits.refusalFreshMs > nowMs;
  return failures > 0 && !isKnown && history.askableAtMs <= nowMs;
}

function askingRow(wanted: WantedPath, { failure, failures }: ConnectFact): PathRow {
  if (failure === null) {
    return {
      wanted,
      state: "probing",
      reason: `asking whether ${wanted.addressKey} answers a Connect`,
    };
  }
  return { wanted, state: "failed", reason: `${failure.message}; attempt ${failures + 1}` };
}

/** Whether a Connect of ours can be tried: one inside of TLS cannot. */
export function canBeAsked({ path }: WantedPath): boolean {
  return !path.secureChannelRequired && path.options.tls !== true;
}

function historiesOf(pass: Pass): ReadonlyMap<string, AddressHistory> {
  return pass.histories ??= addressHistories(pass.input);
}

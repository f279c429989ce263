/**
 * Which of the paths that are due come next: the kernel has one lock for all connects, and whoever holds it in vain
 * holds everybody up. New before failed, bounded, and no more to a doubtful address than one connect at a time. Pure.
 */
import { limits } from "../base/limits.ts";
import { hasChangedSince } from "./attempt.ts";
import type { ConnectFact, Policy, ProbeFact } from "./facts.ts";
import type { WantedPath } from "./wanted_paths.ts";

/** A path that is due, and how often it has failed. */
export interface Candidate {
  readonly wanted: WantedPath;
  readonly failures: number;
}

export interface ChoiceInput {
  readonly paths: ReadonlyMap<string, WantedPath>;
  readonly connects: ReadonlyMap<string, ConnectFact>;
  readonly policy: Policy;
  readonly nowMs: number;
}

/** What became of the connects at one address. */
export interface AddressHistory {
  inFlight: number;
  /** Trials under way. */
  asking: number;
  /** A Connect of ours was answered there, which counts until then; and when one for another path may follow. */
  answeredUntilMs: number;
  askableAtMs: number;
  /** A connect of some path there failed when it was last tried. */
  doubted: boolean;
  /** A connect there went well a moment ago. */
  trusted: boolean;
  /** The kernel is not asked before. */
  pausedUntilMs: number;
}

/** By address key. */
export function addressHistories(input: ChoiceInput): Map<string, AddressHistory> {
  const { connects, paths, policy, nowMs } = input;
  const histories = new Map<string, AddressHistory>();
  for (const [key, connect] of connects) {
    const wanted = paths.get(key);
    if (wanted === undefined) continue;
    const { addressKey, path } = wanted;
    let history = histories.get(addressKey);
    if (history === undefined) histories.set(addressKey, history = { ...noHistory });
    addToHistory(history, connect, nowMs);
    if (connect.heldMs > 0 && !hasChangedSince(connect, policy, path)) addPause(history, connect);
  }
  return histories;
}

const noHistory: AddressHistory = {
  inFlight: 0,
  asking: 0,
  answeredUntilMs: 0,
  askableAtMs: 0,
  doubted: false,
  trusted: false,
  pausedUntilMs: 0,
};

function addToHistory(history: AddressHistory, connect: ConnectFact, nowMs: number): void {
  const { state, failures, failure, doneAtMs, answeredUntilMs } = connect;
  if (state === "connecting") history.inFlight++;
  if (state === "asking") history.asking++;
  // EINVAL is the kernel's own word, about options and identities.
  if (failures > 0 && failure?.code !== "EINVAL") history.doubted = true;
  if (state === "done" && doneAtMs + limits.probeValidMs > nowMs) history.trusted = true;
  if (answeredUntilMs > history.answeredUntilMs) {
    history.answeredUntilMs = answeredUntilMs;
    history.askableAtMs = answeredUntilMs - limits.probeValidMs + limits.askGapMs;
  }
}

function addPause(history: AddressHistory, { heldMs, failure }: ConnectFact): void {
  const pauseMs = Math.min(heldMs * limits.heldPauseFactor, limits.heldPauseMsMax);
  history.pausedUntilMs = Math.max(history.pausedUntilMs, (failure?.atMs ?? 0) + pauseMs);
}

/**
 * The next writes. A target may prove its address and then leave the kernel's Connect without an answer, which holds
 * the kernel's one lock for a minute. So one write at a time goes to an address until one has gone well, then two, and
 * all addresses where a connect failed have one between them.
 */
export function chooseConnects(
  candidates: readonly Candidate[],
  connects: ReadonlyMap<string, ConnectFact>,
  histories: ReadonlyMap<string, AddressHistory>,
): WantedPath[] {
  let inFlight = 0;
  for (const { state } of connects.values()) if (state === "connecting") inFlight++;
  let doubtedInFlight = false;
  for (const history of histories.values()) doubtedInFlight ||= history.doubted && history.inFlight > 0;
  const due = fewestFailuresFirst(candidates);
  const isDoubted = ({ addressKey }: WantedPath) => histories.get(addressKey)?.doubted === true;
  const chosen: WantedPath[] = [];
  const begun = new Map<string, number>();
  for (const { wanted } of due) {
    if (inFlight + chosen.length >= limits.connectsInFlightMax) return chosen;
    if (isDoubted(wanted)) continue;
    const { trusted = false, inFlight: before = 0 } = histories.get(wanted.addressKey) ?? {};
    const there = begun.get(wanted.addressKey) ?? before;
    if (there >= (trusted ? limits.connectsPerAddressMax : 1)) continue;
    begun.set(wanted.addressKey, there + 1);
    chosen.push(wanted);
  }
  if (doubtedInFlight || inFlight + chosen.length >= limits.connectsInFlightMax) return chosen;
  const doubted = due.find(({ wanted }) => isDoubted(wanted));
  if (doubted !== undefined) chosen.push(doubted.wanted);
  return chosen;
}

/** Trials of a Connect to begin: one at a time for an address. */
export function chooseAsks(
  asks: readonly Candidate[],
  histories: ReadonlyMap<string, AddressHistory>,
): WantedPath[] {
  let room = limits.asksInFlightMax;
  for (const { asking } of histories.values()) room -= asking;
  const chosen = new Map<string, WantedPath>();
  for (const { wanted } of fewestFailuresFirst(asks)) {
    if (chosen.size >= room) break;
    const { addressKey } = wanted;
    if (!chosen.has(addressKey) && (histories.get(addressKey)?.asking ?? 0) === 0) {
      chosen.set(addressKey, wanted);
    }
  }
  return [...chosen.values()];
}

/** Addresses to ask. */
export function chooseProbes(
  asked: readonly Candidate[],
  probes: ReadonlyMap<string, ProbeFact>,
): WantedPath[] {
  let inFlight = 0;
  for (const { probing } of probes.values()) if (probing) inFlight++;
  const room = Math.max(0, limits.probesInFlightMax - inFlight);
  return fewestFailuresFirst(asked).slice(0, room).map(({ wanted }) => wanted);
}

function fewestFailuresFirst(candidates: readonly Candidate[]): Candidate[] {
  return [...candidates].sort((a, b) => a.failures - b.failures);
}

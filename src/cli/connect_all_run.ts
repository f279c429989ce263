/**
 * Follows an agent that connects everything once, and tells when it is through: every endpoint has answered or failed
 * once, and every path is there or has failed once. Makes a result of what it sees; connects nothing itself.
 */
import type { Clock, Timer } from "../base/clock.ts";
import {
  emptySnapshot,
  type EndpointSnapshot,
  type PathSnapshot,
  type Snapshot,
} from "../report/snapshot.ts";
import type { Output } from "./environment.ts";

export interface ConnectAllRunOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Progress goes there while it is a terminal. */
  readonly progress: Output;
}

export class ConnectAllRun {
  /** The last picture; `false` when time was up before all was tried. */
  readonly ended: Promise<{ readonly snapshot: Snapshot; readonly isWhole: boolean }>;
  readonly #progress: Output;
  readonly #deadline: Timer;
  #end: (result: { snapshot: Snapshot; isWhole: boolean }) => void = () => {};
  #latest: Snapshot | null = null;
  #isOver = false;
  #shown = "";

  constructor({ clock, timeoutMs, progress }: ConnectAllRunOptions) {
    this.#progress = progress;
    this.ended = new Promise((resolve) => this.#end = resolve);
    this.#deadline = clock.setTimer(timeoutMs, () => this.#finish(false));
  }

  /** After each pass of the agent, and at once: later, the snapshot's facts would be newer than its plan. */
  handlePass(snapshot: () => Snapshot): void {
    if (this.#isOver) return;
    const latest = snapshot();
    this.#latest = latest;
    if (isThrough(latest)) this.#finish(true);
    else this.#show(progressText(latest));
  }

  #finish(isWhole: boolean): void {
    this.#isOver = true;
    this.#deadline.cancel();
    this.#show("");
    const summary = { clusters: 0, endpoints: 0, sessionsLive: 0, pathsWanted: 0, pathsLive: 0 };
    const nothing: Snapshot = { ...emptySnapshot, summary };
    this.#end({ snapshot: this.#latest ?? nothing, isWhole });
  }

  /** In place of what stands there. */
  #show(text: string): void {
    if (!this.#progress.isTerminal || text === this.#shown) return;
    // Erase in line (ECMA-48): nothing of a longer text stays.
    this.#progress.write(`\r\x1b[K${text}`);
    this.#shown = text;
  }
}

export function activeEndpoints({ clusters }: Snapshot): EndpointSnapshot[] {
  return clusters.flatMap(({ endpoints }) => endpoints.filter(({ retired }) => !retired));
}

/** Its log was read, this time or before it failed. */
export function hasAnswered({ records }: EndpointSnapshot): boolean {
  return records !== undefined;
}

/** The kernel has it: live, or on its way back by itself. */
export function isThere({ state, device }: PathSnapshot): boolean {
  return (state === "live" || state === "recovering") && device !== undefined;
}

function isThrough(snapshot: Snapshot): boolean {
  const endpoints = activeEndpoints(snapshot);
  const notes = snapshot.clusters.flatMap((cluster) => cluster.notes);
  // A host name that is being looked up gives neither yet.
  if (endpoints.length + notes.length === 0) return false;
  return endpoints.every((endpoint) => hasAnswered(endpoint) || endpoint.failures > 0) &&
    snapshot.paths.every(wasTried);
}

/** With a retry in sight an attempt has failed; while one is under way there is none. */
function wasTried(path: PathSnapshot): boolean {
  return isThere(path) || path.state === "failed" || (path.retryInMs !== undefined && path.retryInMs > 0);
}

function progressText(snapshot: Snapshot): string {
  const endpoints = activeEndpoints(snapshot);
  const answered = endpoints.filter(hasAnswered).length;
  const there = snapshot.paths.filter(isThere).length;
  return `${answered} of ${endpoints.length} discovery controllers have answered, ` +
    `${there} of ${snapshot.paths.length} paths are connected`;
}

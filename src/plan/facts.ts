/**
 * What is known at one moment: the whole input of `plan`. Events only change facts; nothing here acts or waits.
 *
 * Times are the clock's monotonic ms. A fact that was never learnt is absent or null, which is not the same as
 * empty: "unknown" never removes anything.
 */
import type { DiscoveryLog } from "../protocol/log_reader.ts";
import type { Controller } from "../model/controller.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { Entry } from "../model/entry.ts";
import type { Path } from "../model/path.ts";

export interface Facts {
  /** Union of all files, or null before the directory could be read. */
  readonly entries: readonly Entry[] | null;
  readonly resolutions: ReadonlyMap<string, ResolutionFact>;
  /** The endpoint list as the last pass (or internal.json) left it, by cluster key. */
  readonly list: EndpointList;
  /** By endpoint key. */
  readonly sessions: ReadonlyMap<string, SessionFact>;
  /** By `host:port` of an I/O port. */
  readonly probes: ReadonlyMap<string, ProbeFact>;
  /** By path key. */
  readonly connects: ReadonlyMap<string, ConnectFact>;
  readonly controllers: ControllersFact | null;
  /** By path key: whom the kernel brings back was looked after. */
  readonly renewals?: ReadonlyMap<string, RenewalFact>;
  readonly kernel: KernelFact;
  readonly policy: Policy;
  /** Host NQN that the host's own identifier belongs to, as it was settled last; null or left out: nobody's yet. */
  readonly hostidOwner?: string | null;
}

/** Settings that decisions depend on. */
export interface Policy {
  readonly dryRun: boolean;
  /** False: what logs refer to is left alone, and no endpoint leaves because of it. */
  readonly followReferrals?: boolean;
  /** Defaults for what entries leave open. */
  readonly connectDefaults: ConnectOptions;
  /** The same for single clusters, by cluster key; they come before those of all. */
  readonly clusterDefaults?: ReadonlyMap<string, ConnectOptions>;
  /** NQNs of the subsystems that are connected end with it, after a dot. */
  readonly auxSuffix?: string;
  /** Host identifier of this host as its file tells it, UUID text; null when it has none. */
  readonly hostid: string | null;
  /** What the host goes by for lack of a file: the machine's UUID, or a random one that is remembered. */
  readonly fallbackHostid?: string | null;
  /** The host's own NQN; null or left out where nothing tells it. */
  readonly hostnqn?: string | null;
}

/** An attempt that failed, in words and for branching. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly atMs: number;
}

export interface ResolutionFact {
  /** Last good answer; empty before the first. */
  readonly addresses: readonly string[];
  readonly pending: boolean;
  readonly nextAtMs: number;
  readonly failures: number;
  readonly failure: Failure | null;
}

export interface SessionFact {
  readonly endpoint: Endpoint;
  /** `idle`: none, waiting for `retryAtMs`. `live`: the controller is enabled. `closing`: on its way out. */
  readonly state: "idle" | "opening" | "live" | "closing";
  readonly sinceMs: number;
  /** Attempts failed since a log was last read. */
  readonly failures: number;
  readonly retryAtMs: number;
  readonly failure: Failure | null;
  /** Last good log; it outlives the session. */
  readonly log: DiscoveryLog | null;
  readonly logAtMs: number;
  /** The log was read in the present session. */
  readonly logCurrent: boolean;
  readonly logReads: number;
  readonly events: number;
  readonly lastEventMs: number | null;
}

export interface ProbeFact {
  readonly probing: boolean;
  /** The address counts as reachable until then; 0 never proven. */
  readonly provenUntilMs: number;
  readonly failures: number;
  readonly retryAtMs: number;
  readonly failure: Failure | null;
}

/** What an attempt is made with: the host identifier that the entry asks for, and all options. */
export type Attempt = Pick<Path, "hostid" | "options">;

export interface ConnectFact {
  /**
   * `asking`: we try ourselves whether the target answers a Connect. `done`: the kernel said yes (or "already") at
   * `doneAtMs`; sysfs has the last word.
   */
  readonly state: "idle" | "asking" | "connecting" | "done";
  readonly doneAtMs: number;
  readonly already: boolean;
  /** The target has answered a Connect of ours for it, which counts until then; 0 never. */
  readonly answeredUntilMs: number;
  /** What it answered, when it refused; kept for as long as connects fail. */
  readonly refusal: Failure | null;
  /** It left our last Connect without an answer. */
  readonly mute: boolean;
  /** How long the last connect that failed held the kernel though the target was right to ask, ms. */
  readonly heldMs: number;
  readonly failures: number;
  readonly retryAtMs: number;
  readonly failure: Failure | null;
  /** What the last attempt was made with; null without one. With anything else it need not wait. */
  readonly triedWith: Attempt | null;
}

/** What a lost controller's secrets were compared with, or are being. */
export interface RenewalFact {
  readonly device: string;
  readonly secrets: Pick<ConnectOptions, "dhchapSecret" | "dhchapCtrlSecret">;
  readonly pending: boolean;
}

export interface ControllersFact {
  readonly list: readonly Controller[];
  /** When the reading began: what the kernel did later is not in it. */
  readonly readAtMs: number;
}

export interface KernelFact {
  /** /dev/nvme-fabrics answers. null: not asked yet. */
  readonly present: boolean | null;
  readonly failure: Failure | null;
  /** Option tokens known, null where the kernel cannot tell. */
  readonly options: ReadonlySet<string> | null;
}

/** An endpoint on the list, and why. */
export interface Member {
  readonly key: string;
  readonly endpoint: Endpoint;
  /** Keys of endpoints whose last good log names it; a configured one may have none. */
  readonly namedBy: readonly string[];
  /** Referrals followed from a configured endpoint. */
  readonly depth: number;
  /** A configured endpoint that the live members disown: its word counts for nothing, and it is seldom asked. */
  readonly retired: boolean;
  /** When it was last taken back from retirement to be tried anew: what failed before that counts no more. */
  readonly triedAgainMs?: number;
  readonly reason: string;
}

export interface ClusterState {
  readonly members: readonly Member[];
  /** Since when no member is live; null while one is. */
  readonly silentSinceMs: number | null;
  /** Changes with the cluster's entries; null in a list just remembered. */
  readonly entriesStamp: string | null;
  /** What could not be taken in, in words. */
  readonly notes: readonly string[];
}

export type EndpointList = ReadonlyMap<string, ClusterState>;

export const newSessionFact = (endpoint: Endpoint, nowMs: number): SessionFact => ({
  endpoint,
  state: "idle",
  sinceMs: nowMs,
  failures: 0,
  retryAtMs: 0,
  failure: null,
  log: null,
  logAtMs: 0,
  logCurrent: false,
  logReads: 0,
  events: 0,
  lastEventMs: null,
});

export const newProbeFact: ProbeFact = {
  probing: false,
  provenUntilMs: 0,
  failures: 0,
  retryAtMs: 0,
  failure: null,
};

export const newConnectFact: ConnectFact = {
  state: "idle",
  doneAtMs: 0,
  already: false,
  answeredUntilMs: 0,
  refusal: null,
  mute: false,
  heldMs: 0,
  failures: 0,
  retryAtMs: 0,
  failure: null,
  triedWith: null,
};

/** A member whose word counts now: its session is live and its log was read in it. */
export function isWitness(session: SessionFact | undefined): session is SessionFact & { log: DiscoveryLog } {
  return session !== undefined && session.state === "live" && session.logCurrent && session.log !== null;
}

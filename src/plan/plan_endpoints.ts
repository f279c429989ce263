/**
 * Which discovery endpoints a cluster has: its configured ones and those that referrals name, less those that the
 * cluster itself disowns. Pure and level-triggered: from the list as it was, the entries as they are, and the words of
 * the witnesses (`testimony.ts`).
 *
 * - A witness's referral adds an endpoint; only a witness can add or take back.
 * - A referral endpoint leaves when no witness names it and one that named it has taken it back. While those who
 *   named it are merely unreachable it stays: unknown is not empty. When those that named it have left the list
 *   themselves, or only named each other, it leaves as soon as there is a witness. If nobody is known to have named it
 *   (an old state file), it leaves when witnesses publish referrals and none names it.
 * - A configured endpoint stays, and may retire: `configured_member.ts`.
 */
import { limits } from "../base/limits.ts";
import { discoveryNqn } from "../nvme/spec.ts";
import { sameConnectOptions } from "../model/connect_options.ts";
import { type Endpoint, endpointLabel } from "../model/endpoint.ts";
import type { ConfiguredCluster } from "./configured.ts";
import { configuredMember } from "./configured_member.ts";
import type { ClusterState, Member, SessionFact } from "./facts.ts";
import { type ClusterContext, gatherTestimony, labels, type Named, nextNamers } from "./testimony.ts";

export interface ClusterInput {
  readonly previous: ClusterState | undefined;
  /** Null while the directory has never been read: then the list stands as it is. */
  readonly configured: ConfiguredCluster | undefined | null;
  readonly sessions: ReadonlyMap<string, SessionFact>;
  /** See Policy; true when left out. */
  readonly followReferrals?: boolean;
  readonly nowMs: number;
}

/**
 * The next state of one cluster, or null when no file names it any more. A referral has its options from the endpoint
 * that names it, and that one perhaps from another: so it is worked out again until it rests, for nothing but a change
 * of facts brings another pass.
 */
export function planCluster(input: ClusterInput): ClusterState | null {
  const { previous } = input;
  let before = previous;
  let state = planStep(input);
  for (let depth = 0; depth <= limits.referralDepthMax && state !== null && state !== before; depth++) {
    before = state;
    state = planStep({ ...input, previous: before });
  }
  return state !== null && previous !== undefined && sameClusterState(previous, state) ? previous : state;
}

function planStep(options: ClusterInput): ClusterState | null {
  const { previous, sessions, followReferrals = true, nowMs } = options;
  if (options.configured === undefined) return null;
  const configured = options.configured ?? configuredFromMemory(previous);
  const before = new Map((previous?.members ?? []).map((member) => [member.key, member]));
  const testimony = gatherTestimony(followReferrals ? previous?.members ?? [] : [], sessions);
  const anyLive = [...before.keys()].some((key) => sessions.get(key)?.state === "live");
  const silentSinceMs = anyLive ? null : previous?.silentSinceMs ?? nowMs;
  const context: ClusterContext = {
    before,
    testimony,
    sessions,
    entriesChanged: (previous?.entriesStamp ?? configured.stamp) !== configured.stamp,
    stranded: silentSinceMs !== null && nowMs - silentSinceMs >= limits.strandedAfterMs,
    nowMs,
  };
  const notes = [...configured.notes];
  const members: Member[] = [];
  for (const [key, endpoint] of configured.endpoints) members.push(configuredMember(context, key, endpoint));
  members.push(...inFormerOrder(context, referralMembers(context, configured.endpoints, notes)));
  const next = {
    members: capMembers(context, members, notes),
    silentSinceMs,
    entriesStamp: configured.stamp,
    notes,
  };
  return previous !== undefined && sameClusterState(previous, next) ? previous : next;
}

/** A list that did not change stays the same object, so that those who save and report it can tell at a glance. */
function sameClusterState(a: ClusterState, b: ClusterState): boolean {
  return a.silentSinceMs === b.silentSinceMs && a.entriesStamp === b.entriesStamp &&
    sameItems(a.notes, b.notes, Object.is) && sameItems(a.members, b.members, sameMember);
}

function sameMember(a: Member, b: Member): boolean {
  return a.key === b.key && a.retired === b.retired && a.reason === b.reason && a.depth === b.depth &&
    a.triedAgainMs === b.triedAgainMs &&
    sameItems(a.namedBy, b.namedBy, Object.is) && sameEndpoint(a.endpoint, b.endpoint);
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  if (a === b) return true;
  return a.source === b.source && a.hostid === b.hostid && a.hostName === b.hostName &&
    a.discoveryNqn === b.discoveryNqn && a.secretsUnknown === b.secretsUnknown &&
    sameConnectOptions(a.options, b.options) &&
    sameItems(a.origins, b.origins, (x, y) => x.file === y.file && x.line === y.line);
}

function sameItems<T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): boolean {
  return a.length === b.length && a.every((item, at) => same(item, b[at]!));
}

function configuredFromMemory(previous: ClusterState | undefined): ConfiguredCluster {
  const users = (previous?.members ?? []).filter((member) => member.endpoint.source === "user");
  return {
    endpoints: new Map(users.map((member) => [member.key, member.endpoint])),
    stamp: previous?.entriesStamp ?? "remembered",
    notes: [],
  };
}

/**
 * Who was on the list keeps its place, who is new comes last. By the order in which the logs name them the order would
 * depend on itself: it could change with every pass, and each time the list would be saved for nothing.
 */
function inFormerOrder({ before }: ClusterContext, members: Member[]): Member[] {
  const places = new Map([...before.keys()].map((key, at) => [key, at]));
  const placeOf = ({ key }: Member) => places.get(key) ?? places.size;
  return members.sort((a, b) => placeOf(a) - placeOf(b));
}

function referralMembers(
  context: ClusterContext,
  configured: ReadonlyMap<string, Endpoint>,
  notes: string[],
): Member[] {
  const members: Member[] = [];
  for (const [key, named] of context.testimony.named) {
    if (configured.has(key)) continue;
    const member = namedMember(context, configured, key, named);
    if (member.depth <= limits.referralDepthMax) members.push(member);
    else {
      notes.push(
        `Referral to ${endpointLabel(member.endpoint)} left out: ` +
          `more than ${limits.referralDepthMax} referrals deep`,
      );
    }
  }
  const vouched = vouchedFor(context, configured);
  for (const [key, previous] of context.before) {
    if (configured.has(key) || context.testimony.named.has(key)) continue;
    const member = unnamedMember(context, configured, vouched, previous);
    if (member !== null) members.push(member);
  }
  return members;
}

/**
 * Members that a file or a witness stands for, and those that they named, and so on. Two that are gone and named each
 * other vouch for nobody.
 */
function vouchedFor(
  { before, testimony }: ClusterContext,
  configured: ReadonlyMap<string, Endpoint>,
): ReadonlySet<string> {
  const vouched = new Set([...configured.keys(), ...testimony.witnesses, ...testimony.named.keys()]);
  const left = new Set([...before.values()].filter(({ key }) => !vouched.has(key)));
  for (let found = true; found;) {
    found = false;
    for (const member of left) {
      if (!member.namedBy.some((namer) => before.has(namer) && vouched.has(namer))) continue;
      vouched.add(member.key);
      left.delete(member);
      found = true;
    }
  }
  return vouched;
}

/** A referral inherits host identity and options of the entry that led to it. */
function namedMember(
  context: ClusterContext,
  configured: ReadonlyMap<string, Endpoint>,
  key: string,
  { referral, by }: Named,
): Member {
  const namer = by.reduce((best, member) => member.depth < best.depth ? member : best);
  const previous = context.before.get(key);
  const namedBy = nextNamers(context, key);
  const { hostid, options, secretsUnknown } = inheritance(context, configured, namedBy) ?? namer.endpoint;
  const endpoint: Endpoint = {
    cluster: namer.endpoint.cluster,
    transport: "tcp",
    traddr: referral.traddr,
    trsvcid: referral.trsvcid,
    hostid,
    discoveryNqn: referral.subnqn === discoveryNqn ? undefined : referral.subnqn,
    options,
    ...(secretsUnknown ? { secretsUnknown } : {}),
    source: "referral",
    origins: [],
  };
  return {
    key,
    endpoint,
    namedBy,
    depth: Math.min(namer.depth + 1, previous?.depth ?? Infinity),
    retired: false,
    reason: `referral of ${labels(by)}`,
  };
}

/** A member that no witness names: stays only while nobody who could know has taken it back. */
function unnamedMember(
  context: ClusterContext,
  configured: ReadonlyMap<string, Endpoint>,
  vouched: ReadonlySet<string>,
  previous: Member,
): Member | null {
  const { before, testimony } = context;
  const namers = previous.namedBy.filter((namer) => before.has(namer));
  if (namers.some((namer) => testimony.witnesses.has(namer))) return null;
  if (previous.namedBy.length > 0 && !namers.some((namer) => vouched.has(namer))) {
    // Nobody that counts named it: it stays while nobody is left who could know better.
    return testimony.witnesses.size > 0 ? null : previous;
  }
  if (namers.length === 0) {
    // Nobody known named it: a configured endpoint whose line is gone, or an old state file.
    if (previous.endpoint.source === "user") return null;
    if ([...testimony.publishers].some((publisher) => publisher !== previous.key)) return null;
    const endpoint = { ...previous.endpoint, ...inheritance(context, configured, []) };
    return { ...previous, endpoint, namedBy: [], reason: "remembered referral" };
  }
  const absent = namers.flatMap((namer) => before.get(namer) ?? []);
  const endpoint: Endpoint = {
    ...previous.endpoint,
    ...inheritance(context, configured, namers),
    source: "referral",
    origins: [],
  };
  const reason = `referral of ${labels(absent)}, which cannot be asked now`;
  return { ...previous, endpoint, namedBy: namers, retired: false, reason };
}

/**
 * Identity and options of the entry that led to a referral: the nearest one along those who name it or did when they
 * were last heard, of several the first. Not those of a namer that is live: its own may be inherited, from us perhaps,
 * and who is live changes, with each change of options opening the session anew. Without a trail, of the cluster's
 * first entry.
 */
function inheritance(
  { before }: ClusterContext,
  configured: ReadonlyMap<string, Endpoint>,
  namers: readonly string[],
): Pick<Endpoint, "hostid" | "options" | "secretsUnknown"> | undefined {
  const seen = new Set(namers);
  for (let step = [...namers]; step.length > 0;) {
    const entry = firstEntry(configured, step);
    if (entry !== undefined) return inherited(entry);
    const next: string[] = [];
    for (const namer of step.flatMap((key) => before.get(key)?.namedBy ?? [])) {
      if (seen.has(namer)) continue;
      seen.add(namer);
      next.push(namer);
    }
    step = next;
  }
  const [first] = configured.values();
  return first === undefined ? undefined : inherited(first);
}

/** In the order of the files, whatever the order of the keys. */
function firstEntry(
  configured: ReadonlyMap<string, Endpoint>,
  keys: readonly string[],
): Endpoint | undefined {
  const found = new Set(keys.filter((key) => configured.has(key)));
  if (found.size <= 1) return configured.get([...found][0] ?? "");
  for (const [key, endpoint] of configured) if (found.has(key)) return endpoint;
}

function inherited({ hostid, options, secretsUnknown }: Endpoint) {
  return { hostid, options, secretsUnknown };
}

/**
 * Whom the bound leaves out must not change who is left out: a log that names thousands would otherwise drive out its
 * own endpoint, and with it its word, over and over. So the configured stay, then those that are live, then those
 * that many name, then those that were there.
 */
function capMembers({ before, sessions }: ClusterContext, members: Member[], notes: string[]): Member[] {
  const most = limits.endpointsPerClusterMax;
  if (members.length <= most) return members;
  notes.push(`${members.length - most} endpoints left out: a cluster may have ${most}`);
  const ranks = new Map(members.map((member) => {
    const isLive = sessions.get(member.key)?.state === "live";
    return [member, [member.depth === 0, isLive, member.namedBy.length, before.has(member.key)].map(Number)];
  }));
  const compare = (a: Member, b: Member) => {
    const [x, y] = [ranks.get(a)!, ranks.get(b)!];
    const at = x.findIndex((value, index) => value !== y[index]);
    return at < 0 ? 0 : y[at]! - x[at]!;
  };
  const kept = new Set(members.toSorted(compare).slice(0, most));
  return members.filter((member) => kept.has(member));
}

/**
 * Which discovery sessions to open and to close: one for every member of every list, no other; to one that is retired
 * seldom. Pure.
 */
import { limits } from "../base/limits.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { EndpointList, Member, SessionFact } from "./facts.ts";

export interface SessionPlan {
  readonly open: readonly { readonly key: string; readonly endpoint: Endpoint; readonly reason: string }[];
  readonly close: readonly { readonly key: string; readonly reason: string }[];
  /** Facts to forget: neither wanted nor open. */
  readonly forget: readonly string[];
  /** When the next retry is due; Infinity for none. */
  readonly wakeAtMs: number;
}

export function planSessions(
  list: EndpointList,
  sessions: ReadonlyMap<string, SessionFact>,
  nowMs: number,
): SessionPlan {
  const members = new Map([...list.values()].flatMap((cluster) => cluster.members.map((it) => [it.key, it])));
  const close: { key: string; reason: string }[] = [];
  const forget: string[] = [];
  let opening = 0;
  for (const [key, session] of sessions) {
    const member = members.get(key);
    if (session.state === "opening") opening++;
    if (member === undefined) {
      if (session.state === "idle") forget.push(key);
      else if (session.state !== "closing") close.push({ key, reason: "no longer on the endpoint list" });
    } else if ((session.state === "opening" || session.state === "live") && !sameIdentity(session, member)) {
      close.push({ key, reason: "its host identity, source or digests changed" });
    }
  }
  return { ...planOpens(members, sessions, nowMs, opening), close, forget };
}

/** When a session that is not open is due, ms; 0 for at once. What failed before its endpoint was tried anew is past. */
export function sessionRetryAtMs(
  { retired, triedAgainMs = -Infinity }: Member,
  session?: SessionFact,
): number {
  if (session === undefined || !session.failure) return session?.retryAtMs ?? 0;
  const { retryAtMs, failure: { atMs } } = session;
  if (retired) return Math.max(retryAtMs, atMs + limits.retiredRetryMs);
  return atMs < triedAgainMs ? 0 : retryAtMs;
}

/**
 * Of what the session was opened with, the parts that a discovery session depends on; the other options are for the
 * kernel's connects alone.
 */
function sameIdentity({ endpoint }: SessionFact, member: Member): boolean {
  const wanted = member.endpoint;
  return endpoint.hostid === wanted.hostid && endpoint.discoveryNqn === wanted.discoveryNqn &&
    sameConnection(endpoint.options, wanted.options);
}

function sameConnection(a: ConnectOptions, b: ConnectOptions): boolean {
  if (a === b) return true;
  const { hdrDigest = false, dataDigest = false } = b;
  return a.hostTraddr === b.hostTraddr && a.hostIface === b.hostIface &&
    (a.hdrDigest ?? false) === hdrDigest && (a.dataDigest ?? false) === dataDigest;
}

/**
 * New endpoints first, then those with the fewest failures: the dead never fill the room of the new, and keep a part
 * of the room to themselves.
 */
function planOpens(
  members: ReadonlyMap<string, Member>,
  sessions: ReadonlyMap<string, SessionFact>,
  nowMs: number,
  opening: number,
): Pick<SessionPlan, "open" | "wakeAtMs"> {
  const due: { member: Member; failures: number }[] = [];
  let wakeAtMs = Infinity;
  for (const member of members.values()) {
    const session = sessions.get(member.key);
    if (session !== undefined && session.state !== "idle") continue;
    const retryAtMs = sessionRetryAtMs(member, session);
    if (retryAtMs <= nowMs) due.push({ member, failures: session?.failures ?? (member.retired ? 1 : 0) });
    else wakeAtMs = Math.min(wakeAtMs, retryAtMs);
  }
  due.sort((a, b) => a.failures - b.failures);
  const open: { key: string; endpoint: Endpoint; reason: string }[] = [];
  for (const { member, failures } of due) {
    const room = (failures === 0 ? limits.sessionsOpeningMax : limits.sessionsReopeningMax) - opening;
    // No timer is needed for those left over: every session that opens or fails brings another pass.
    if (room <= open.length) break;
    const reason = failures === 0 ? member.reason : `${member.reason}; attempt ${failures + 1}`;
    open.push({ key: member.key, endpoint: member.endpoint, reason });
  }
  return { open, wakeAtMs };
}

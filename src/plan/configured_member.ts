/**
 * What becomes of a configured endpoint. It retires when it failed more than once, nobody answers there, and witnesses
 * publish referrals that leave it out; from then on it is asked seldom (`plan_sessions.ts`). It is back as soon as it
 * answers or is named, and is tried anew when its cluster's entries change or its cluster is silent.
 */
import { limits } from "../base/limits.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { Member } from "./facts.ts";
import { isUnreachable } from "./retry.ts";
import { type ClusterContext, labels, nextNamers } from "./testimony.ts";

export function configuredMember(context: ClusterContext, key: string, endpoint: Endpoint): Member {
  const { before, testimony, sessions, stranded, entriesChanged, nowMs } = context;
  const previous = before.get(key);
  const named = testimony.named.get(key);
  const namedBy = nextNamers(context, key);
  const keep = (reason: string, triedAgainMs = previous?.triedAgainMs): Member => {
    const tried = triedAgainMs === undefined ? {} : { triedAgainMs };
    return { key, endpoint, namedBy, depth: 0, retired: false, reason, ...tried };
  };
  const session = sessions.get(key);
  if (session?.state === "live") return keep("configured, session is live");
  if (named !== undefined) return keep(`configured, and named by ${labels(named.by)}`);
  const failure = session?.failure;
  // Who answers, if only wrongly, is there still.
  if (failure && !isUnreachable(failure)) return keep("configured");
  if (previous?.retired === true) {
    if (stranded) return keep("configured; tried again, the cluster has no live member", nowMs);
    if (entriesChanged) return keep("configured; tried again, its cluster's entries changed", nowMs);
    return { ...previous, endpoint };
  }
  const disowned = [...testimony.publishers].some((publisher) => publisher !== key);
  const isPast = failure && failure.atMs < (previous?.triedAgainMs ?? -Infinity);
  if (!disowned || isPast || (session?.failures ?? 0) < limits.retireAfterFailures) return keep("configured");
  const publishers = labels(publisherMembers(context));
  const reason = `left the cluster: unreachable, and the referrals of ${publishers} leave it out`;
  return { key, endpoint, namedBy: [], depth: 0, retired: true, reason };
}

function publisherMembers({ before, testimony }: ClusterContext): Member[] {
  return [...testimony.publishers].flatMap((key) => before.get(key) ?? []);
}

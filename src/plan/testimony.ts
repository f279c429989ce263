/**
 * What the witnesses of a cluster say: members with a live session and a log read in it. Who names whom, now and when
 * it was last heard. Decides nothing.
 */
import type { DiscoveryRecord } from "../nvme/discovery_log.ts";
import { recordSubtype } from "../nvme/spec.ts";
import type { DiscoveryLog } from "../protocol/log_reader.ts";
import { type Endpoint, endpointKey, endpointLabel } from "../model/endpoint.ts";
import { isWitness, type Member, type SessionFact } from "./facts.ts";
import { linkOf, recordAddress } from "./record_address.ts";

export interface Named {
  readonly referral: Referral;
  /** Witness members that name it, in list order. */
  readonly by: Member[];
}

export interface Testimony {
  /** Keys of members whose word counts. */
  readonly witnesses: ReadonlySet<string>;
  /** Witnesses whose logs carry referrals. */
  readonly publishers: ReadonlySet<string>;
  /** By endpoint key; nobody's naming of itself counts. */
  readonly named: ReadonlyMap<string, Named>;
}

export function gatherTestimony(
  members: readonly Member[],
  sessions: ReadonlyMap<string, SessionFact>,
): Testimony {
  const witnesses = new Set<string>();
  const publishers = new Set<string>();
  const named = new Map<string, Named>();
  for (const member of members) {
    const session = sessions.get(member.key);
    if (member.retired || !isWitness(session)) continue;
    witnesses.add(member.key);
    for (const referral of referralsOf(session.log, member.endpoint)) {
      const { key } = referral;
      publishers.add(member.key);
      if (key === member.key) continue;
      const known = named.get(key);
      if (known === undefined) named.set(key, { referral, by: [member] });
      else known.by.push(member);
    }
  }
  return { witnesses, publishers, named };
}

/** An endpoint that a log names; records that lead nowhere are none, and told by `wantedPaths`. */
export interface Referral {
  readonly key: string;
  readonly traddr: string;
  readonly trsvcid: number;
  readonly subnqn: string;
}

/** A log never changes once read, and each belongs to one endpoint: its referrals are worked out once for a link. */
const referralsByLog = new WeakMap<DiscoveryLog, { link: string | undefined; referrals: Referral[] }>();

export function referralsOf(log: DiscoveryLog, endpoint: Endpoint): readonly Referral[] {
  const link = linkOf(endpoint);
  const known = referralsByLog.get(log);
  if (known !== undefined && known.link === link) return known.referrals;
  const records = log.records.filter(({ subtype }) => subtype === recordSubtype.referral);
  const referrals = records.flatMap((record) => toReferral(record, endpoint) ?? []);
  referralsByLog.set(log, { link, referrals });
  return referrals;
}

function toReferral(record: DiscoveryRecord, endpoint: Endpoint): Referral | null {
  const address = recordAddress(record, endpoint);
  if (address.problem !== undefined) return null;
  const { traddr, trsvcid } = address;
  const key = endpointKey({ cluster: endpoint.cluster, transport: "tcp", traddr, trsvcid });
  return { key, traddr, trsvcid, subnqn: record.subnqn };
}

/** What the next list is made of. */
export interface ClusterContext {
  readonly before: ReadonlyMap<string, Member>;
  readonly testimony: Testimony;
  readonly sessions: ReadonlyMap<string, SessionFact>;
  readonly entriesChanged: boolean;
  readonly stranded: boolean;
  readonly nowMs: number;
}

/** Witnesses that name it now, and absent ones that did when they were last heard. */
export function nextNamers({ before, testimony }: ClusterContext, key: string): string[] {
  const now = testimony.named.get(key)?.by.map((member) => member.key) ?? [];
  const absent =
    before.get(key)?.namedBy.filter((namer) =>
      namer !== key && before.has(namer) && !testimony.witnesses.has(namer)
    ) ?? [];
  return [...now, ...absent];
}

/** The first few by name. */
export function labels(members: readonly Member[]): string {
  const names = members.slice(0, 3).map((member) => endpointLabel(member.endpoint));
  const more = members.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

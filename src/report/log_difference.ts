/** What changed from one reading of a discovery log to the next, in words: which records came, went or changed. Pure. */
import { formatHostPort } from "../base/address.ts";
import { limits } from "../base/limits.ts";
import { type DiscoveryRecord, isSameRecord } from "../nvme/discovery_log.ts";
import { recordSubtype } from "../nvme/spec.ts";

/**
 * `came: nqn.a at 10.0.0.1:4420; went: referral to 10.0.0.9:8009`; empty where every record says what it said. What
 * the target wrote is in it as it stands.
 */
export function logDifference(before: readonly DiscoveryRecord[], after: readonly DiscoveryRecord[]): string {
  const old = new Map<string, DiscoveryRecord[]>();
  for (const record of before) {
    const same = old.get(identity(record));
    if (same === undefined) old.set(identity(record), [record]);
    else same.push(record);
  }
  const came: string[] = [];
  const changed: string[] = [];
  for (const record of after) {
    const known = old.get(identity(record)) ?? [];
    const at = Math.max(0, known.findIndex((other) => isSameRecord(other, record)));
    const [match] = known.splice(at, 1);
    if (match === undefined) came.push(recordLabel(record));
    else if (!isSameRecord(match, record)) {
      changed.push(`${recordLabel(record)} (${changedFields(match, record)})`);
    }
  }
  const went = [...old.values()].flat().map(recordLabel);
  const lists = [listText("came", came), listText("went", went), listText("changed", changed)];
  return lists.filter((text) => text !== "").join("; ");
}

/** What a record leads to; the rest is about how. */
function identity({ subtype, subnqn, traddr, trsvcid, trtype }: DiscoveryRecord): string {
  return `${subtype} ${trtype} ${subnqn} ${traddr} ${trsvcid}`;
}

function recordLabel({ subtype, subnqn, traddr, trsvcid }: DiscoveryRecord): string {
  const address = formatHostPort(traddr, trsvcid);
  if (subtype === recordSubtype.referral) return `referral to ${address}`;
  return subtype === recordSubtype.nvm ? `${subnqn} at ${address}` : `its own address ${address}`;
}

function listText(what: string, labels: readonly string[]): string {
  if (labels.length === 0) return "";
  const shown = labels.slice(0, limits.recordsToldMax).join(", ");
  const more = labels.length - limits.recordsToldMax;
  return `${what}: ${shown}${more > 0 ? ` and ${more} more` : ""}`;
}

const fieldNames = {
  portid: "port ID",
  cntlid: "controller ID",
  treq: "transport requirements",
  sectype: "security type",
  adrfam: "address family",
  asqsz: "admin queue size",
  eflags: "flags",
} as const;

function changedFields(before: DiscoveryRecord, after: DiscoveryRecord): string {
  const names = Object.keys(fieldNames) as (keyof typeof fieldNames)[];
  const changes = names.filter((name) => before[name] !== after[name])
    .map((name) => `${fieldNames[name]} ${before[name]} → ${after[name]}`);
  return changes.length === 0 ? "what is wrong with it" : changes.join(", ");
}

/**
 * What hosts were ever told by a fabric's discovery logs: the ground truth for "no log ever named it" and for "this
 * is no page that anybody served". Written when a log is read over a connection, never when a test asks. It does not
 * decode: a decoder that is wrong shall not be proved right by itself.
 */
import { canonicalAddress, isIpAddress } from "../../src/base/address.ts";
import type { DiscoveryRecord } from "../../src/nvme/discovery_log.ts";
import { recordSubtype, transportType } from "../../src/nvme/spec.ts";
import type { FabricRecord } from "./fabric_log.ts";

const nothing: ReadonlySet<string> = new Set();

/** What there is to know of a page. */
export interface ServedPage {
  readonly digest: string;
  readonly records: readonly FabricRecord[];
}

export class Served {
  readonly #named = new Map<string, Set<string>>();
  readonly #referred = new Map<string, Set<string>>();
  readonly #pages = new Map<string, Set<string>>();
  readonly #recorded = new WeakSet<ServedPage>();

  /** `traddr trsvcid subnqn` of every NVM record over TCP that this host was told. */
  named(hostnqn: string): ReadonlySet<string> {
    return this.#named.get(hostnqn) ?? nothing;
  }

  /** `traddr trsvcid` of every referral over TCP that this host was told. */
  referred(hostnqn: string): ReadonlySet<string> {
    return this.#referred.get(hostnqn) ?? nothing;
  }

  /** `pageDigest` of every page as it stood when the node's log was read by this host, in part or whole. */
  pages(nodeId: string, hostnqn: string): ReadonlySet<string> {
    return this.#pages.get(`${nodeId} ${hostnqn}`) ?? nothing;
  }

  /** A page is one object, of one node and for one host: what it tells is noted once. */
  record(nodeId: string, hostnqn: string, page: ServedPage): void {
    if (this.#recorded.has(page)) return;
    this.#recorded.add(page);
    setOf(this.#pages, `${nodeId} ${hostnqn}`).add(page.digest);
    const named = setOf(this.#named, hostnqn);
    const referred = setOf(this.#referred, hostnqn);
    for (const record of page.records) {
      const { trtype = transportType.tcp, subtype = recordSubtype.nvm, raw } = record;
      // Random bytes name nothing, and we speak TCP alone.
      if (raw !== undefined || trtype !== transportType.tcp) continue;
      const place = canonicalPlace(record.traddr ?? "", record.trsvcid ?? "");
      if (subtype === recordSubtype.nvm) named.add(`${place} ${paddedText(record.subnqn ?? "")}`);
      if (subtype === recordSubtype.referral) referred.add(place);
    }
  }
}

function setOf(sets: Map<string, Set<string>>, key: string): Set<string> {
  let set = sets.get(key);
  if (set === undefined) sets.set(key, set = new Set());
  return set;
}

/** A field's text as the specification has it: up to the first NUL, without the spaces that pad it. */
function paddedText(field: string): string {
  const nul = field.indexOf("\0");
  const text = nul < 0 ? field : field.slice(0, nul);
  return text.endsWith(" ") ? text.replace(/ +$/, "") : text;
}

const canonicalAddresses = new Map<string, string>();
/** A long search meets many odd texts; the few real addresses are soon known again. */
const canonicalAddressesMax = 1_000;

/** `traddr trsvcid`, the address in its canonical spelling if it is one. */
export function canonicalPlace(traddr: string, trsvcid: string): string {
  return `${canonicalText(traddr)} ${paddedText(trsvcid)}`;
}

/** Of an address in any spelling, padding and all; other text stays as it is. */
export function canonicalText(traddr: string): string {
  let known = canonicalAddresses.get(traddr);
  if (known === undefined) {
    const text = paddedText(traddr);
    known = isIpAddress(text) ? canonicalAddress(text) : text;
    if (canonicalAddresses.size >= canonicalAddressesMax) canonicalAddresses.clear();
    canonicalAddresses.set(traddr, known);
  }
  return known;
}

/** What of a record a digest is made of. */
export type DigestedRecord = Pick<DiscoveryRecord, "subtype" | "traddr" | "trsvcid" | "subnqn">;

/** `genctr:count:hash`: tells pages apart by generation and by what their records say, as a host decodes them. */
export function pageDigest(genctr: bigint, records: readonly DigestedRecord[]): string {
  let hash = 0x811c9dc5;
  for (const { subtype, traddr, trsvcid, subnqn } of records) {
    const text = `${subtype} ${traddr} ${trsvcid} ${subnqn}\n`;
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return `${genctr}:${records.length}:${hash >>> 0}`;
}

/**
 * What hosts were ever told by a fabric's discovery logs: the ground truth for "no log ever named it" and for "this
 * is no page that anybody served". Written when a log is read over a connection, never when a test asks.
 */
import { canonicalAddress, isIpAddress } from "../../src/base/address.ts";
import type { DiscoveryRecord } from "../../src/nvme/discovery_log.ts";
import { recordSubtype } from "../../src/nvme/spec.ts";
import type { FabricRecord } from "./fabric_log.ts";

const nothing: ReadonlySet<string> = new Set();

export class Served {
  readonly #named = new Map<string, Set<string>>();
  readonly #referred = new Map<string, Set<string>>();
  readonly #pages = new Map<string, Set<string>>();

  /** `traddr trsvcid subnqn` of every NVM record that this host was told. */
  named(hostnqn: string): ReadonlySet<string> {
    return this.#named.get(hostnqn) ?? nothing;
  }

  /** `traddr trsvcid` of every referral that this host was told. */
  referred(hostnqn: string): ReadonlySet<string> {
    return this.#referred.get(hostnqn) ?? nothing;
  }

  /** `pageDigest` of every page as it stood when the node's log was read by this host, in part or whole. */
  pages(nodeId: string, hostnqn: string): ReadonlySet<string> {
    return this.#pages.get(`${nodeId} ${hostnqn}`) ?? nothing;
  }

  record(
    nodeId: string,
    hostnqn: string,
    page: { readonly digest: string; readonly records: readonly FabricRecord[] },
  ): void {
    put(this.#pages, `${nodeId} ${hostnqn}`, page.digest);
    for (const { subtype, traddr = "", trsvcid = "", subnqn = "", raw } of page.records) {
      if (raw !== undefined) continue;
      const place = `${isIpAddress(traddr) ? canonicalAddress(traddr) : traddr} ${trsvcid}`;
      if (subtype === recordSubtype.nvm) put(this.#named, hostnqn, `${place} ${subnqn}`);
      if (subtype === recordSubtype.referral) put(this.#referred, hostnqn, place);
    }
  }
}

function put(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}

/** Tells pages apart by generation and by what their records say, as a host decodes them. */
export function pageDigest(
  genctr: bigint,
  records: readonly Pick<DiscoveryRecord, "subtype" | "traddr" | "trsvcid" | "subnqn">[],
): string {
  let hash = 0x811c9dc5;
  for (const { subtype, traddr, trsvcid, subnqn } of records) {
    const text = `${subtype} ${traddr} ${trsvcid} ${subnqn}\n`;
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return `${genctr}:${records.length}:${hash >>> 0}`;
}

/** A discovery log for people and for programs. All records are shown, whatever they hold. */
import type { DiscoveryRecord } from "../nvme/discovery_log.ts";
import { recordSubtype, transportType } from "../nvme/spec.ts";
import { formatTable } from "./table.ts";

/** The predecessor's shape; a port that is no number is 0. */
export function logObject(records: readonly DiscoveryRecord[]): Record<string, unknown>[] {
  return records.map(({ portid, cntlid, trsvcid, subnqn, traddr, subtype }) => ({
    portid,
    cntlid,
    trsvcid: /^\d{1,9}$/.test(trsvcid) ? Number(trsvcid) : 0,
    subnqn,
    traddr,
    subtype,
  }));
}

export function logTable(records: readonly DiscoveryRecord[]): string {
  const rows = records.map((record) => [
    nameOf(recordSubtype, record.subtype),
    nameOf(transportType, record.trtype),
    record.traddr,
    record.trsvcid,
    String(record.portid),
    String(record.cntlid),
    record.subnqn,
    record.problem ?? "",
  ]);
  return formatTable(
    ["TYPE", "TRANSPORT", "TRADDR", "TRSVCID", "PORTID", "CNTLID", "SUBNQN", "PROBLEM"],
    rows,
  );
}

/** The word of the specification for a number, or the number. */
function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? String(value);
}

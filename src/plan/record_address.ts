/**
 * Where a log record leads: its address as seen from this host, relative to the endpoint whose log it is. A record
 * that leads nowhere is refused in words. One rule for paths and for referrals; decides nothing else about them.
 */
import { formatIpAddress, type IpAddress, parseIpAddress } from "../base/address.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { DiscoveryRecord } from "../nvme/discovery_log.ts";
import { transportType } from "../nvme/spec.ts";

/** A TCP address to dial, canonical and with its scope; or why there is none. */
export type RecordAddress =
  | { readonly traddr: string; readonly trsvcid: number; readonly problem?: undefined }
  | { readonly problem: string };

/** What of an endpoint its records' addresses depend on. */
export type Reporter = Pick<Endpoint, "traddr" | "options">;

export function recordAddress(record: DiscoveryRecord, reporter: Reporter): RecordAddress {
  const { trtype, traddr, trsvcid } = record;
  if (trtype !== transportType.tcp) {
    return { problem: `transport type ${transportName(trtype)} is not supported, only TCP` };
  }
  if (record.problem !== undefined) return { problem: record.problem };
  const address = parseIpAddress(traddr);
  if (address === null) return { problem: `TRADDR ${traddr} is no IP address` };
  // The kernel takes `0.0.0.0` and `::`, in any spelling, for this very host.
  if (address.bytes.every((byte) => byte === 0)) {
    return { problem: `TRADDR ${traddr} is no address to connect to: the target listens on all of its own` };
  }
  const scope = address.scope ?? (isLinkLocal(address) ? linkOf(reporter) : undefined);
  return { traddr: formatIpAddress({ ...address, scope }), trsvcid: Number(trsvcid) };
}

/** Link on which the endpoint's log came: the scope of its address, or the interface that it is reached by. */
export function linkOf({ traddr, options }: Reporter): string | undefined {
  const percent = traddr.indexOf("%");
  return percent < 0 ? options.hostIface : traddr.slice(percent + 1);
}

/** fe80::/10 (RFC 4291 §2.5.6): in a log it means the link on which the log came. */
function isLinkLocal({ family, bytes }: IpAddress): boolean {
  return family === 6 && bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

function transportName(trtype: number): string {
  const name = Object.entries(transportType).find(([, value]) => value === trtype)?.[0];
  return name === undefined ? String(trtype) : `${trtype} (${name})`;
}

/**
 * The discovery log of one node for one host: which records, in which order, and their bytes. Reads the model only.
 */
import { canonicalAddress, isIpAddress } from "../../src/base/address.ts";
import { decodeLogRecords, type DiscoveryRecord, encodeLogPage } from "../../src/nvme/discovery_log.ts";
import { addressFamily, logHeaderBytes, logRecordBytes, recordSubtype } from "../../src/nvme/spec.ts";
import { pageDigest } from "./served.ts";
import { allows, type Fabric, type FabricAddress, type FabricNode } from "./fabric.ts";

/** `raw`, 1024 bytes, stands for the whole record. */
export type FabricRecord = Partial<DiscoveryRecord> & { readonly raw?: Uint8Array };

/** Own record first where the target gives it, then subsystems, referrals, and what a test injected. */
export function recordsOf(fabric: Fabric, node: FabricNode, hostnqn: string): FabricRecord[] {
  const { quirks } = node;
  const records: FabricRecord[] = [];
  if (node.listsItself) {
    for (const address of node.discovery) {
      records.push({
        ...recordAt(node, address, node.discoveryNqn),
        subtype: recordSubtype.current,
        eflags: quirks.currentRecordFlags,
      });
    }
  }
  for (const owner of quirks.logScope === "node" ? [node] : nodesOfTarget(fabric, node)) {
    for (const subsystem of owner.subsystems) {
      if (!allows(subsystem, hostnqn)) continue;
      for (const address of owner.io) records.push(recordAt(owner, address, subsystem.nqn));
    }
  }
  for (const { address, subnqn } of node.referrals) {
    records.push({ ...recordAt(node, address, subnqn), subtype: recordSubtype.referral });
  }
  return [...records, ...node.injected];
}

function nodesOfTarget(fabric: Fabric, { target }: FabricNode): FabricNode[] {
  return [...fabric.nodes.values()].filter((node) => node.target === target);
}

function recordAt(node: FabricNode, { traddr, trsvcid }: FabricAddress, subnqn: string): FabricRecord {
  const { recordTreq, recordAsqsz } = node.quirks;
  const isV6 = isIpAddress(traddr) && canonicalAddress(traddr).includes(":");
  return {
    adrfam: isV6 ? addressFamily.ipv6 : addressFamily.ipv4,
    subtype: recordSubtype.nvm,
    treq: recordTreq,
    asqsz: recordAsqsz,
    portid: node.index,
    traddr,
    trsvcid: String(trsvcid),
    subnqn,
  };
}

interface Page {
  /** Of the fabric when it was made. */
  readonly version: number;
  readonly genctr: bigint;
  readonly records: readonly FabricRecord[];
  readonly bytes: Uint8Array;
  readonly digest: string;
}

/** A page is asked for in pieces, and by many: it is made once for each version of the fabric. */
const pages = new WeakMap<FabricNode, Map<string, Page>>();

function pageOf(fabric: Fabric, node: FabricNode, hostnqn: string): Page {
  const known = pages.get(node) ?? new Map<string, Page>();
  pages.set(node, known);
  const before = known.get(hostnqn);
  const { generation } = node.target;
  if (
    before !== undefined &&
    (node.stale || (before.version === fabric.version && before.genctr === generation))
  ) {
    return before;
  }
  const records = recordsOf(fabric, node, hostnqn);
  const bytes = encodePage(records, { genctr: generation, numrec: records.length, recfmt: 0 });
  const decoded = decodeLogRecords(bytes.subarray(logHeaderBytes), records.length);
  const digest = pageDigest(generation, decoded);
  const page = { version: fabric.version, genctr: generation, records, bytes, digest };
  known.set(hostnqn, page);
  return page;
}

export function logPageOf(
  fabric: Fabric,
  node: FabricNode,
  hostnqn: string,
  header: { numrec?: number; recfmt?: number } = {},
): Uint8Array {
  const { records, bytes, genctr } = pageOf(fabric, node, hostnqn);
  const { numrec = records.length, recfmt = 0 } = header;
  return numrec === records.length && recfmt === 0 ? bytes : encodePage(records, { genctr, numrec, recfmt });
}

/** The same for a read over a connection: what it tells is kept note of. */
export function servedLogPage(...parts: Parameters<typeof logPageOf>): Uint8Array {
  const [fabric, node, hostnqn] = parts;
  fabric.served.record(node.id, hostnqn, pageOf(fabric, node, hostnqn));
  return logPageOf(...parts);
}

function encodePage(
  records: readonly FabricRecord[],
  header: { genctr: bigint; numrec: number; recfmt: number },
): Uint8Array {
  const page = encodeLogPage(header, records.map((record) => record.raw === undefined ? record : {}));
  for (const [index, { raw }] of records.entries()) {
    if (raw !== undefined) page.set(raw.subarray(0, logRecordBytes), logHeaderBytes + index * logRecordBytes);
  }
  return page;
}

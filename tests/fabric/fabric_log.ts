/**
 * The discovery log of one node for one host: which records, in which order, and their bytes. Reads the model only.
 */
import { decodeLogRecords, type DiscoveryRecord, encodeLogPage } from "../../src/nvme/discovery_log.ts";
import { addressFamily, logHeaderBytes, logRecordBytes, recordSubtype } from "../../src/nvme/spec.ts";
import type { Fabric } from "./fabric.ts";
import { allows, type FabricAddress, type FabricNode, type FrozenView, viewOfNode } from "./fabric_node.ts";
import { canonicalText, type DigestedRecord, pageDigest, type ServedPage } from "./served.ts";

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
  const { owners, referrals, injected } = viewOfNode(fabric.nodes.values(), node);
  for (const { node: owner, subsystems } of owners) {
    for (const subsystem of subsystems) {
      if (!allows(subsystem, hostnqn)) continue;
      for (const address of owner.io) records.push(recordAt(owner, address, subsystem.nqn));
    }
  }
  for (const { address, subnqn } of referrals) {
    records.push({ ...recordAt(node, address, subnqn), subtype: recordSubtype.referral });
  }
  return [...records, ...injected];
}

function recordAt(node: FabricNode, { traddr, trsvcid }: FabricAddress, subnqn: string): FabricRecord {
  const { recordTreq, recordAsqsz } = node.quirks;
  const isV6 = traddr.includes(":") && canonicalText(traddr).includes(":");
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

interface Page extends ServedPage {
  /** When it was made: what the target had been through, or the view that the node is stuck with. */
  readonly madeOf: number | FrozenView;
  readonly genctr: bigint;
  readonly bytes: Uint8Array;
}

/** A page is asked for in pieces, and by many connections: it is made once after a change, for each host. */
const pages = new WeakMap<FabricNode, Map<string, Page>>();

function pageOf(fabric: Fabric, node: FabricNode, hostnqn: string): Page {
  let known = pages.get(node);
  if (known === undefined) pages.set(node, known = new Map());
  const before = known.get(hostnqn);
  const madeOf = node.frozen ?? node.target.changes;
  if (before?.madeOf === madeOf) return before;
  const genctr = node.frozen?.genctr ?? node.target.generation;
  const records = recordsOf(fabric, node, hostnqn);
  const bytes = encodePage(records, { genctr, numrec: records.length, recfmt: 0 });
  const digest = pageDigest(genctr, records.map((record, at) => asDecoded(record, bytes, at)));
  const page = { madeOf, genctr, records, bytes, digest };
  known.set(hostnqn, page);
  return page;
}

/** What a host reads there. Only text that a decoder shows in other words is left to the decoder. */
function asDecoded(record: FabricRecord, page: Uint8Array, index: number): DigestedRecord {
  const { subtype = recordSubtype.nvm, traddr = "", trsvcid = "", subnqn = "", raw } = record;
  const text = traddr + trsvcid + subnqn;
  const plain = raw === undefined && /^[\x21-\x7e]*$/.test(text) && !text.includes("-1:");
  if (plain) return { subtype, traddr, trsvcid, subnqn };
  const at = logHeaderBytes + index * logRecordBytes;
  return decodeLogRecords(page.subarray(at, at + logRecordBytes), 1)[0]!;
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

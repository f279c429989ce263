/**
 * The discovery log of one node for one host: which records, in which order, and their bytes. Reads the model only.
 */
import { canonicalAddress, isIpAddress } from "../../src/base/address.ts";
import { type DiscoveryRecord, encodeLogPage } from "../../src/nvme/discovery_log.ts";
import { addressFamily, logHeaderBytes, logRecordBytes, recordSubtype } from "../../src/nvme/spec.ts";
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

export function logPageOf(
  fabric: Fabric,
  node: FabricNode,
  hostnqn: string,
  header: { numrec?: number; recfmt?: number } = {},
): Uint8Array {
  const records = recordsOf(fabric, node, hostnqn);
  const page = encodeLogPage(
    { genctr: node.target.generation, numrec: header.numrec ?? records.length, recfmt: header.recfmt ?? 0 },
    records.map((record) => record.raw === undefined ? record : {}),
  );
  for (const [index, { raw }] of records.entries()) {
    if (raw !== undefined) page.set(raw.subarray(0, logRecordBytes), logHeaderBytes + index * logRecordBytes);
  }
  return page;
}

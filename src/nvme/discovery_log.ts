/**
 * Discovery log page, LID 70h (B21 §5.1.12.3.1), record format 0, records of 1024 bytes. Strings come from the
 * network and end in the kernel's option string: they are cut, made printable, and `problem` says why a record must
 * not be used. Extended entries are not asked for and not read.
 *
 *     header  0: GENCTR u64 · 8: NUMREC u64 · 16: RECFMT u16 · 18: DLPF u8 · 20: TDLPL u32 · records from 1024
 *     record  0: TRTYPE · 1: ADRFAM · 2: SUBTYPE · 3: TREQ · 4: PORTID u16 · 6: CNTLID u16 · 8: ASQSZ u16
 *            10: EFLAGS u16 · 32: TRSVCID[32] · 256: SUBNQN[256] · 512: TRADDR[256] · 768: TSAS[256]
 */
import { isIpAddress, parsePort } from "../base/address.ts";
import { ProtocolError } from "../base/errors.ts";
import { quoteText } from "../base/quote.ts";
import { decodeFieldText, encodeFieldText, hasForeignBytes, viewOf } from "./field_text.ts";
import { nqnProblem, plainTextProblem } from "./nqn.ts";
import {
  addressFamily,
  cntlidDynamic,
  logHeaderBytes,
  logRecordBytes,
  recordSubtype,
  transportType,
} from "./spec.ts";

export interface LogHeader {
  /** Generation; compare with ≠ only, it restarts with the target. */
  genctr: bigint;
  numrec: number;
  /** 0 is the only format there is. */
  recfmt: number;
  /** Bit 0 extended, 1 port-local, 2 all subsystems. */
  dlpf: number;
  /** Bytes of the whole log, extended form only. */
  tdlpl: number;
}

/** One record. Numbers as they came, strings printable and without padding. */
export interface DiscoveryRecord {
  trtype: number;
  adrfam: number;
  subtype: number;
  /** Bits 1:0: 0 unspecified, 1 secure channel required, 2 not required. */
  treq: number;
  portid: number;
  cntlid: number;
  asqsz: number;
  eflags: number;
  /** TSAS of TCP: 0 none, 1 TLS 1.2, 2 TLS 1.3. */
  sectype: number;
  trsvcid: string;
  subnqn: string;
  traddr: string;
  /** Why the record must not be used, in words; absent when it may be. */
  problem?: string;
}

/** Whether two records say the same, in every field. */
export function isSameRecord(a: DiscoveryRecord, b: DiscoveryRecord): boolean {
  return a.subnqn === b.subnqn && a.traddr === b.traddr && a.trsvcid === b.trsvcid &&
    a.subtype === b.subtype && a.trtype === b.trtype && a.adrfam === b.adrfam && a.treq === b.treq &&
    a.portid === b.portid && a.cntlid === b.cntlid && a.asqsz === b.asqsz && a.eflags === b.eflags &&
    a.sectype === b.sectype && a.problem === b.problem;
}

/** Bytes of the header that hold something. */
const headerFieldsBytes = 24;

const trsvcidField = { at: 32, size: 32 } as const;
const subnqnField = { at: 256, size: 256 } as const;
const traddrField = { at: 512, size: 256 } as const;
const sectypeAt = 768;

/** At least 24 bytes. Throws ProtocolError, also for a count that no number can hold. */
export function decodeLogHeader(bytes: Uint8Array): LogHeader {
  if (bytes.length < headerFieldsBytes) {
    throw new ProtocolError(
      "log-short",
      `Cannot decode discovery log header: length is ${bytes.length}, expected at least ${headerFieldsBytes}`,
    );
  }
  const view = viewOf(bytes);
  const numrec = view.getBigUint64(8, true);
  if (numrec > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new ProtocolError("log-records", `Cannot decode discovery log header: it claims ${numrec} records`);
  }
  return {
    genctr: view.getBigUint64(0, true),
    numrec: Number(numrec),
    recfmt: view.getUint16(16, true),
    dlpf: view.getUint8(18),
    tdlpl: view.getUint32(20, true),
  };
}

/** `bytes` are the records only, at least `numrec` × 1024. Throws ProtocolError when they are fewer. */
export function decodeLogRecords(bytes: Uint8Array, numrec: number): DiscoveryRecord[] {
  if (bytes.length < numrec * logRecordBytes) {
    throw new ProtocolError(
      "log-short",
      `Cannot decode discovery log: ${numrec} records need ${
        numrec * logRecordBytes
      } bytes, got ${bytes.length}`,
    );
  }
  const view = viewOf(bytes);
  const verdicts: Verdicts = new Map();
  const records: DiscoveryRecord[] = [];
  for (let index = 0; index < numrec; index++) {
    records.push(decodeRecord(bytes, view, index * logRecordBytes, verdicts));
  }
  return records;
}

/** TCP addresses judged already: a large log names few addresses many times. */
type Verdicts = Map<string, string | null>;

function decodeRecord(bytes: Uint8Array, view: DataView, at: number, verdicts: Verdicts): DiscoveryRecord {
  const record: DiscoveryRecord = {
    trtype: bytes[at]!,
    adrfam: bytes[at + 1]!,
    subtype: bytes[at + 2]!,
    treq: bytes[at + 3]!,
    portid: view.getUint16(at + 4, true),
    cntlid: view.getUint16(at + 6, true),
    asqsz: view.getUint16(at + 8, true),
    eflags: view.getUint16(at + 10, true),
    sectype: bytes[at + sectypeAt]!,
    trsvcid: decodeFieldText(bytes, at + trsvcidField.at, trsvcidField.size),
    subnqn: decodeFieldText(bytes, at + subnqnField.at, subnqnField.size),
    traddr: decodeFieldText(bytes, at + traddrField.at, traddrField.size),
  };
  const problem = recordProblem(record, bytes, at, verdicts);
  if (problem !== null) record.problem = problem;
  return record;
}

function recordProblem(
  record: DiscoveryRecord,
  bytes: Uint8Array,
  at: number,
  verdicts: Verdicts,
): string | null {
  // An escaped byte holds a backslash; only then the bytes are looked at again.
  const suspicious = record.subnqn.includes("\\") || record.traddr.includes("\\") ||
    record.trsvcid.includes("\\");
  if (suspicious) {
    if (hasForeignBytes(bytes, at + subnqnField.at, subnqnField.size)) return foreignText("SUBNQN");
    if (hasForeignBytes(bytes, at + traddrField.at, traddrField.size)) return foreignText("TRADDR");
    if (hasForeignBytes(bytes, at + trsvcidField.at, trsvcidField.size)) return foreignText("TRSVCID");
  }
  const badNqn = nqnProblem(record.subnqn);
  if (badNqn !== null) return `SUBNQN cannot be used: ${badNqn}`;
  const badService = serviceProblem(record);
  if (badService !== null) return `TRSVCID cannot be used: ${badService}`;
  const badAddress = record.trtype === transportType.tcp
    ? tcpAddressProblem(record.traddr, verdicts)
    : plainTextProblem(record.traddr);
  return badAddress === null ? null : `TRADDR cannot be used: ${badAddress}`;
}

function foreignText(field: string): string {
  return `${field} cannot be used: it holds a control character or one that is not ASCII`;
}

/** For transports that we do not connect, text is only kept from harm; for TCP it must be usable. */
function serviceProblem({ trtype, trsvcid }: DiscoveryRecord): string | null {
  if (trtype !== transportType.tcp) return plainTextProblem(trsvcid);
  if (parsePort(trsvcid) !== undefined) return null;
  return trsvcid === "" ? "it is empty" : `${quoteText(trsvcid)} is no port number from 1 to 65535`;
}

function tcpAddressProblem(traddr: string, verdicts: Verdicts): string | null {
  let verdict = verdicts.get(traddr);
  if (verdict === undefined) {
    verdict = traddr === ""
      ? "it is empty"
      : plainTextProblem(traddr) ?? (isIpAddress(traddr) ? null : "it is no IP address");
    verdicts.set(traddr, verdict);
  }
  return verdict;
}

/**
 * The whole page, header included, for targets in tests. What is left out is what a plain NVM subsystem over TCP
 * has; `numrec` is the count of `records` unless given.
 */
export function encodeLogPage(
  header: Partial<LogHeader> & { genctr: bigint },
  records: readonly Partial<DiscoveryRecord>[],
): Uint8Array {
  const page = new Uint8Array(logHeaderBytes + records.length * logRecordBytes);
  const view = viewOf(page);
  view.setBigUint64(0, header.genctr, true);
  view.setBigUint64(8, BigInt(header.numrec ?? records.length), true);
  view.setUint16(16, header.recfmt ?? 0, true);
  view.setUint8(18, header.dlpf ?? 0);
  view.setUint32(20, header.tdlpl ?? 0, true);
  for (const [index, record] of records.entries()) {
    encodeRecord(page, view, logHeaderBytes + index * logRecordBytes, record);
  }
  return page;
}

function encodeRecord(page: Uint8Array, view: DataView, at: number, record: Partial<DiscoveryRecord>): void {
  const { traddr = "", trsvcid = "", subnqn = "" } = record;
  view.setUint8(at, record.trtype ?? transportType.tcp);
  view.setUint8(at + 1, record.adrfam ?? (traddr.includes(":") ? addressFamily.ipv6 : addressFamily.ipv4));
  view.setUint8(at + 2, record.subtype ?? recordSubtype.nvm);
  view.setUint8(at + 3, record.treq ?? 0);
  view.setUint16(at + 4, record.portid ?? 0, true);
  view.setUint16(at + 6, record.cntlid ?? cntlidDynamic, true);
  view.setUint16(at + 8, record.asqsz ?? 32, true);
  view.setUint16(at + 10, record.eflags ?? 0, true);
  view.setUint8(at + sectypeAt, record.sectype ?? 0);
  // NUL-padded as nvmet does; a reader must take space padding as well.
  encodeFieldText(page, at + trsvcidField.at, trsvcidField.size, trsvcid);
  encodeFieldText(page, at + subnqnField.at, subnqnField.size, subnqn);
  encodeFieldText(page, at + traddrField.at, traddrField.size, traddr);
}

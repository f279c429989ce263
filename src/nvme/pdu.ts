/**
 * PDUs of NVMe/TCP (TCP §3.6.2), between frames and fields. Framing, lengths and digests on the way in are the
 * framer's; who may send what and when is the connection's. This checks what stands in the specific header.
 */
import { assert } from "../base/assert.ts";
import { ProtocolError } from "../base/errors.ts";
import { crc32c } from "./crc32c.ts";
import { viewOf } from "./field_text.ts";
import type { Digests, Frame } from "./framer.ts";
import {
  commonHeaderBytes,
  cqeBytes,
  digestBytes,
  fatalErrorStatus,
  pduFlag,
  pduType,
  sqeBytes,
  termReqDataBytesMax,
} from "./spec.ts";

export type Pdu =
  /** `hpda`: alignment of data towards the host, dwords, 0-based. `maxr2t`: R2Ts outstanding, 0-based. */
  | { kind: "icReq"; hpda: number; digests: Digests; maxr2t: number }
  /** `cpda`: alignment of data towards the controller, dwords, 0-based. `maxh2cdata`: bytes of one H2CData. */
  | { kind: "icResp"; cpda: number; digests: Digests; maxh2cdata: number }
  /** `offendingHeader`: up to 128 bytes. */
  | { kind: "h2cTermReq" | "c2hTermReq"; fes: number; fei: number; offendingHeader: Uint8Array }
  /** `sqe`: 64 bytes. `data`: in-capsule data, empty for none. */
  | { kind: "capsuleCmd"; sqe: Uint8Array; data: Uint8Array }
  /** `cqe`: 16 bytes. */
  | { kind: "capsuleResp"; cqe: Uint8Array }
  /** `datao`: offset of the data in the command's buffer, bytes. */
  | { kind: "h2cData"; cccid: number; ttag: number; datao: number; last: boolean; data: Uint8Array }
  /** `success`: no CapsuleResp follows. `data` is valid as long as the frame's. */
  | {
    kind: "c2hData";
    cccid: number;
    datao: number;
    last: boolean;
    success: boolean;
    data: Uint8Array;
    dataDigestFailed: boolean;
  }
  /** `r2to`, `r2tl`: offset and length of the data asked for, bytes. */
  | { kind: "r2t"; cccid: number; ttag: number; r2to: number; r2tl: number };

const noDigests: Digests = { header: false, data: false };

/** Throws ProtocolError, FES and FEI set. Byte views into the frame are kept, not copied, but for TermReq. */
export function decodePdu(frame: Frame): Pdu {
  const view = viewOf(frame.header);
  switch (frame.type) {
    case pduType.icReq: {
      const { alignment, digests, limit } = decodeIc("ICReq", view);
      return { kind: "icReq", hpda: alignment, digests, maxr2t: limit };
    }
    case pduType.icResp:
      return decodeIcResp(view);
    case pduType.h2cTermReq:
      return { kind: "h2cTermReq", ...decodeTermReq(view, frame.data) };
    case pduType.c2hTermReq:
      return { kind: "c2hTermReq", ...decodeTermReq(view, frame.data) };
    case pduType.capsuleCmd:
      return { kind: "capsuleCmd", sqe: frame.header.subarray(commonHeaderBytes), data: frame.data };
    case pduType.capsuleResp:
      return { kind: "capsuleResp", cqe: frame.header.subarray(commonHeaderBytes) };
    case pduType.h2cData:
      return decodeH2cData(view, frame);
    case pduType.c2hData:
      return decodeC2hData(view, frame);
    case pduType.r2t:
      return decodeR2t(view);
    default:
      throw fieldError(`PDU type 0x${frame.type.toString(16)} is unknown`, 0);
  }
}

/** PFV u16@8 · PDA u8@10 · DGST u8@11 · limit u32@12 (TCP §3.6.2.2, §3.6.2.3). */
function decodeIc(name: string, view: DataView): { alignment: number; digests: Digests; limit: number } {
  const version = view.getUint16(8, true);
  if (version !== 0) {
    throw new ProtocolError(
      "pdu-version",
      `Cannot decode ${name}: PDU format version is ${version}, expected 0`,
      {
        fes: fatalErrorStatus.unsupportedParameter,
        fei: 8,
      },
    );
  }
  const alignment = view.getUint8(10);
  if (alignment > 31) throw fieldError(`${name}: data alignment is ${alignment}, expected at most 31`, 10);
  const digest = view.getUint8(11);
  const digests = { header: (digest & 1) !== 0, data: (digest & 2) !== 0 };
  return { alignment, digests, limit: view.getUint32(12, true) };
}

function decodeIcResp(view: DataView): Pdu {
  const { alignment, digests, limit } = decodeIc("ICResp", view);
  if (limit < 4096 || limit % 4 !== 0) {
    throw fieldError(`ICResp: MAXH2CDATA is ${limit}, expected a multiple of 4 from 4096`, 12);
  }
  return { kind: "icResp", cpda: alignment, digests, maxh2cdata: limit };
}

/** FES u16@8 · FEI u32@10, unaligned (TCP §3.6.2.4). */
function decodeTermReq(view: DataView, data: Uint8Array) {
  return { fes: view.getUint16(8, true), fei: view.getUint32(10, true), offendingHeader: data.slice() };
}

/** CCCID u16@8 · TTAG u16@10 · DATAO u32@12 · DATAL u32@16 (TCP §3.6.2.8). */
function decodeH2cData(view: DataView, frame: Frame): Pdu {
  checkDataLength("H2CData", view, frame);
  return {
    kind: "h2cData",
    cccid: view.getUint16(8, true),
    ttag: view.getUint16(10, true),
    datao: view.getUint32(12, true),
    last: (frame.flags & pduFlag.lastPdu) !== 0,
    data: frame.data,
  };
}

/** CCCID u16@8 · DATAO u32@12 · DATAL u32@16 (TCP §3.6.2.9). */
function decodeC2hData(view: DataView, frame: Frame): Pdu {
  checkDataLength("C2HData", view, frame);
  const last = (frame.flags & pduFlag.lastPdu) !== 0;
  const success = (frame.flags & pduFlag.success) !== 0;
  // The success stands for the whole command, so it cannot come before the last data.
  if (success && !last) throw fieldError("C2HData: SUCCESS is set without LAST_PDU", 1);
  const cccid = view.getUint16(8, true);
  const datao = view.getUint32(12, true);
  const { data, dataDigestFailed } = frame;
  return { kind: "c2hData", cccid, datao, last, success, data, dataDigestFailed };
}

function checkDataLength(name: string, view: DataView, frame: Frame): void {
  const datal = view.getUint32(16, true);
  if (datal !== frame.data.length) {
    throw fieldError(`${name}: DATAL is ${datal}, but the PDU holds ${frame.data.length} bytes`, 16);
  }
}

/** CCCID u16@8 · TTAG u16@10 · R2TO u32@12 · R2TL u32@16 (TCP §3.6.2.10). */
function decodeR2t(view: DataView): Pdu {
  return {
    kind: "r2t",
    cccid: view.getUint16(8, true),
    ttag: view.getUint16(10, true),
    r2to: view.getUint32(12, true),
    r2tl: view.getUint32(16, true),
  };
}

function fieldError(message: string, fei: number): ProtocolError {
  return new ProtocolError("pdu-field", `Cannot decode ${message}`, {
    fes: fatalErrorStatus.invalidHeaderField,
    fei,
  });
}

/** Whole PDU as it goes on the wire, digests included. `digests` are those in force on the connection. */
export function encodePdu(pdu: Pdu, digests: Digests = noDigests): Uint8Array {
  switch (pdu.kind) {
    case "icReq":
      return encodeIc(pduType.icReq, pdu.hpda, pdu.digests, pdu.maxr2t);
    case "icResp":
      return encodeIc(pduType.icResp, pdu.cpda, pdu.digests, pdu.maxh2cdata);
    case "h2cTermReq":
      return encodeTermReq(pduType.h2cTermReq, pdu);
    case "c2hTermReq":
      return encodeTermReq(pduType.c2hTermReq, pdu);
    case "capsuleCmd":
      assert(pdu.sqe.length === sqeBytes, `Submission entry is ${pdu.sqe.length} bytes`);
      return encodeDigested(pduType.capsuleCmd, 0, pdu.sqe, pdu.data, digests);
    case "capsuleResp":
      assert(pdu.cqe.length === cqeBytes, `Completion entry is ${pdu.cqe.length} bytes`);
      return encodeDigested(pduType.capsuleResp, 0, pdu.cqe, null, digests);
    case "h2cData":
    case "c2hData":
      return encodeData(pdu, digests);
    case "r2t": {
      const specific = encodeTransfer(pdu.cccid, pdu.ttag, pdu.r2to, pdu.r2tl);
      return encodeDigested(pduType.r2t, 0, specific, null, digests);
    }
  }
}

function encodeIc(type: number, alignment: number, digests: Digests, limit: number): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = encodeCommonHeader(bytes, { type, flags: 0, hlen: 128, pdo: 0 });
  view.setUint8(10, alignment);
  view.setUint8(11, (digests.header ? 1 : 0) | (digests.data ? 2 : 0));
  view.setUint32(12, limit, true);
  return bytes;
}

function encodeTermReq(
  type: number,
  pdu: { fes: number; fei: number; offendingHeader: Uint8Array },
): Uint8Array {
  const offending = pdu.offendingHeader.subarray(0, termReqDataBytesMax);
  const bytes = new Uint8Array(24 + offending.length);
  const view = encodeCommonHeader(bytes, { type, flags: 0, hlen: 24, pdo: 0 });
  view.setUint16(8, pdu.fes, true);
  view.setUint32(10, pdu.fei, true);
  bytes.set(offending, 24);
  return bytes;
}

function encodeData(pdu: Extract<Pdu, { kind: "h2cData" | "c2hData" }>, digests: Digests): Uint8Array {
  const last = pdu.last ? pduFlag.lastPdu : 0;
  if (pdu.kind === "h2cData") {
    const specific = encodeTransfer(pdu.cccid, pdu.ttag, pdu.datao, pdu.data.length);
    return encodeDigested(pduType.h2cData, last, specific, pdu.data, digests);
  }
  const specific = encodeTransfer(pdu.cccid, 0, pdu.datao, pdu.data.length);
  const flags = last | (pdu.success ? pduFlag.success : 0);
  return encodeDigested(pduType.c2hData, flags, specific, pdu.data, digests);
}

/** The 16 bytes that R2T, H2CData and C2HData have in common. */
function encodeTransfer(cccid: number, ttag: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  view.setUint16(0, cccid, true);
  view.setUint16(2, ttag, true);
  view.setUint32(4, offset, true);
  view.setUint32(8, length, true);
  return bytes;
}

/**
 * CH · PSH · [HDGST] · DATA · [DDGST]. Data stands right behind the header: alignment of one dword. PDO is set
 * whenever there is data: SPDK computes the padding from it, and a zero breaks its parsing.
 */
function encodeDigested(
  type: number,
  flags: number,
  specific: Uint8Array,
  data: Uint8Array | null,
  digests: Digests,
): Uint8Array {
  const hlen = commonHeaderBytes + specific.length;
  const pdo = hlen + (digests.header ? digestBytes : 0);
  const dataBytes = data?.length ?? 0;
  const dataDigest = digests.data && dataBytes > 0;
  const bytes = new Uint8Array(pdo + dataBytes + (dataDigest ? digestBytes : 0));
  const allFlags = flags | (digests.header ? pduFlag.headerDigest : 0) |
    (dataDigest ? pduFlag.dataDigest : 0);
  const view = encodeCommonHeader(bytes, { type, flags: allFlags, hlen, pdo: dataBytes > 0 ? pdo : 0 });
  bytes.set(specific, commonHeaderBytes);
  if (digests.header) view.setUint32(hlen, crc32c(bytes.subarray(0, hlen)), true);
  if (data !== null) bytes.set(data, pdo);
  if (dataDigest) view.setUint32(pdo + dataBytes, crc32c(data!), true);
  return bytes;
}

/** TYPE@0 · FLAGS@1 · HLEN@2 · PDO@3 · PLEN u32@4, the length being that of `bytes`. */
function encodeCommonHeader(
  bytes: Uint8Array,
  header: { type: number; flags: number; hlen: number; pdo: number },
): DataView {
  const view = viewOf(bytes);
  view.setUint8(0, header.type);
  view.setUint8(1, header.flags);
  view.setUint8(2, header.hlen);
  view.setUint8(3, header.pdo);
  view.setUint32(4, bytes.length, true);
  return view;
}

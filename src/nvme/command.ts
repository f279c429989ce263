/**
 * Submission queue entries of the commands a discovery host sends (B21 §5 and §6), and the Connect data. Encoders
 * give exactly the bytes that strict targets demand: FLAGS 40h, NSID 0, the SGL of the right type with the exact
 * length. `decodeCommand` serves targets in tests; it judges nothing.
 *
 *     0     1       2     4               8          24            32       39     40 … 60
 *     | OPC | FLAGS | CID | NSID / FCTYPE | reserved | SGL address | length | type | CDW10 … CDW15 |
 */
import { assert } from "../base/assert.ts";
import { ProtocolError } from "../base/errors.ts";
import { decodeFieldText, encodeFieldText, viewOf } from "./field_text.ts";
import {
  cntlidDynamic,
  connectDataBytes,
  fabricsType,
  identifyBytes,
  opcode,
  sglType,
  sqeBytes,
  sqeFlagsSgl,
} from "./spec.ts";

/** The parts every command has; `fctype` takes the place of NSID's first byte. */
function newCommand(
  p: { opcode: number; cid: number; fctype?: number; sgl?: number; bytes?: number },
): { sqe: Uint8Array; view: DataView } {
  const sqe = new Uint8Array(sqeBytes);
  const view = viewOf(sqe);
  view.setUint8(0, p.opcode);
  // nvmet answers Invalid Field to any command without it, those that move no data included.
  view.setUint8(1, sqeFlagsSgl);
  view.setUint16(2, p.cid, true);
  view.setUint8(4, p.fctype ?? 0);
  view.setUint32(32, p.bytes ?? 0, true);
  view.setUint8(39, p.sgl ?? sglType.transport);
  return { sqe, view };
}

/**
 * Connect (B21 §6.3). `sqsize` is 0-based entries; `katoMs` counts on the admin queue only.
 *
 *     40: RECFMT u16 = 0 · 42: QID u16 · 44: SQSIZE u16 · 46: CATTR · 48: KATO u32 (ms)
 */
export function encodeConnect(p: { cid: number; qid?: number; sqsize: number; katoMs: number }): Uint8Array {
  const { sqe, view } = newCommand({
    opcode: opcode.fabrics,
    cid: p.cid,
    fctype: fabricsType.connect,
    sgl: sglType.inCapsule,
    bytes: connectDataBytes,
  });
  view.setUint16(42, p.qid ?? 0, true);
  view.setUint16(44, p.sqsize, true);
  view.setUint32(48, p.katoMs, true);
  return sqe;
}

/**
 * The 1024 bytes that go with Connect. `hostid`: 16 bytes in the order of the UUID's text.
 *
 *     0: HOSTID[16] · 16: CNTLID u16 · 256: SUBNQN[256] · 512: HOSTNQN[256]
 */
export function encodeConnectData(
  p: { hostid: Uint8Array; cntlid?: number; subnqn: string; hostnqn: string },
): Uint8Array {
  assert(p.hostid.length === 16, `Host identifier is ${p.hostid.length} bytes, expected 16`);
  const data = new Uint8Array(connectDataBytes);
  data.set(p.hostid, 0);
  viewOf(data).setUint16(16, p.cntlid ?? cntlidDynamic, true);
  encodeFieldText(data, 256, 256, p.subnqn);
  encodeFieldText(data, 512, 256, p.hostnqn);
  return data;
}

/** Throws ProtocolError unless it is 1024 bytes. The texts are printable copies. */
export function decodeConnectData(
  data: Uint8Array,
): { hostid: Uint8Array; cntlid: number; subnqn: string; hostnqn: string } {
  if (data.length !== connectDataBytes) {
    throw new ProtocolError(
      "connect-data",
      `Cannot decode Connect data: length is ${data.length}, expected ${connectDataBytes}`,
    );
  }
  return {
    hostid: data.slice(0, 16),
    cntlid: viewOf(data).getUint16(16, true),
    subnqn: decodeFieldText(data, 256, 256),
    hostnqn: decodeFieldText(data, 512, 256),
  };
}

/** Property Get (B21 §6.5): ATTRIB u8@40 (0: 4 bytes, 1: 8 bytes) · OFST u32@44. */
export function encodePropertyGet(p: { cid: number; offset: number; bytes: 4 | 8 }): Uint8Array {
  const { sqe, view } = newCommand({
    opcode: opcode.fabrics,
    cid: p.cid,
    fctype: fabricsType.propertyGet,
  });
  view.setUint8(40, p.bytes === 8 ? 1 : 0);
  view.setUint32(44, p.offset, true);
  return sqe;
}

/** Property Set of 4 bytes (B21 §6.6): ATTRIB u8@40 · OFST u32@44 · VALUE u64@48. */
export function encodePropertySet(p: { cid: number; offset: number; value: number }): Uint8Array {
  const { sqe, view } = newCommand({
    opcode: opcode.fabrics,
    cid: p.cid,
    fctype: fabricsType.propertySet,
  });
  view.setUint32(44, p.offset, true);
  view.setUint32(48, p.value, true);
  return sqe;
}

/** Identify with CNS 01h, the controller (B21 §5.1.13.2.1): 4096 bytes come back. */
export function encodeIdentifyController(p: { cid: number }): Uint8Array {
  const { sqe, view } = newCommand({ opcode: opcode.identify, cid: p.cid, bytes: identifyBytes });
  view.setUint8(40, 1);
  return sqe;
}

/** Set Features (B21 §5.1.25): FID in CDW10, the value in CDW11. */
export function encodeSetFeatures(p: { cid: number; fid: number; value: number }): Uint8Array {
  const { sqe, view } = newCommand({ opcode: opcode.setFeatures, cid: p.cid });
  view.setUint8(40, p.fid);
  view.setUint32(44, p.value, true);
  return sqe;
}

/** Asynchronous Event Request (B21 §5.1.2): completes when something happens. */
export function encodeAsyncEventRequest(p: { cid: number }): Uint8Array {
  return newCommand({ opcode: opcode.asyncEventRequest, cid: p.cid }).sqe;
}

/** Keep Alive (B21 §5.1.14). */
export function encodeKeepAlive(p: { cid: number }): Uint8Array {
  return newCommand({ opcode: opcode.keepAlive, cid: p.cid }).sqe;
}

/**
 * Get Log Page (B21 §5.1.12). `offset` and `bytes` are multiples of 4; `retainAsyncEvent` keeps the event masked.
 *
 *     CDW10: LID 7:0 · LSP 14:8 · RAE 15 · NUMDL 31:16 · CDW11: NUMDU 15:0 · CDW12, CDW13: offset
 */
export function encodeGetLogPage(
  p: { cid: number; lid: number; offset: number; bytes: number; retainAsyncEvent: boolean },
): Uint8Array {
  assert(p.bytes > 0 && p.bytes % 4 === 0 && p.bytes <= 0xffff_fffc, `Log bytes are ${p.bytes}`);
  assert(Number.isSafeInteger(p.offset) && p.offset >= 0 && p.offset % 4 === 0, `Log offset is ${p.offset}`);
  const { sqe, view } = newCommand({ opcode: opcode.getLogPage, cid: p.cid, bytes: p.bytes });
  // NUMD counts dwords from 0.
  const numd = p.bytes / 4 - 1;
  view.setUint8(40, p.lid);
  view.setUint8(41, p.retainAsyncEvent ? 0x80 : 0);
  view.setUint16(42, numd & 0xffff, true);
  view.setUint16(44, numd >>> 16, true);
  view.setUint32(48, p.offset % 2 ** 32, true);
  view.setUint32(52, Math.floor(p.offset / 2 ** 32), true);
  return sqe;
}

/** A submission queue entry as a target sees it. `fctype` and `nsid` share their bytes. */
export interface Command {
  opcode: number;
  flags: number;
  cid: number;
  nsid: number;
  fctype: number;
  sglType: number;
  sglBytes: number;
  cdw10: number;
  cdw11: number;
  cdw12: number;
  cdw13: number;
  cdw14: number;
  cdw15: number;
}

/** Throws ProtocolError unless it is 64 bytes. */
export function decodeCommand(sqe: Uint8Array): Command {
  if (sqe.length !== sqeBytes) {
    throw new ProtocolError("sqe", `Cannot decode command: length is ${sqe.length}, expected ${sqeBytes}`);
  }
  const view = viewOf(sqe);
  return {
    opcode: view.getUint8(0),
    flags: view.getUint8(1),
    cid: view.getUint16(2, true),
    nsid: view.getUint32(4, true),
    fctype: view.getUint8(4),
    sglType: view.getUint8(39),
    sglBytes: view.getUint32(32, true),
    cdw10: view.getUint32(40, true),
    cdw11: view.getUint32(44, true),
    cdw12: view.getUint32(48, true),
    cdw13: view.getUint32(52, true),
    cdw14: view.getUint32(56, true),
    cdw15: view.getUint32(60, true),
  };
}

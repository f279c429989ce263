/**
 * A command's outcome to bytes on the wire: C2HData in pieces, then CapsuleResp; and the same done wrong, as the
 * faults of this one answer say. Keeps nothing.
 */
import { type Completion, encodeCompletion } from "../../src/nvme/completion.ts";
import type { Digests } from "../../src/nvme/framer.ts";
import { encodePdu } from "../../src/nvme/pdu.ts";
import type { WireFault } from "./fault.ts";
import type { StatusQuirk } from "./quirks.ts";

export interface Reply {
  /** Success when left out. */
  readonly status?: StatusQuirk;
  readonly dw0?: number;
  readonly dw1?: number;
  /** Read data; not for an error. */
  readonly data?: Uint8Array;
}

export interface AnswerContext {
  readonly cid: number;
  readonly sqhd: number;
  readonly digests: Digests;
  readonly dataBytesMax: number;
  /** The last data PDU may stand for a completion that says nothing else. */
  readonly successFlag: boolean;
  readonly faults: readonly WireFault[];
}

type FaultOf<K extends WireFault["kind"]> = Extract<WireFault, { kind: K }>;

export function encodeAnswer(reply: Reply, context: AnswerContext): Uint8Array {
  return context.faults.length === 0 ? joined(encodePdus(reply, context)) : encodeStruck(reply, context);
}

function joined(pdus: readonly Uint8Array[]): Uint8Array {
  return pdus.length === 1 ? pdus[0]! : concatBytes(pdus);
}

/** The answer with everything that its faults do to it. */
function encodeStruck(reply: Reply, context: AnswerContext): Uint8Array {
  const fault = <K extends WireFault["kind"]>(kind: K) =>
    context.faults.find((one): one is FaultOf<K> => one.kind === kind);
  const garbage = fault("garbage");
  if (garbage !== undefined) return garbage.bytes;
  const cid = fault("wrongCid") === undefined ? context.cid : context.cid ^ 0x4000;
  if (fault("r2t") !== undefined) {
    return encodePdu({ kind: "r2t", cccid: cid, ttag: 1, r2to: 0, r2tl: 4096 }, context.digests);
  }
  const pdus = encodePdus(faultyReply(reply, context.faults), { ...context, cid });
  if (fault("badHeaderDigest") !== undefined) spoilHeaderDigest(pdus[0]!, context.digests);
  if (fault("badDataDigest") !== undefined) spoilDataDigest(pdus[0]!, context.digests);
  let bytes = joined(pdus);
  if (fault("twice") !== undefined) bytes = concatBytes([bytes, bytes]);
  const flip = fault("flip");
  if (flip !== undefined && flip.offset < bytes.length) bytes[flip.offset]! ^= flip.mask;
  const truncate = fault("truncate");
  return truncate === undefined ? bytes : bytes.subarray(0, truncate.bytes);
}

function faultyReply(reply: Reply, faults: readonly WireFault[]): Reply {
  let result = reply;
  for (const fault of faults) {
    const data = result.data;
    if (fault.kind === "status") {
      const { status, dnr = false, dw0 = 0 } = fault;
      result = { status: { status, dnr }, dw0 };
    } else if (fault.kind === "shortData" && data !== undefined) {
      result = { ...result, data: data.subarray(0, Math.max(0, data.length - fault.bytes)) };
    } else if (fault.kind === "surplusData" && data !== undefined) {
      result = { ...result, data: concatBytes([data, new Uint8Array(fault.bytes)]) };
    }
  }
  return result;
}

function encodePdus(reply: Reply, context: AnswerContext): Uint8Array[] {
  const { cid, sqhd, digests, dataBytesMax, faults } = context;
  const { status, dw0 = 0, dw1 = 0, data } = reply;
  const pdus: Uint8Array[] = [];
  const moved = status === undefined && data !== undefined && data.length > 0 ? data : null;
  const success = moved !== null && context.successFlag && dw0 === 0 && dw1 === 0;
  if (moved !== null) {
    const repeated = faults.some(({ kind }) => kind === "repeatedOffset");
    for (let datao = 0; datao < moved.length; datao += dataBytesMax) {
      const piece = moved.subarray(datao, datao + Math.min(dataBytesMax, moved.length));
      const last = datao + piece.length === moved.length;
      pdus.push(encodePdu({
        kind: "c2hData",
        cccid: cid,
        datao: repeated ? 0 : datao,
        last,
        success: last && success,
        data: piece,
        dataDigestFailed: false,
      }, digests));
      if (last) break;
    }
  }
  if (success) return pdus;
  const completion: Partial<Completion> & { cid: number } = { cid, sqhd, dw0, dw1, ...status };
  pdus.push(encodePdu({ kind: "capsuleResp", cqe: encodeCompletion(completion) }, digests));
  return pdus;
}

/** Without a header digest there is nothing to spoil. */
function spoilHeaderDigest(pdu: Uint8Array, digests: Digests): void {
  if (digests.header) pdu[pdu[2]!]! ^= 0xff;
}

/** Likewise; the digest ends the PDU. */
function spoilDataDigest(pdu: Uint8Array, digests: Digests): void {
  const hasData = pdu[3] !== 0;
  if (digests.data && hasData) pdu[pdu.length - 1]! ^= 0xff;
}

/** What faults can do to a PDU that is no answer to a command. */
export function struckBytes(pdu: Uint8Array, faults: readonly WireFault[]): Uint8Array {
  let bytes = pdu;
  for (const fault of faults) {
    if (fault.kind === "twice") bytes = concatBytes([bytes, bytes]);
    if (fault.kind === "flip" && fault.offset < bytes.length) bytes[fault.offset]! ^= fault.mask;
    if (fault.kind === "truncate") bytes = bytes.subarray(0, fault.bytes);
  }
  return bytes;
}

export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

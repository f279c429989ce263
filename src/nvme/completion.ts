/**
 * Completion queue entries (B21 §4.2). Says nothing of what a status means: see `status.ts`.
 *
 *     0     4     8      10     12    14
 *     | DW0 | DW1 | SQHD | SQID | CID | P 0 · SC 8:1 · SCT 11:9 · CRD 13:12 · M 14 · DNR 15 |
 */
import { assert } from "../base/assert.ts";
import { ProtocolError } from "../base/errors.ts";
import { viewOf } from "./field_text.ts";
import { cqeBytes } from "./spec.ts";

export interface Completion {
  cid: number;
  sqid: number;
  sqhd: number;
  dw0: number;
  dw1: number;
  /** SCT << 8 | SC; 0 is success. */
  status: number;
  /** Do Not Retry. */
  dnr: boolean;
  /** The error information log has more. */
  more: boolean;
  /** Command Retry Delay index, 0..3. */
  crd: number;
}

/** Throws ProtocolError unless it is 16 bytes. The phase bit means nothing on fabrics. */
export function decodeCompletion(cqe: Uint8Array): Completion {
  if (cqe.length !== cqeBytes) {
    throw new ProtocolError("cqe", `Cannot decode completion: length is ${cqe.length}, expected ${cqeBytes}`);
  }
  const view = viewOf(cqe);
  const word = view.getUint16(14, true);
  return {
    cid: view.getUint16(12, true),
    sqid: view.getUint16(10, true),
    sqhd: view.getUint16(8, true),
    dw0: view.getUint32(0, true),
    dw1: view.getUint32(4, true),
    status: (word >>> 1) & 0x7ff,
    dnr: (word & 0x8000) !== 0,
    more: (word & 0x4000) !== 0,
    crd: (word >>> 12) & 3,
  };
}

/** 16 bytes; what is left out is 0. */
export function encodeCompletion(c: Partial<Completion> & { cid: number }): Uint8Array {
  const { status = 0, crd = 0 } = c;
  assert(status >= 0 && status <= 0x7ff && crd >= 0 && crd <= 3, `Status is ${status}, retry delay ${crd}`);
  const cqe = new Uint8Array(cqeBytes);
  const view = viewOf(cqe);
  view.setUint32(0, c.dw0 ?? 0, true);
  view.setUint32(4, c.dw1 ?? 0, true);
  view.setUint16(8, c.sqhd ?? 0, true);
  view.setUint16(10, c.sqid ?? 0, true);
  view.setUint16(12, c.cid, true);
  view.setUint16(14, (status << 1) | (crd << 12) | (c.more ? 0x4000 : 0) | (c.dnr ? 0x8000 : 0), true);
  return cqe;
}

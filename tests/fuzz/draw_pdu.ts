/** PDUs and their parts, drawn; valid, with every field at any value it may have. */
import type { Digests } from "../../src/nvme/framer.ts";
import { encodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import type { Choices } from "./choices.ts";

export type Receiver = "host" | "controller";

const noDigests: Digests = { header: false, data: false };

export function drawDigests(choices: Choices): Digests {
  const bits = choices.below(4);
  return { header: (bits & 1) !== 0, data: (bits & 2) !== 0 };
}

/** A PDU that goes to this receiver. */
export function drawPdu(choices: Choices, receiver: Receiver): Pdu {
  return receiver === "host" ? drawControllerPdu(choices) : drawHostPdu(choices);
}

function drawControllerPdu(choices: Choices): Pdu {
  switch (choices.below(5)) {
    case 0:
      return { kind: "capsuleResp", cqe: choices.bytes(16) };
    case 1: {
      const last = choices.below(2) === 1;
      return {
        kind: "c2hData",
        cccid: choices.edgy(0x10000),
        datao: choices.edgy(2 ** 32),
        last,
        success: last && choices.below(2) === 1,
        data: choices.bytes(drawLength(choices)),
        dataDigestFailed: false,
      };
    }
    case 2:
      return {
        kind: "r2t",
        cccid: choices.edgy(0x10000),
        ttag: choices.edgy(0x10000),
        r2to: choices.edgy(2 ** 32),
        r2tl: choices.edgy(2 ** 32),
      };
    case 3:
      return drawTermReq(choices, "c2hTermReq");
    default:
      return {
        kind: "icResp",
        cpda: choices.below(32),
        digests: drawDigests(choices),
        maxh2cdata: 4096 + 4 * choices.below(2 ** 30 - 1024),
      };
  }
}

function drawHostPdu(choices: Choices): Pdu {
  switch (choices.below(4)) {
    case 0:
      return { kind: "capsuleCmd", sqe: choices.bytes(64), data: choices.bytes(drawLength(choices)) };
    case 1:
      return {
        kind: "h2cData",
        cccid: choices.edgy(0x10000),
        ttag: choices.edgy(0x10000),
        datao: choices.edgy(2 ** 32),
        last: choices.below(2) === 1,
        data: choices.bytes(drawLength(choices)),
      };
    case 2:
      return drawTermReq(choices, "h2cTermReq");
    default:
      return {
        kind: "icReq",
        hpda: choices.below(32),
        digests: drawDigests(choices),
        maxr2t: choices.edgy(2 ** 32),
      };
  }
}

function drawTermReq(choices: Choices, kind: "h2cTermReq" | "c2hTermReq"): Pdu {
  return {
    kind,
    fes: choices.edgy(0x10000),
    fei: choices.edgy(2 ** 32),
    offendingHeader: choices.bytes(choices.below(129)),
  };
}

function drawLength(choices: Choices): number {
  return choices.once(200) ? choices.below(9_000) : choices.below(80);
}

/** Bytes on the wire: IC and TermReq carry no digests. */
export function wireBytes(pdu: Pdu, digests: Digests): Uint8Array {
  const undigested = pdu.kind === "icReq" || pdu.kind === "icResp" || pdu.kind.endsWith("TermReq");
  return encodePdu(pdu, undigested ? noDigests : digests);
}

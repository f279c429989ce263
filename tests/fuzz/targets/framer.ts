/**
 * A stream of PDUs, spoilt or not, in any pieces. The framer gives the same frames however the stream is cut, holds
 * no more than a PDU, refuses with a ProtocolError only, and for good.
 */
import { ProtocolError } from "../../../src/base/errors.ts";
import { type Digests, type Frame, Framer } from "../../../src/nvme/framer.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawDigests, drawPdu, type Receiver, wireBytes } from "../draw_pdu.ts";
import { type FuzzTarget, outcomeOf } from "../fuzz_target.ts";
import { concat, cutUp, mutateBytes } from "../mutate.ts";

const pduBytesMax = 16 * 1024;
let lent = new Uint8Array(8 * 1024);

/** One bit flipped: under a header digest no header survives it, under a data digest no data does. */
function tryDigest(choices: Choices): void {
  const receiver: Receiver = choices.pick(["host", "controller"]);
  const pdu = drawPdu(choices, receiver);
  const digests = { header: true, data: true };
  const bytes = wireBytes(pdu, digests);
  if ((bytes[1]! & 1) === 0) return;
  const headBytes = bytes[2]! + 4;
  const inHeader = bytes.length === headBytes || choices.once(2);
  const at = inHeader ? choices.below(headBytes) : choices.between(headBytes, bytes.length - 1);
  bytes[at]! ^= 1 << choices.below(8);
  choices.note("flipped", { pdu, at });
  const { frames, error } = read(receiver, digests, [bytes]);
  if (inHeader) check(error !== null && frames.length === 0, "A header with a wrong digest is taken");
  else check(error === null && frames[0]!.dataDigestFailed, "Data with a wrong digest is taken");
}

/** A PDU's own length field, at any value. */
function spoilLength(choices: Choices, stream: Uint8Array, first: number): Uint8Array {
  const copy = stream.slice();
  const at = choices.once(2) ? 0 : first;
  if (at + 8 <= copy.length) new DataView(copy.buffer).setUint32(at + 4, choices.edgy(2 ** 32), true);
  return copy;
}

interface Reading {
  readonly frames: Frame[];
  readonly error: ProtocolError | null;
  readonly offendingHeader: Uint8Array;
}

function tryInput(choices: Choices): void {
  if (choices.once(6)) return tryDigest(choices);
  const receiver: Receiver = choices.pick(["host", "controller"]);
  const digests = drawDigests(choices);
  const pdus: Uint8Array[] = [];
  for (let left = choices.between(1, 4); left > 0; left--) {
    pdus.push(wireBytes(drawPdu(choices, receiver), digests));
  }
  const valid = concat(pdus);
  const mutated = mutateBytes(choices, valid);
  const stream = choices.once(6) ? spoilLength(choices, mutated, pdus[0]!.length) : mutated;
  const chunks = cutUp(choices, stream);
  choices.note("receiver", receiver);
  choices.note("digests", digests);
  choices.note("stream", stream);
  choices.note("chunks", chunks);
  const atOnce = read(receiver, digests, [stream]);
  if (chunks.length > 1) {
    checkSame(read(receiver, digests, chunks), atOnce, "The frames depend on the chunks");
  }
  if (stream === valid) {
    check(atOnce.error === null, () => `A valid stream is refused: ${atOnce.error}`);
    check(atOnce.frames.length === pdus.length, "A valid stream loses PDUs");
  }
}

function read(receiver: Receiver, digests: Digests, chunks: readonly Uint8Array[]): Reading {
  const framer = new Framer(receiver, pduBytesMax);
  framer.setDigests(digests);
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    // The reader's buffer is its own: whoever keeps a view of it is found out.
    if (lent.length < chunk.length) lent = new Uint8Array(2 * chunk.length);
    lent.set(chunk);
    framer.push(lent.subarray(0, chunk.length));
    lent.fill(0xee, 0, chunk.length);
    const outcome = outcomeOf(() => takeAll(framer, frames));
    if (outcome.error !== undefined) return failed(framer, frames, outcome.error);
    checkWaiting(framer, chunks, digests);
    check(framer.bufferedBytes < pduBytesMax, () => `${framer.bufferedBytes} bytes are held`);
  }
  return { frames, error: null, offendingHeader: new Uint8Array(0) };
}

/** What it waits for is a PDU that it could hold. */
function checkWaiting(framer: Framer, chunks: readonly Uint8Array[], digests: Digests): void {
  // Under a header digest lengths are judged when the whole header is there.
  if (chunks.length > 1 || digests.header || framer.bufferedBytes < 8) return;
  const [stream] = chunks;
  const plenAt = stream!.length - framer.bufferedBytes + 4;
  const view = new DataView(stream!.buffer, stream!.byteOffset, stream!.length);
  const plen = view.getUint32(plenAt, true);
  check(plen <= pduBytesMax, () => `It waits for a PDU of ${plen} bytes`);
}

function takeAll(framer: Framer, frames: Frame[]): void {
  for (let frame = framer.next(); frame !== null; frame = framer.next()) {
    frames.push({ ...frame, data: frame.data.slice() });
  }
}

function failed(framer: Framer, frames: Frame[], error: Error): Reading {
  check(error instanceof ProtocolError && error.fes > 0, () => `Refused without a FES: ${error}`);
  check(framer.bufferedBytes === 0, "A failed framer holds bytes");
  framer.push(new Uint8Array(100));
  check(framer.bufferedBytes === 0, "A failed framer takes bytes");
  check(outcomeOf(() => framer.next()).error === error, "A failed framer goes on");
  check(framer.offendingHeader.length <= 128, "The offending header is too long for a TermReq");
  // How much of the header had come is all that may depend on the chunks.
  return { frames, error: error as ProtocolError, offendingHeader: framer.offendingHeader.slice(0, 8) };
}

export const framer: FuzzTarget = { name: "framer", share: 3, tryInput };

/** PDUs: what is encoded is decoded the same; what is accepted is encoded to bytes that mean the same. */
import type { Digests } from "../../../src/nvme/framer.ts";
import { Framer } from "../../../src/nvme/framer.ts";
import { decodePdu, type Pdu } from "../../../src/nvme/pdu.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawDigests, drawPdu, type Receiver, wireBytes } from "../draw_pdu.ts";
import { type FuzzTarget, outcomeOf } from "../fuzz_target.ts";
import { mutateBytes } from "../mutate.ts";

function tryInput(choices: Choices): void {
  const receiver: Receiver = choices.pick(["host", "controller"]);
  const digests = drawDigests(choices);
  const pdu = drawPdu(choices, receiver);
  const valid = wireBytes(pdu, digests);
  choices.note("pdu", pdu);
  choices.note("digests", digests);
  checkSame(decode(receiver, digests, valid), pdu, "Encoded and decoded");
  const mutated = mutateBytes(choices, valid);
  if (mutated === valid) return;
  choices.note("mutated", mutated);
  const { value } = outcomeOf(() => decode(receiver, digests, mutated));
  if (value === undefined || value === null) return;
  // A broken data digest is told and cannot be written.
  const accepted = value.kind === "c2hData" ? { ...value, dataDigestFailed: false } : value;
  const again = wireBytes(accepted, digests);
  check(again.length <= mutated.length, "An accepted PDU grows when it is encoded again");
  checkSame(decode(receiver, digests, again), accepted, "Decoded, encoded and decoded");
}

function decode(receiver: Receiver, digests: Digests, bytes: Uint8Array): Pdu | null {
  const framer = new Framer(receiver, 16 * 1024);
  framer.setDigests(digests);
  framer.push(bytes);
  const frame = framer.next();
  return frame === null ? null : decodePdu(frame);
}

export const pdu: FuzzTarget = { name: "pdu", tryInput };

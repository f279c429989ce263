/** Bytes that come in pieces: all of them, in order, in room that follows what came and not what was claimed. */
import { GrowingBytes } from "../../../src/protocol/growing_bytes.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { concat } from "../mutate.ts";

function tryInput(choices: Choices): void {
  const pieces: Uint8Array[] = [];
  for (let left = choices.below(8); left > 0; left--) {
    pieces.push(choices.bytes(choices.once(40) ? choices.below(40_000) : choices.below(64)));
  }
  const whole = concat(pieces);
  const claimed = whole.length + choices.edgy(2 ** 32);
  choices.note("claimed", claimed);
  choices.note("pieces", pieces.map(({ length }) => length));
  const grown = new GrowingBytes(claimed);
  for (const piece of pieces) {
    grown.append(piece);
    check(
      grown.capacity <= Math.min(claimed, Math.max(2 * grown.length, 16 * 1024)),
      "Room for more than came",
    );
  }
  checkSame(grown.bytes, whole, "Bytes");
}

export const growingBytes: FuzzTarget = { name: "growing_bytes", tryInput };

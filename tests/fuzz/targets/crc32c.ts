/** CRC-32C: the same as bit by bit, and however the bytes are split. */
import { crc32c as computed } from "../../../src/nvme/crc32c.ts";
import { checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

function tryInput(choices: Choices): void {
  const bytes = choices.bytes(choices.below(48));
  const split = choices.below(bytes.length + 1);
  choices.note("bytes", bytes);
  const whole = computed(bytes);
  checkSame(computed(bytes.subarray(split), computed(bytes.subarray(0, split))), whole, `Split at ${split}`);
  checkSame(whole, slowCrc(bytes), "Against the definition");
}

function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * 0x82f63b78);
  }
  return ~crc >>> 0;
}

export const crc32c: FuzzTarget = { name: "crc32c", tryInput };

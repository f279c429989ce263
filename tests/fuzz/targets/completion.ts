/** Completions: 16 bytes are decoded and encoded to the same ones, but for the phase bit, which fabrics do not have. */
import { decodeCompletion, encodeCompletion } from "../../../src/nvme/completion.ts";
import { statusError } from "../../../src/nvme/status.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { type FuzzTarget, outcomeOf } from "../fuzz_target.ts";

function tryInput(choices: Choices): void {
  const bytes = choices.bytes(choices.once(10) ? choices.below(40) : 16);
  if (bytes.length === 16 && choices.below(2) === 1) {
    bytes[14] = choices.edgy(256);
    bytes[15] = choices.edgy(256);
  }
  choices.note("cqe", bytes);
  const { value, error } = outcomeOf(() => decodeCompletion(bytes)) as
    & ReturnType<
      typeof outcomeOf<ReturnType<typeof decodeCompletion>>
    >
    & { value?: ReturnType<typeof decodeCompletion> };
  check((error === undefined) === (bytes.length === 16), "Only the length decides");
  if (value === undefined) return;
  const phaseless = bytes.slice();
  phaseless[14]! &= 0xfe;
  checkSame(encodeCompletion(value), phaseless, "Decoded and encoded");
  const { message, code } = statusError("Cannot connect", value);
  check(/^[A-Z][\x20-\x7e]{5,200}$/.test(message), () => `Message of a status: ${message}`);
  check(/^[a-z0-9-]+$/.test(code), () => `Code of a status: ${code}`);
}

export const completion: FuzzTarget = { name: "completion", tryInput };

/** Identify data: texts come out printable; what has no foreign bytes is encoded and decoded the same. */
import { decodeIdentifyController, encodeIdentifyControllerData } from "../../../src/nvme/identify.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawNqn, drawPlainText } from "../draw_text.ts";
import { type FuzzTarget, outcomeOf } from "../fuzz_target.ts";
import { mutateBytes } from "../mutate.ts";

const textFields = [[4, 20], [24, 40], [64, 8], [768, 256]] as const;
/** Where the numbers stand. */
const numberOffsets = [77, 78, 80, 92, 96, 111, 259, 261, 320, 514, 536, 1792, 1800, 1806] as const;

function tryInput(choices: Choices): void {
  const valid = encodeIdentifyControllerData({
    sn: drawPlainText(choices, 20),
    mn: drawPlainText(choices, 40),
    fr: drawPlainText(choices, 8),
    subnqn: drawNqn(choices).slice(0, 256),
  });
  for (const at of numberOffsets) valid[at] = choices.below(256);
  let data = valid;
  switch (choices.below(4)) {
    case 0:
      break;
    case 1:
      data = mutateBytes(choices, valid);
      break;
    case 2: { // a text spoilt
      const [start, size] = choices.pick(textFields);
      data.set(choices.bytes(choices.between(1, size)), start);
      break;
    }
    default:
      data = choices.bytes(4096);
  }
  choices.note("data", data);
  const outcome = outcomeOf(() => decodeIdentifyController(data));
  check((outcome.error === undefined) === (data.length >= 4096), "Only the length decides");
  if (outcome.error !== undefined) return;
  const { value } = outcome;
  for (const text of [value.sn, value.mn, value.fr, value.subnqn]) {
    check(/^[\x20-\x7e]*$/.test(text), () => `A foreign byte survives: ${text}`);
    check(text.length <= 4 * 256, "A text grows");
  }
  // An escaped byte is shown, and is none that could be written again.
  if (textFields.some(([start, size]) => !isPlain(data.subarray(start, start + size)))) return;
  checkSame(
    decodeIdentifyController(encodeIdentifyControllerData(value)),
    value,
    "Decoded, encoded and decoded",
  );
}

function isPlain(field: Uint8Array): boolean {
  const end = field.indexOf(0);
  return (end < 0 ? field : field.subarray(0, end)).every((byte) => byte >= 0x20 && byte <= 0x7e);
}

export const identify: FuzzTarget = { name: "identify", tryInput };

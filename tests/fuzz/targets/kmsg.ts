/** The kernel's log: whole records are read back, any bytes give one or none; of any messages, words are bounded and hold no secret. */
import { limits } from "../../../src/base/limits.ts";
import { wordsAboutConnect } from "../../../src/io/kernel_words.ts";
import { joinKmsgRecords, parseKmsgRecord } from "../../../src/io/kmsg_record.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawPlainText } from "../draw_text.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { mutateBytes } from "../mutate.ts";

const encoder = new TextEncoder();
const secret = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";
const nqns = ["nqn.2024-01.io.example:a", "nqn.2024-01.io.example:b"];

function drawText(choices: Choices): string {
  const start = choices.pick(["nvme nvme0: ", "nvme nvme1: ", "nvme_fabrics: ", "nvme: ", ""]);
  const middle = choices.pick([
    "",
    `subsysnqn "${choices.pick(nqns)}" `,
    "addr 10.0.0.1:4420, ",
    `${secret} `,
  ]);
  return `${start}${middle}${drawPlainText(choices, 60)}`.trim();
}

function tryInput(choices: Choices): void {
  const records = [];
  for (let left = choices.below(8); left > 0; left--) {
    const text = drawText(choices);
    const severity = choices.below(8);
    const flag = choices.pick(["-", "c", "+", "-,caller=T1"]);
    const bytes = encoder.encode(
      `${8 * choices.below(24) + severity},${choices.below(1e9)},1,${flag};${text}\n K=v\n`,
    );
    const whole = parseKmsgRecord(bytes);
    checkSame([whole?.severity, whole?.text], [severity, text], "Record");
    const mutated = choices.once(4) ? mutateBytes(choices, bytes) : bytes;
    choices.note("record", mutated);
    const record = parseKmsgRecord(mutated);
    if (record === null) continue;
    check(/^[\x20-\x7e]*$/.test(record.text), `Not printable: ${record.text}`);
    check(record.severity >= 0 && record.severity <= 7, "Severity");
    records.push(record);
  }
  const before = new Set(choices.once(2) ? ["nvme0"] : []);
  const options = `nqn=${nqns[0]},traddr=10.0.0.1,trsvcid=4420,dhchap_secret=${secret}`;
  const messages = joinKmsgRecords(records);
  check(messages.length <= records.length, "More messages than records");
  const words = wordsAboutConnect(messages, { options, before });
  check(words.length <= limits.kernelWordsLinesMax, "More lines than allowed");
  check(words.join("").length <= limits.kernelWordsCharsMax + 1, "More characters than allowed");
  check(!words.some((text) => text.includes("DHHC-")), `A secret in ${words}`);
}

export const kmsg: FuzzTarget = { name: "kmsg", tryInput };

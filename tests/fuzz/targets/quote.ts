/** Foreign text in messages: always printable, on one line, of bounded length. */
import { errorText, ProtocolError } from "../../../src/base/errors.ts";
import { nearestWord } from "../../../src/base/nearest_word.ts";
import { quoteText } from "../../../src/base/quote.ts";
import { check } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawPlainText } from "../draw_text.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { mutateText, oddText } from "../mutate.ts";

const words = ["traddr", "trsvcid", "hostnqn", "keep-alive-tmo"];

function tryInput(choices: Choices): void {
  const text = mutateText(choices, drawPlainText(choices, 100) + oddText(choices));
  choices.note("text", text);
  const quoted = quoteText(text);
  check(/^"[\x20-\x7e]*(…" \(\d+ characters\)|")$/.test(quoted), () => `Quoted as ${quoted}`);
  check(quoted.length <= 80 * 10 + 40, () => `${quoted.length} characters`);
  const inner = quoted.slice(1, quoted.lastIndexOf('"'));
  check(!/(^|[^\\])(\\\\)*"/.test(inner), () => `A quote ends early: ${quoted}`);
  const nearest = nearestWord(text, words);
  check(nearest === null || words.includes(nearest), "The nearest word is none of them");
  const error = new ProtocolError("code", quoted, { cause: new ProtocolError("code", quoted) });
  check(errorText(error) === quoted, "The same said twice");
}

export const quote: FuzzTarget = { name: "quote", tryInput };

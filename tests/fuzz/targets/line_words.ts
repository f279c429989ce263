/** Words of a line: any words quoted and joined are read back; columns stand where the words begin. */
import { quoteLineWord, splitLineWords } from "../../../src/config/line_words.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawPlainText } from "../draw_text.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { mutateText, oddText } from "../mutate.ts";

function tryInput(choices: Choices): void {
  const words: string[] = [];
  for (let left = choices.between(1, 4); left > 0; left--) {
    // Control characters are refused before words are looked for.
    words.push((drawPlainText(choices, 20) + oddText(choices)).replace(/\p{Cc}/gu, "a"));
  }
  const line = words.map(quoteLineWord).join(" ");
  choices.note("words", words);
  const read = splitLineWords(line);
  checkSame(Array.isArray(read) ? read.map(({ text }) => text) : read, words, "Quoted and split");
  const mutated = mutateText(choices, line);
  choices.note("mutated", mutated);
  const split = splitLineWords(mutated);
  if (!Array.isArray(split)) {
    check(/["']/.test(mutated[split.unclosedQuoteColumn - 1] ?? ""), "The unclosed quote is none");
    return;
  }
  let before = 0;
  for (const { column } of split) {
    check(column > before && column <= mutated.length, () => `Column ${column} after ${before}`);
    before = column;
  }
  const plain = split.map(({ text }) => text);
  if (plain.some((text) => /\p{Cc}/u.test(text))) return;
  const again = splitLineWords(plain.map(quoteLineWord).join(" "));
  checkSame(Array.isArray(again) ? again.map(({ text }) => text) : again, plain, "Split, quoted and split");
}

export const lineWords: FuzzTarget = { name: "line_words", tryInput };

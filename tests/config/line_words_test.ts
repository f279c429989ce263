import { fc } from "../property.ts";
import { assertEquals } from "../assert.ts";
import { quoteLineWord, splitLineWords } from "../../src/config/line_words.ts";

function textsOf(line: string): string[] | string {
  const words = splitLineWords(line);
  return Array.isArray(words) ? words.map((word) => word.text) : `unclosed at ${words.unclosedQuoteColumn}`;
}

Deno.test("splitLineWords() parts words at blanks, keeps quoted ones together, and ends at a comment", () => {
  const rows: [line: string, words: string[] | string][] = [
    ["", []],
    [" \t\r", []],
    ["a  b\tc\r", ["a", "b", "c"]],
    ["a #b c", ["a"]],
    ["#a", []],
    ["a#b c", ["a#b", "c"]],
    ["'#a' b", ["#a", "b"]],
    [`"a b" 'c d'`, ["a b", "c d"]],
    [`a="b c"'d'e f`, ["a=b cde", "f"]],
    [`""`, [""]],
    [`'a\\b' "a\\"b" "a\\\\b" "a\\b" a\\b`, ["a\\b", 'a"b', "a\\b", "a\\b", "a\\b"]],
    [`ab "c`, "unclosed at 4"],
    [`a 'b"`, "unclosed at 3"],
    [`a"`, "unclosed at 2"],
    [`"a\\"`, "unclosed at 1"],
  ];
  for (const [line, words] of rows) assertEquals(textsOf(line), words, line);
});

Deno.test("splitLineWords() tells the column of each word", () => {
  assertEquals(splitLineWords(" ab  'c d'"), [{ text: "ab", column: 2 }, { text: "c d", column: 6 }]);
});

Deno.test("property: splitLineWords() reads back what quoteLineWord() writes", () => {
  const text = fc.string().filter((text) => !/\p{Cc}/u.test(text));
  fc.assert(fc.property(fc.array(text), (texts) => {
    assertEquals(textsOf(texts.map(quoteLineWord).join(" ")), texts);
  }));
});

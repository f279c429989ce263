import { fc } from "../property.ts";
import { assert, assertEquals } from "../assert.ts";
import { quoteText } from "../../src/base/quote.ts";

Deno.test("quoteText() shows foreign text on one harmless line", () => {
  assertEquals(quoteText("abc"), '"abc"');
  assertEquals(quoteText('a"b\\c'), '"a\\"b\\\\c"');
  assertEquals(quoteText("a\nb\0\x1b[31m\x7f"), '"a\\x0ab\\x00\\x1b[31m\\x7f"');
  assertEquals(quoteText("é€😀"), '"\\xe9\\u{20ac}\\u{1f600}"');
  assertEquals(quoteText("abcdef", 3), '"abc…" (6 characters)');
});

Deno.test("property: quoteText() is printable and bounded", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const quoted = quoteText(text, 10);
    assert(/^"[\x20-\x7e]*…?"( \(\d+ characters\))?$/.test(quoted), quoted);
    assert(quoted.length < 130);
  }));
});

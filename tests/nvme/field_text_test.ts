import { assert, assertEquals, assertThrows } from "../assert.ts";
import { fc } from "../property.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { decodeFieldText, encodeFieldText, hasForeignBytes } from "../../src/nvme/field_text.ts";
import { field } from "./wire.ts";

const decode = (text: string, size = 16) => decodeFieldText(field(text, size), 0, size);

Deno.test("decodeFieldText() drops the padding of both kinds", () => {
  assertEquals(decode("abc"), "abc");
  assertEquals(decode("abc   "), "abc");
  assertEquals(decode("abc             "), "abc");
  assertEquals(decode(" a b "), " a b");
  assertEquals(decode(""), "");
  assertEquals(decode("    "), "");
  assertEquals(decode("0123456789abcdef"), "0123456789abcdef");
});

Deno.test("decodeFieldText() ends at the first NUL", () => {
  assertEquals(decode("abc\0def"), "abc");
  assertEquals(decode("abc  \0def"), "abc");
  assertEquals(decode("\0abc"), "");
});

Deno.test("decodeFieldText() escapes every byte that is not printable ASCII", () => {
  assertEquals(decode("a\nb\x7f\x1b"), "a\\x0ab\\x7f\\x1b");
  assertEquals(decodeFieldText(Uint8Array.of(0xff, 0x80, 0x41), 0, 3), "\\xff\\x80A");
});

Deno.test("decodeFieldText() keeps within its field", () => {
  const bytes = field("aaaabbbbcccc", 12);
  assertEquals(decodeFieldText(bytes, 4, 4), "bbbb");
  assertEquals(hasForeignBytes(Uint8Array.of(0xff, 0x41, 0xff), 1, 1), false);
});

Deno.test("decodeFieldText() makes printable text of any bytes, and hasForeignBytes() tells when it had to", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 256 }), (bytes) => {
      const text = decodeFieldText(bytes, 0, bytes.length);
      assert(/^[\x20-\x7e]*$/.test(text), text);
      const end = bytes.indexOf(0);
      const part = end < 0 ? bytes : bytes.subarray(0, end);
      assertEquals(hasForeignBytes(bytes, 0, bytes.length), part.some((byte) => byte < 0x20 || byte > 0x7e));
    }),
    { numRuns: 300 },
  );
});

Deno.test("encodeFieldText() fills its field and no more", () => {
  const bytes = new Uint8Array(8).fill(0xaa);
  encodeFieldText(bytes, 2, 4, "ab", 0x20);
  assertEquals([...bytes], [0xaa, 0xaa, 0x61, 0x62, 0x20, 0x20, 0xaa, 0xaa]);
  assertThrows(() => encodeFieldText(bytes, 0, 4, "abcde"), AssertionError);
});

import { assertEquals } from "../assert.ts";
import { fc } from "../property.ts";
import { crc32c } from "../../src/nvme/crc32c.ts";

const ascii = (text: string) => new TextEncoder().encode(text);

/** RFC 3720 appendix B.4, and the check value of the catalogue. */
const vectors: readonly [what: string, bytes: Uint8Array, crc: number][] = [
  ["nothing", new Uint8Array(0), 0],
  ["123456789", ascii("123456789"), 0xe3069283],
  ["32 bytes of zeroes", new Uint8Array(32), 0x8a9136aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["32 bytes ascending", Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd794e],
  ["32 bytes descending", Uint8Array.from({ length: 32 }, (_, at) => 31 - at), 0x113fdb5c],
];

for (const [what, bytes, crc] of vectors) {
  Deno.test(`crc32c() of ${what}`, () => assertEquals(crc32c(bytes), crc));
}

/** The definition, bit by bit. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

Deno.test("crc32c() agrees with the definition at every length and alignment", () => {
  const bytes = Uint8Array.from({ length: 80 }, (_, at) => (at * 151 + 7) & 0xff);
  for (let start = 0; start < 9; start++) {
    for (let end = start; end <= bytes.length; end++) {
      assertEquals(crc32c(bytes.subarray(start, end)), slowCrc(bytes.subarray(start, end)));
    }
  }
});

Deno.test("crc32c() continues from the bytes before", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 }), (head, tail) => {
      assertEquals(crc32c(tail, crc32c(head)), slowCrc(Uint8Array.from([...head, ...tail])));
    }),
    { numRuns: 200 },
  );
});

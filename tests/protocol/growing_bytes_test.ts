import { GrowingBytes } from "../../src/protocol/growing_bytes.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";

const mebibyte = 1024 * 1024;

Deno.test("GrowingBytes keeps all that came, in order", () => {
  const source = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);
  const bytes = new GrowingBytes(source.length);
  for (let at = 0; at < source.length; at += 7_001) bytes.append(source.subarray(at, at + 7_001));
  assertEquals([bytes.length, bytes.capacity], [source.length, source.length]);
  assertEquals(bytes.bytes, source);
});

Deno.test("GrowingBytes holds at most twice what came, whatever is claimed", () => {
  const bytes = new GrowingBytes(16 * mebibyte);
  assertEquals(bytes.capacity, 0, "A claim alone costs nothing");
  for (let at = 0; at < 16 * mebibyte; at += 65_536) {
    bytes.append(new Uint8Array(65_536));
    assert(bytes.capacity <= 2 * bytes.length, `${bytes.capacity} held for ${bytes.length}`);
  }
  assertEquals(bytes.capacity, 16 * mebibyte);
});

Deno.test("GrowingBytes takes nothing beyond its bound", () => {
  const bytes = new GrowingBytes(10);
  bytes.append(new Uint8Array(10));
  assertThrows(() => bytes.append(new Uint8Array(1)), AssertionError);
  assertEquals(new GrowingBytes(0).bytes.length, 0);
});

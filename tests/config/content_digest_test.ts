import { assert, assertEquals } from "../assert.ts";
import { seededRandom } from "../../src/base/random.ts";
import { contentDigest } from "../../src/config/content_digest.ts";

Deno.test("contentDigest() gives the same for text and its bytes, and never changes between versions", () => {
  assertEquals(contentDigest("abc"), contentDigest(new TextEncoder().encode("abc")));
  // FNV-1a of the empty text and of "a" is the first half.
  assertEquals(contentDigest("").slice(0, 8), "811c9dc5");
  assertEquals(contentDigest("a").slice(0, 8), "e40c292c");
});

Deno.test("contentDigest() tells contents apart that differ in one place", () => {
  const random = seededRandom(7);
  const bytes = Uint8Array.from({ length: 300 }, () => Math.floor(random() * 256));
  const digests = new Set([contentDigest(bytes)]);
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 128]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ bit;
      digests.add(contentDigest(changed));
    }
    digests.add(contentDigest(bytes.subarray(0, at)));
  }
  assertEquals(digests.size, 1 + bytes.length * 3);
  // Both halves must tell them apart, or 64 bits are 32.
  assert(new Set([...digests].map((digest) => digest.slice(8))).size > digests.size - 2);
});

import { gzip } from "../../src/io/gzip.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("gzip() makes what unpacks to the same, and smaller where it repeats", async () => {
  const bytes = new TextEncoder().encode("again and ".repeat(10_000));
  const packed = await gzip(bytes);
  assert(packed.length < 2_000, `${packed.length} bytes`);
  assertEquals([packed[0], packed[1]], [0x1f, 0x8b]);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  assertEquals(new Uint8Array(await new Response(stream).arrayBuffer()), bytes);
});

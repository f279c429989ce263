import { takeBatch } from "../../src/base/byte_batch.ts";
import { assertEquals } from "../assert.ts";

const pieces = (...lengths: number[]) => lengths.map((length, at) => new Uint8Array(length).fill(at + 1));

Deno.test("takeBatch() joins what fits, in its order, and leaves the rest", () => {
  const queue = pieces(2, 3, 1);
  assertEquals(takeBatch(queue, 5), new Uint8Array([1, 1, 2, 2, 2]));
  assertEquals(queue, [new Uint8Array([3])]);
});

Deno.test("takeBatch() takes one piece however large, and nothing of nothing", () => {
  const queue = pieces(9, 1);
  assertEquals([takeBatch(queue, 5).length, queue.length], [9, 1]);
  assertEquals(takeBatch([], 5).length, 0);
});

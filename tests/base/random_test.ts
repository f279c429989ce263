import { assert, assertEquals } from "../assert.ts";
import { seededRandom } from "../../src/base/random.ts";

Deno.test("seededRandom() replays its seed, and only its seed", () => {
  const take = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 20 }, () => random());
  };
  assertEquals(take(7), take(7));
  assert(take(7).every((value, at) => value !== take(8)[at]));
});

Deno.test("seededRandom() is spread evenly over [0, 1)", () => {
  const random = seededRandom(0);
  const buckets = new Array<number>(10).fill(0);
  for (let at = 0; at < 10_000; at++) {
    const value = random();
    assert(value >= 0 && value < 1);
    const bucket = Math.floor(value * 10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  for (const count of buckets) assert(count > 850 && count < 1_150, String(count));
});

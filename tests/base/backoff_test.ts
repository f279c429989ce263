import { assert, assertEquals } from "../assert.ts";
import { backoffDelayMs } from "../../src/base/backoff.ts";
import { seededRandom } from "../../src/base/random.ts";

const middle = () => 0.5;

Deno.test("backoffDelayMs() doubles with each failure up to its maximum", () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 1e9].map((failures) =>
    backoffDelayMs({ failures, baseMs: 1_000, maxMs: 10_000, random: middle })
  );
  assertEquals(delays, [1_000, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
});

Deno.test("backoffDelayMs() never goes below its base", () => {
  assertEquals(backoffDelayMs({ failures: 9, baseMs: 5_000, maxMs: 1_000, random: middle }), 5_000);
});

Deno.test("backoffDelayMs() spreads over 75 to 125 percent", () => {
  assertEquals(backoffDelayMs({ failures: 1, baseMs: 1_000, maxMs: 10_000, random: () => 0 }), 750);
  const random = seededRandom(1);
  const delays = Array.from(
    { length: 500 },
    () => backoffDelayMs({ failures: 1, baseMs: 1_000, maxMs: 1e4, random }),
  );
  assert(Math.min(...delays) < 800 && Math.max(...delays) > 1_200);
  assert(delays.every((delay) => delay >= 750 && delay <= 1_250));
});

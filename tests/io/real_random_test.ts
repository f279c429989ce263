import { createRandom } from "../../src/io/real_random.ts";
import { assert } from "../assert.ts";

Deno.test("createRandom() gives numbers in [0, 1), another row each time", () => {
  const rows = [createRandom(), createRandom()].map((random) => Array.from({ length: 8 }, random));
  assert(rows.flat().every((number) => number >= 0 && number < 1));
  assert(rows[0]?.join() !== rows[1]?.join());
});

import { assert } from "../assert.ts";
import { randomRun } from "./random_run.ts";

/** Runs of the inner loop; `deno task sim` searches further. */
const seeds = 300;

Deno.test(`randomRun() keeps its promises for the first ${seeds} seeds`, async () => {
  let steps = 0;
  for (let seed = 1; seed <= seeds; seed++) steps += (await randomRun(seed)).timeline.length;
  assert(steps > seeds * 5, `${steps} things were done to the world`);
});

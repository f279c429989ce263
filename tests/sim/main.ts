/**
 * `deno task sim SEED` replays one run and prints what was done; `deno task sim --seeds N [--from SEED]` searches.
 * Exit status 1 when a promise was broken.
 */
import { randomRun } from "./random_run.ts";

function numberAfter(flag: string): number | undefined {
  const at = Deno.args.indexOf(flag);
  return at < 0 ? undefined : Number(Deno.args[at + 1]);
}

const count = numberAfter("--seeds");
const first = numberAfter("--from") ?? (count === undefined ? Number(Deno.args[0] ?? NaN) : 1);
if (!Number.isInteger(first) || (count !== undefined && !(count > 0))) {
  console.error("usage: deno task sim SEED | deno task sim --seeds N [--from SEED]");
  Deno.exit(2);
}
const start = performance.now();
try {
  for (let seed = first; seed < first + (count ?? 1); seed++) {
    const { timeline } = await randomRun(seed);
    if (count === undefined) console.log(`seed ${seed}\n${timeline.join("\n")}`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
const seconds = (performance.now() - start) / 1_000;
console.log(`${count ?? 1} seeds without a violation in ${seconds.toFixed(1)} s`);

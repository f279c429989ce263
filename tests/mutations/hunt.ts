/**
 * Looks for the first seed that breaks a rule, in the tree that it stands in; main.ts starts it in a copy that may
 * be broken. Prints one line of JSON: a `Catch`, or `{"seed":null}` when all seeds were well.
 *
 *     hunt.ts SEEDS…    each a seed (`431`) or a range (`1-600`), in this order
 */
import { drawCase } from "../sim/draw_case.ts";
import { runCase } from "../sim/run_case.ts";
import type { Rule } from "../sim/safety.ts";

export interface Catch {
  readonly seed: number | null;
  readonly seedsRun: number;
  readonly rule?: Rule;
  readonly text?: string;
}

function* seedsOf(args: readonly string[]): Generator<number> {
  for (const arg of args) {
    const [from = 1, to = from] = arg.split("-").map(Number);
    for (let seed = from; seed <= to; seed++) yield seed;
  }
}

async function hunt(seeds: Iterable<number>): Promise<Catch> {
  let seedsRun = 0;
  for (const seed of seeds) {
    seedsRun++;
    const { violation } = await runCase(drawCase(seed));
    if (violation !== null) return { seed, seedsRun, rule: violation.rule, text: violation.text };
  }
  return { seed: null, seedsRun };
}

if (import.meta.main) {
  // What a broken agent leaves behind after its run is nobody's concern any more.
  globalThis.addEventListener("unhandledrejection", (event) => event.preventDefault());
  console.log(JSON.stringify(await hunt(seedsOf(Deno.args))));
  Deno.exit(0);
}

/**
 * The benchmark: `deno task bench [plan] [process] [lab] [page] [observation] [executable]`, the first three without
 * a name. Medians and ratios of one run; what is to be reached is marked reached or missed. Takes some minutes; lab and page need their packages.
 */
import { decodeFigures, planFigures } from "./plan_bench.ts";
import { executableFigures } from "./executable_bench.ts";
import { labFigures } from "./lab_bench.ts";
import { type Figure, formatFigures } from "./measure.ts";
import { observationFigures } from "./observation_bench.ts";
import { pageFigures } from "./page_bench.ts";
import { scrapeFigures } from "./scrape_bench.ts";
import { discoverFigures, findProgram, sessionFigures } from "./process_bench.ts";

const wanted = new Set(Deno.args.length === 0 ? ["plan", "process", "lab"] : Deno.args);
const figures: Figure[] = [];
const program = await findProgram();

async function section(name: string, measure: () => Promise<Figure[]>): Promise<void> {
  if (!wanted.has(name)) return;
  console.error(`measuring: ${name}`);
  figures.push(...await measure());
}

await section(
  "plan",
  async () => [...await planFigures(), ...await decodeFigures(), ...await scrapeFigures()],
);
await section("process", () => discoverFigures(program));
await section("process", () => sessionFigures(program, [1, 100, 1_000]));
await section("lab", () => labFigures(program));
await section("page", () => pageFigures(program));
await section("observation", () => observationFigures(program));
await section("executable", () => executableFigures(`${Deno.cwd()}/dist/discovery-client`));
console.log(formatFigures(figures));
Deno.exit(0);

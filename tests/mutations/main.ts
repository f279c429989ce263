/**
 * `deno task mutations`: breaks the agent in one way after the other and demands that the simulator notices. First
 * the whole agent must pass; at the end it must pass every seed that caught a broken one. A seed that caught a
 * mutation before is tried before all others, which saves time and nothing else: `--afresh` goes without.
 * Standard output has the table (or JSON), standard error the progress. Exit status 1 when a mutation survives, is caught by a rule that it
 * does not name, or the whole agent fails; 2 when it was called wrongly.
 */
import type { Catch } from "./hunt.ts";
import { type Mutation, seedsMax } from "./mutation.ts";
import { mutations } from "./mutations.ts";
import { Workshop } from "./workshop.ts";

const usage =
  `usage: deno task mutations [--list] [--jobs J] [--seeds-factor F] [--afresh] [--keep] [-o table|json] [NAME…]
  --list             names, files and words of all mutations
  --jobs J           hunts at once (default: one a processor)
  --seeds-factor F   so many times the seeds that each mutation is given
  --afresh           from seed 1 on, not first the seed that caught it before
  --keep             write down the seeds that caught them
Exit status 1 when one survives.`;

/** Seeds that caught a mutation before, by its name. */
const knownSeedsFile = new URL("./known_seeds.json", import.meta.url);

/** Seeds that the whole agent must pass first. */
const controlSeeds = 60;
/** One hunt at most, ms of real time. */
const huntTimeoutMs = 240_000;

interface Arguments {
  readonly list: boolean;
  readonly jobs: number;
  readonly factor: number;
  readonly afresh: boolean;
  readonly keep: boolean;
  readonly output: "table" | "json";
  readonly chosen: readonly Mutation[];
}

/** `mutation` and what became of it; `error` when no hunt took place, or it had no end. */
interface Result {
  readonly mutation: Mutation;
  readonly caught: Catch | null;
  readonly error: string | null;
  readonly seconds: number;
}

/** The arguments, or words why they are none. */
export function parseArguments(args: readonly string[]): Arguments | string {
  const flags = new Set<string>();
  let jobs = navigator.hardwareConcurrency;
  let factor = 1;
  let output: string = "table";
  const chosen: Mutation[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    const mutation = mutations.find(({ name }) => name === arg);
    if (["--list", "--afresh", "--keep"].includes(arg)) flags.add(arg);
    else if (arg === "-o") output = args[++at] ?? "";
    else if (arg === "--jobs" || arg === "--seeds-factor") {
      const number = Number(args[++at]);
      if (!(number > 0)) return `${arg} needs a number above 0`;
      if (arg === "--jobs") jobs = Math.ceil(number);
      else factor = number;
    } else if (mutation !== undefined) chosen.push(mutation);
    else return arg.startsWith("-") ? `Unknown option ${arg}` : `Unknown mutation ${arg}: see --list`;
  }
  if (output !== "table" && output !== "json") return "-o needs table or json";
  return {
    list: flags.has("--list"),
    afresh: flags.has("--afresh"),
    keep: flags.has("--keep"),
    jobs,
    factor,
    output,
    chosen: chosen.length > 0 ? chosen : mutations,
  };
}

async function main(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args);
  if (typeof parsed === "string") {
    console.error(`${parsed}\n${usage}`);
    return 2;
  }
  if (parsed.list) {
    console.log(formatTable(mutations.map(({ name, file, what }) => [name, file, what])));
    return 0;
  }
  const first = await Workshop.make(new URL("../../", import.meta.url));
  const workshops = [first];
  try {
    const before = await first.hunt(null, [`1-${controlSeeds}`], huntTimeoutMs);
    if (before.seed !== null) return tellControl(before);
    while (workshops.length < parsed.jobs) workshops.push(await first.another());
    const results = await huntAll(workshops, parsed, await readKnownSeeds());
    const after = await huntSeedsAgain(workshops, results);
    tell(results, parsed.output);
    if (after !== null) return tellControl(after);
    if (parsed.keep) await writeKnownSeeds(results);
    return results.every(isRight) ? 0 : 1;
  } finally {
    for (const workshop of workshops) await workshop.remove();
  }
}

function tellControl({ seed, text }: Catch): number {
  console.log(`The whole agent fails: seed ${seed} breaks ${text}. So the mutations prove nothing`);
  return 1;
}

/** Each workshop takes the next mutation until none is left; results in the order of the table. */
async function huntAll(
  workshops: readonly Workshop[],
  { chosen, factor, afresh }: Arguments,
  knownSeeds: Readonly<Record<string, number>>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = [...chosen.entries()];
  await Promise.all(workshops.map(async (workshop) => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [at, mutation] = next;
      const known = afresh ? undefined : knownSeeds[mutation.name];
      const range = `1-${Math.ceil((mutation.seeds ?? seedsMax) * factor)}`;
      results[at] = await huntOne(workshop, mutation, known === undefined ? [range] : [String(known), range]);
      tellProgress(results[at]);
    }
  }));
  return results;
}

async function readKnownSeeds(): Promise<Record<string, number>> {
  try {
    return JSON.parse(await Deno.readTextFile(knownSeedsFile));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/** Those of this run, and of other mutations as they were; in the order of the table. */
async function writeKnownSeeds(results: readonly Result[]): Promise<void> {
  const seeds = await readKnownSeeds();
  for (const result of results) {
    const { mutation: { name }, caught } = result;
    if (isRight(result) && typeof caught?.seed === "number") seeds[name] = caught.seed;
  }
  const known = mutations.flatMap(({ name }) => name in seeds ? [[name, seeds[name]]] : []);
  await Deno.writeTextFile(knownSeedsFile, `${JSON.stringify(Object.fromEntries(known), null, 2)}\n`);
}

async function huntOne(workshop: Workshop, mutation: Mutation, seeds: readonly string[]): Promise<Result> {
  const startMs = performance.now();
  const seconds = () => (performance.now() - startMs) / 1_000;
  try {
    const caught = await workshop.hunt(mutation, seeds, huntTimeoutMs);
    return { mutation, caught, error: null, seconds: seconds() };
  } catch (error) {
    return { mutation, caught: null, error: String(error), seconds: seconds() };
  }
}

/** What caught a broken agent must not catch the whole one. */
async function huntSeedsAgain(
  workshops: readonly Workshop[],
  results: readonly Result[],
): Promise<Catch | null> {
  const seeds = [...new Set(results.flatMap(({ caught }) => caught?.seed ?? []))];
  const catches = await Promise.all(workshops.map((workshop, share) => {
    const part = seeds.filter((_, at) => at % workshops.length === share);
    return workshop.hunt(null, part.map(String), huntTimeoutMs);
  }));
  return catches.find(({ seed }) => seed !== null) ?? null;
}

/** Caught, and by a rule that the mutation names. */
function isRight({ mutation, caught }: Result): boolean {
  return caught?.rule !== undefined && mutation.rules.includes(caught.rule);
}

function verdict({ mutation, caught, error }: Result): string {
  if (caught === null) return `FAILED: ${error}`;
  if (caught.rule === undefined) return "SURVIVES";
  return mutation.rules.includes(caught.rule) ? caught.rule : `${caught.rule}, NOT NAMED: ${caught.text}`;
}

function tellProgress(result: Result): void {
  const { mutation, caught, seconds } = result;
  console.error(
    `${mutation.name}: ${verdict(result)}, seed ${caught?.seed ?? "none"} of ${caught?.seedsRun ?? 0}, ${
      seconds.toFixed(1)
    } s`,
  );
}

function tell(results: readonly Result[], output: "table" | "json"): void {
  const caught = results.filter(isRight).length;
  if (output === "json") {
    const rows = results.map((result) => {
      const { mutation, caught, error, seconds } = result;
      const { name, what, file, rules } = mutation;
      return { name, what, file, rules, right: isRight(result), ...caught, error, seconds };
    });
    console.log(JSON.stringify({ mutations: results.length, caught, results: rows }, null, 2));
    return;
  }
  const rows = results.map((result) => [
    result.mutation.name,
    verdict(result),
    String(result.caught?.seed ?? "-"),
    String(result.caught?.seedsRun ?? "-"),
    result.seconds.toFixed(1),
  ]);
  console.log(formatTable([["mutation", "caught by", "seed", "tried", "seconds"], ...rows], [2, 3, 4]));
  console.log(`${results.length} mutations, ${caught} caught`);
}

/** Columns aligned to the left, those of `right` to the right; the last one is not padded. */
function formatTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const cell = (text: string, column: number) => {
    if (right.includes(column)) return text.padStart(widths[column]!);
    return text.padEnd(widths[column]!);
  };
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}

if (import.meta.main) Deno.exit(await main(Deno.args));

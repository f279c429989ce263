/**
 * `deno task fuzz`: see index.ts. Standard output has the table (or JSON), standard error the progress. Exit status 1
 * when a promise was broken, 2 when it was called wrongly.
 */
import { type PoolOptions, runPool, type TargetResult } from "./fuzz_pool.ts";
import { replayInput, type Violation } from "./fuzz_target.ts";
import { fuzzTargets } from "./index.ts";
import { batchInputs } from "./worker.ts";

const usage =
  "usage: deno task fuzz [--seconds S | --runs N] [--jobs J] [--seed X] [-o table|json] [NAME…]\n" +
  "       deno task fuzz --input NUMBERS NAME\n" +
  "       deno task fuzz --list";

export interface FuzzArguments extends Pick<PoolOptions, "targets" | "jobs" | "seed" | "runs" | "seconds"> {
  readonly output: "table" | "json";
  readonly list: boolean;
  readonly input: readonly number[] | null;
}

/** The arguments, or words why they are none. */
export function parseArguments(args: readonly string[], jobs: number, seed: number): FuzzArguments | string {
  const names = fuzzTargets.map(({ name }) => name);
  const numbers = new Map<string, number>();
  const targets: string[] = [];
  let output: string = "table";
  let list = false;
  let input: number[] | null = null;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--list") list = true;
    else if (["--seconds", "--runs", "--jobs", "--seed"].includes(arg)) {
      const number = Number(args[++at] || NaN);
      if (!(number > 0) && !(arg === "--seed" && number === 0)) return `${arg} needs a number above 0`;
      if (arg !== "--seconds" && !Number.isSafeInteger(number)) return `${arg} needs a whole number`;
      numbers.set(arg, number);
    } else if (arg === "-o") output = args[++at] ?? "";
    else if (arg === "--input") {
      input = (args[++at] ?? "").split(",").filter((text) => text !== "").map(Number);
    } else if (names.includes(arg)) targets.push(arg);
    else return arg.startsWith("-") ? `Unknown option ${arg}` : `Unknown target ${arg}: see --list`;
  }
  if (output !== "table" && output !== "json") return "-o needs table or json";
  if (input !== null && (targets.length !== 1 || !input.every(Number.isSafeInteger))) {
    return "--input needs whole numbers and one target";
  }
  const runs = numbers.get("--runs") ?? Infinity;
  return {
    targets: targets.length > 0 ? targets : names,
    jobs: numbers.get("--jobs") ?? jobs,
    seed: (numbers.get("--seed") ?? seed) % 2 ** 31,
    runs,
    seconds: numbers.get("--seconds") ?? (runs === Infinity ? 60 : Infinity),
    output,
    list,
    input,
  };
}

function resultTable(results: readonly TargetResult[]): string {
  const rows = results.map(({ target, inputs, ms, violation }) => [
    target,
    String(inputs),
    ms === 0 ? "-" : `${Math.round(inputs / ms * 1_000)}/s`,
    violation === null ? "ok" : "VIOLATION",
  ]);
  const table = [["target", "inputs", "rate", "result"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) =>
    row.map((cell, column) =>
      column === 1 || column === 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
    ).join("  ").trimEnd()
  ).join("\n");
}

function violationText({ target, seed, choices, error, notes, shrinks }: Violation): string {
  const lines = [`\n${target}, seed ${seed}, ${shrinks} times simplified: ${error}`, ...notes];
  lines.push("Again:", `  deno task fuzz --seed ${seed} --runs ${batchInputs} ${target}`);
  if (choices.length > 0) lines.push(`  deno task fuzz --input ${choices.join(",")} ${target}`);
  return lines.join("\n");
}

function showProgress(results: readonly TargetResult[]): void {
  if (!Deno.stderr.isTerminal()) return;
  const inputs = results.reduce((sum, result) => sum + result.inputs, 0);
  const failed = results.filter(({ violation }) => violation !== null).length;
  const text = `${inputs} inputs${failed > 0 ? `, ${failed} targets failed` : ""}`;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

function replay({ targets: [name], input }: FuzzArguments): number {
  const violation = replayInput(fuzzTargets.find((target) => target.name === name)!, input ?? []);
  console.log(violation === null ? "The input breaks no promise" : violationText(violation));
  return violation === null ? 0 : 1;
}

async function main(args: readonly string[]): Promise<number> {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1;
  const parsed = parseArguments(args, navigator.hardwareConcurrency, seed);
  if (typeof parsed === "string") {
    console.error(`${parsed}\n${usage}`);
    return 2;
  }
  if (parsed.list) {
    console.log(parsed.targets.join("\n"));
    return 0;
  }
  if (parsed.input !== null) return replay(parsed);
  if (parsed.output === "table") console.error(`seed ${parsed.seed}`);
  const results = await runPool({ ...parsed, onProgress: showProgress });
  if (Deno.stderr.isTerminal()) console.error();
  const inputs = results.reduce((sum, result) => sum + result.inputs, 0);
  const violations = results.flatMap(({ violation }) => violation ?? []);
  if (parsed.output === "json") {
    console.log(JSON.stringify({ seed: parsed.seed, inputs, results }, null, 2));
  } else {
    console.log(resultTable(results));
    for (const violation of violations) console.log(violationText(violation));
    const result = violations.length === 0
      ? "no violation"
      : `violations in ${violations.map(({ target }) => target).join(", ")}`;
    console.log(`${inputs} inputs, ${results.length} targets, ${result}`);
  }
  return violations.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));

/**
 * Fault runs on the real thing: the agent's own program, with real sockets, files and signals, in a network namespace
 * of its own, against targets that speak NVMe/TCP. Only the kernel is a stand-in, a process that connects, holds and
 * loses connections as Linux does. Needs root, `ip` and `nft`.
 *
 *     deno task faults [--list] [--jobs N] [--full] [--verbose] [NAME…]
 *
 * Without --full the numbers are small: a few minutes in all. Every scenario first proves that all was well, then
 * that the fault struck, then how soon all was well again, and leaves a row for the table of tests/README.md.
 */
import { writeFaultRow } from "./fault_row.ts";
import { type Scenario, ScenarioRun } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";

/** No scenario takes longer, ms. */
const scenarioMs = { quick: 150_000, full: 1_200_000 };

interface Arguments {
  readonly jobs: number;
  readonly full: boolean;
  readonly verbose: boolean;
  readonly list: boolean;
  readonly chosen: readonly Scenario[];
}

function parseArguments(words: readonly string[]): Arguments {
  const names: string[] = [];
  let jobs = 3;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--jobs") jobs = Number(words[++at]);
    else if (!word.startsWith("--")) names.push(word);
    else if (!["--full", "--verbose", "--list"].includes(word)) throw new Error(`Unknown option ${word}`);
  }
  if (!Number.isInteger(jobs) || jobs < 1) throw new Error("--jobs takes a whole number from 1 up");
  const chosen = names.length === 0 ? scenarios : names.map((name) => {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (found === undefined) throw new Error(`There is no scenario ${name}; --list shows them`);
    return found;
  });
  const flag = (name: string) => words.includes(name);
  return { jobs, full: flag("--full"), verbose: flag("--verbose"), list: flag("--list"), chosen };
}

const columns = Math.max(...scenarios.map(({ name }) => name.length));

const running = new Set<ScenarioRun>();
let isInterrupted = false;

function say(text: string): void {
  if (!isInterrupted) console.error(text);
}

async function endAll(): Promise<void> {
  await Promise.all([...running].map((run) => run.end()));
}

/** Runs one; answers whether it passed. */
async function runScenario(scenario: Scenario, { full, verbose }: Arguments): Promise<boolean> {
  const run = new ScenarioRun(full, (text) => {
    if (verbose) say(`      ${scenario.name.padEnd(columns)}  ${text}`);
  });
  running.add(run);
  const startMs = performance.now();
  const took = () => `${((performance.now() - startMs) / 1_000).toFixed(1).padStart(6)} s`;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limitMs = full ? scenarioMs.full : scenarioMs.quick;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It takes longer than ${limitMs / 1_000} s`)), limitMs);
  });
  try {
    await Promise.race([scenario.run(run), late]);
    for (const row of run.rows) await writeFaultRow(row);
    say(`ok    ${scenario.name.padEnd(columns)}  ${took()}  ${scenario.about}`);
    for (const row of run.rows) say(`      ${"".padEnd(columns)}  ${rowText(row)}`);
    return true;
  } catch (error) {
    say(`FAIL  ${scenario.name.padEnd(columns)}  ${took()}  ${error instanceof Error ? error.stack : error}`);
    for (const host of run.hosts) {
      say(`      agent's status: ${host.status}; its log's last lines:`);
      for (const line of host.agentTail(verbose ? 200 : 30)) say(`        ${line}`);
    }
    return false;
  } finally {
    clearTimeout(timer);
    await run.end();
    running.delete(run);
  }
}

function rowText({ fault, tried, recoveredMs, limitMs, lost }: ScenarioRun["rows"][number]): string {
  const worst = recoveredMs.length === 0
    ? "never away"
    : `well again within ${(Math.max(...recoveredMs) / 1_000).toFixed(2)} s of ${limitMs / 1_000} s`;
  return `${fault}: tried ${tried}, ${worst}, lost ${lost}`;
}

async function main(): Promise<number> {
  const given = parseArguments(Deno.args);
  if (given.list) {
    for (const { name, about } of scenarios) console.log(`${name.padEnd(columns)}  ${about}`);
    return 0;
  }
  if (Deno.uid() !== 0) {
    say("Fault runs need root: they make network namespaces and packet filters");
    return 2;
  }
  const waiting = [...given.chosen];
  let failed = 0;
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined && !isInterrupted; next = waiting.shift()) {
      if (!await runScenario(next, given)) failed++;
    }
  };
  await Promise.all(Array.from({ length: given.jobs }, work));
  say(`${given.chosen.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    say("Interrupted: ending all processes");
    isInterrupted = true;
    endAll().finally(() => Deno.exit(130));
  });
}
try {
  const status = await main();
  // Whoever interrupted it waits for the end of everything.
  if (!isInterrupted) Deno.exit(status);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  await endAll();
  Deno.exit(2);
}

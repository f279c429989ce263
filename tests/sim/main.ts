/**
 * The fault simulator's command: `deno task sim SEED` replays one run and prints all that happened; with `--seeds`
 * or `--seconds` it searches on all processors, and on a violation makes the run smaller and prints it.
 */
import { drawCase, type RunCase } from "./draw_case.ts";
import { runCase } from "./run_case.ts";
import { optionsText } from "./run_options.ts";
import { kindOf } from "./run_step.ts";
import { healMsMax } from "./liveness.ts";
import { writeFaultRow } from "../faults/fault_row.ts";
import { shrink } from "./shrink.ts";
import type { Batch, BatchResult } from "./worker.ts";

const usage = `usage: deno task sim SEED | --case FILE | --seeds N and/or --seconds S [options]
  SEED, --case FILE   one run, with its timeline
  --seeds N           so many seeds, in order
  --seconds S         as many as fit
  --from SEED         the first one (default 1); --fresh draws it
  --jobs J            threads (default: one a processor)
  --most N            go on until so many violations (default 1)
  --rows              write the fault table's rows
Exit status 1 when a rule was broken.`;

/** Seeds that a thread is given at once. */
const batchSeeds = 20;

interface Arguments {
  seed?: number;
  file?: string;
  seeds: number;
  seconds: number;
  from: number;
  jobs: number;
  most: number;
  rows: boolean;
}

function parseArguments(args: readonly string[]): Arguments | null {
  const parsed: Arguments = {
    seeds: Infinity,
    seconds: Infinity,
    from: 1,
    jobs: navigator.hardwareConcurrency,
    most: 1,
    rows: false,
  };
  for (let at = 0; at < args.length; at++) {
    const name = args[at]!;
    if (name === "--rows") parsed.rows = true;
    else if (name === "--fresh") parsed.from = 1 + crypto.getRandomValues(new Uint32Array(1))[0]!;
    else if (name === "--case") parsed.file = args[++at];
    else if (/^--(seeds|seconds|from|jobs|most)$/.test(name)) {
      const value = Number(args[++at]);
      if (!Number.isInteger(value) || value < 1) return null;
      parsed[name.slice(2) as "seeds" | "seconds" | "from" | "jobs" | "most"] = value;
    } else if (/^\d+$/.test(name)) parsed.seed = Number(name);
    else return null;
  }
  const one = parsed.seed !== undefined || parsed.file !== undefined;
  return one || parsed.seeds < Infinity || parsed.seconds < Infinity ? parsed : null;
}

async function main(): Promise<number> {
  const args = parseArguments(Deno.args);
  if (args === null) {
    console.error(usage);
    return 2;
  }
  if (args.file !== undefined) return await replay(JSON.parse(await Deno.readTextFile(args.file)));
  if (args.seed !== undefined) return await replay(drawCase(args.seed));
  return await search(args);
}

async function replay(one: RunCase): Promise<number> {
  const { violation, timeline, healedMs } = await runCase(one, { timeline: true });
  console.log(timeline.join("\n"));
  if (violation === null) console.log(`no violation; all well ${healedMs} ms after the faults`);
  return violation === null ? 0 : 1;
}

interface Totals {
  seeds: number;
  steps: number;
  readonly failures: { readonly seed: number; readonly rule: string; readonly text: string }[];
  readonly healed: Map<string, Map<number, number>>;
}

async function search(args: Arguments): Promise<number> {
  const startMs = performance.now();
  const totals: Totals = { seeds: 0, steps: 0, failures: [], healed: new Map() };
  console.error(`Seeds from ${args.from}, ${args.jobs} threads`);
  let next = args.from;
  const takeBatch = (): Batch | null => {
    const left = args.from + args.seeds - next;
    const late = performance.now() - startMs >= args.seconds * 1_000;
    if (left <= 0 || late || totals.failures.length >= args.most) return null;
    const batch = { from: next, count: Math.min(batchSeeds, left) };
    next += batch.count;
    return batch;
  };
  const progress = setInterval(() => showProgress(totals, startMs), Deno.stderr.isTerminal() ? 500 : 60_000);
  await Promise.all(Array.from({ length: args.jobs }, () => runThread(takeBatch, totals)));
  clearInterval(progress);
  if (Deno.stderr.isTerminal()) console.error("");
  for (const { seed, text } of totals.failures.toSorted((a, b) => a.seed - b.seed).slice(0, args.most)) {
    await explain(seed, text);
  }
  if (args.rows) await writeRows(totals);
  const seconds = (performance.now() - startMs) / 1_000;
  const rate = Math.round(totals.seeds / seconds * 60);
  const found = totals.failures.length === 0 ? "no violation" : `${totals.failures.length} violations`;
  console.log(
    `${totals.seeds} seeds (${args.from} to ${next - 1}), ${totals.steps} faults and changes, ${found}; ` +
      `${seconds.toFixed(1)} s, ${rate} seeds a minute`,
  );
  return totals.failures.length === 0 ? 0 : 1;
}

function showProgress(totals: Totals, startMs: number): void {
  const seconds = (performance.now() - startMs) / 1_000;
  const text = `${totals.seeds} seeds, ${totals.failures.length} violations, ${seconds.toFixed(0)} s`;
  Deno.stderr.writeSync(new TextEncoder().encode(Deno.stderr.isTerminal() ? `\r${text} ` : `${text}\n`));
}

/** One thread, until there is nothing left to take. */
function runThread(takeBatch: () => Batch | null, totals: Totals): Promise<void> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    const give = () => {
      const batch = takeBatch();
      if (batch !== null) return worker.postMessage(batch);
      worker.terminate();
      resolve();
    };
    worker.onmessage = ({ data }: MessageEvent<BatchResult>) => {
      add(totals, data);
      give();
    };
    worker.onerror = (event) => {
      worker.terminate();
      reject(new Error(`A thread ended: ${event.message}`));
    };
    give();
  });
}

function add(totals: Totals, { seeds, steps, failures, healed }: BatchResult): void {
  totals.seeds += seeds;
  totals.steps += steps;
  totals.failures.push(...failures);
  // At once: a search that is cut off must not take along what it found.
  for (const { seed, text } of failures) console.error(`\nseed ${seed} breaks ${text.split("\n")[0]}`);
  for (const [kind, pairs] of Object.entries(healed)) {
    const times = totals.healed.get(kind) ?? new Map<number, number>();
    totals.healed.set(kind, times);
    for (const [ms, count] of pairs) times.set(ms, (times.get(ms) ?? 0) + count);
  }
}

/** Makes a failing run small, keeps it, and prints it. */
async function explain(seed: number, text: string): Promise<void> {
  console.log(`\nseed ${seed} breaks ${text}`);
  const drawn = drawCase(seed);
  const { violation } = await runCase(drawn);
  if (violation === null) {
    console.log("It does not do so again: something outside of its seed takes part. That is a defect too.");
    return;
  }
  const small = await shrink(
    drawn,
    async (candidate) => (await runCase(candidate)).violation?.rule === violation.rule,
  );
  const { timeline } = await runCase(small, { timeline: true });
  console.log(
    `of ${drawn.steps.length} steps ${small.steps.length} are needed: ${small.steps.map(kindOf).join(", ")}`,
  );
  console.log(`options: ${optionsText(small.options)}`);
  console.log(timeline.join("\n"));
  await Deno.mkdir("dist/sim", { recursive: true });
  const file = `dist/sim/seed-${seed}.json`;
  await Deno.writeTextFile(file, `${JSON.stringify(small, null, 1)}\n`);
  console.log(`again: deno task sim --case ${file}`);
}

async function writeRows(totals: Totals): Promise<void> {
  for (const [fault, times] of totals.healed) {
    const all = [...times].sort(([a], [b]) => a - b).flatMap(([ms, count]) => Array<number>(count).fill(ms));
    const lost = all.filter((ms) => !Number.isFinite(ms)).length;
    await writeFaultRow({
      fault,
      where: "simulator",
      tried: all.length,
      recoveredMs: sample(all.filter((ms) => Number.isFinite(ms))),
      limitMs: healMsMax,
      lost,
      checked: "all rules at every step; then all paths live, list right, events armed, quiet, no leak",
    });
  }
}

/** Enough of a sorted list to tell its median and its end. */
function sample(sorted: readonly number[], most = 101): number[] {
  if (sorted.length <= most) return [...sorted];
  return Array.from({ length: most }, (_, at) => sorted[Math.round(at * (sorted.length - 1) / (most - 1))]!);
}

Deno.exit(await main());

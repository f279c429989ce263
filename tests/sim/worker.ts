/** Runs batches of seeds for `main.ts`, in a thread of its own. */
import { drawCase } from "./draw_case.ts";
import { runCase } from "./run_case.ts";
import type { Rule } from "./safety.ts";

export interface Batch {
  readonly from: number;
  readonly count: number;
}

export interface BatchResult {
  readonly seeds: number;
  readonly steps: number;
  readonly failures: readonly { readonly seed: number; readonly rule: Rule; readonly text: string }[];
  /** For each kind of step, how often each time of healing came: [ms, count] pairs. */
  readonly healed: Readonly<Record<string, readonly (readonly [number, number])[]>>;
}

export async function runBatch({ from, count }: Batch): Promise<BatchResult> {
  const failures: { seed: number; rule: Rule; text: string }[] = [];
  const healed: Record<string, Map<number, number>> = {};
  let steps = 0;
  for (let seed = from; seed < from + count; seed++) {
    const drawn = drawCase(seed);
    steps += drawn.steps.length;
    const { violation, healedMs, kinds } = await runCase(drawn);
    if (violation !== null) failures.push({ seed, ...violation });
    for (const kind of kinds) {
      const times = healed[kind] ??= new Map();
      const ms = healedMs ?? Infinity;
      times.set(ms, (times.get(ms) ?? 0) + 1);
    }
  }
  const pairs = Object.fromEntries(Object.entries(healed).map(([kind, times]) => [kind, [...times]]));
  return { seeds: count, steps, failures, healed: pairs };
}

interface WorkerScope {
  onmessage: ((event: MessageEvent<Batch>) => void) | null;
  postMessage(result: BatchResult): void;
}

// In a worker alone; the tests import `runBatch` in the main thread.
if ("WorkerGlobalScope" in globalThis) {
  // Failures are the daily bread here, and a stack for each costs; a replay has them.
  Error.stackTraceLimit = 0;
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = async ({ data }) => scope.postMessage(await runBatch(data));
}

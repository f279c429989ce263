/**
 * A process that tries inputs: an order a line comes in, and lines go out - what is begun, so that the parent can
 * name what hangs or dies, and what came of it. Decides nothing.
 */
import { type FuzzTarget, tryInputs, type Violation } from "./fuzz_target.ts";
import { fuzzTargets } from "./index.ts";

/** Inputs drawn from one seed. */
export const batchInputs = 1_000;

export interface Order {
  readonly target: string;
  /** Of the first batch; the next one has the next number. */
  readonly seed: number;
  /** Inputs at most. */
  readonly runs: number;
  /** Time for it, ms; a batch that was begun is finished. */
  readonly ms: number;
}

export type Told =
  | { readonly kind: "begun"; readonly seed: number }
  | {
    readonly kind: "done";
    readonly inputs: number;
    readonly ms: number;
    readonly violation: Violation | null;
    readonly residentBytes: number;
  };

export function perform(target: FuzzTarget, order: Order, tell: (told: Told) => void): void {
  const startMs = performance.now();
  let inputs = 0;
  let violation: Violation | null = null;
  for (let seed = order.seed; inputs < order.runs && violation === null; seed++) {
    tell({ kind: "begun", seed });
    const runs = Math.min(batchInputs, order.runs - inputs);
    violation = tryInputs(target, { runs, seed });
    inputs += runs;
    if (performance.now() - startMs >= order.ms) break;
  }
  const ms = performance.now() - startMs;
  tell({ kind: "done", inputs, ms, violation, residentBytes: Deno.memoryUsage().rss });
}

if (import.meta.main) {
  const encoder = new TextEncoder();
  const tell = (told: Told) => {
    let line = encoder.encode(`${JSON.stringify(told)}\n`);
    while (line.length > 0) line = line.subarray(Deno.stdout.writeSync(line));
  };
  for await (const line of linesOf(Deno.stdin.readable)) {
    const order = JSON.parse(line) as Order;
    perform(fuzzTargets.find(({ name }) => name === order.target)!, order, tell);
  }
}

export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

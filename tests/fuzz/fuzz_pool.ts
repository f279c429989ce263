/**
 * Spreads the targets over processes, the one furthest behind its share of time first, and watches them: one that tells nothing
 * for too long is ended and its batch named; one that dies or grows without end likewise.
 */
import type { Violation } from "./fuzz_target.ts";
import { fuzzTargets } from "./index.ts";
import { linesOf, type Order, type Told } from "./worker.ts";

export interface PoolOptions {
  readonly targets: readonly string[];
  readonly jobs: number;
  readonly seed: number;
  /** Inputs for each target; Infinity for as many as the time allows. */
  readonly runs: number;
  /** For everything together; Infinity for as long as the inputs take. */
  readonly seconds: number;
  /** Silence after which a process counts as hanging, ms. */
  readonly silenceMs?: number;
  readonly onProgress?: (results: readonly TargetResult[]) => void;
  /** The process to run; ours unless a test has another one. */
  readonly worker?: URL;
}

export interface TargetResult {
  readonly target: string;
  inputs: number;
  /** Time of all processes together. */
  ms: number;
  violation: Violation | null;
}

interface Row extends TargetResult {
  readonly share: number;
  ordered: number;
  orderedMs: number;
  slices: number;
}

const sliceMs = 500;
/** Batches of one slice have seeds of their own up to this; the next slice follows. */
const seedsOfSlice = 100_000;
/** Times the silence that is borne until a new process has told something. */
const startFactor = 5;
const heapMegabytes = 512;
const residentBytesMax = 1_500 * 1024 * 1024;

export async function runPool(options: PoolOptions): Promise<TargetResult[]> {
  const endMs = performance.now() + options.seconds * 1_000;
  const rows: Row[] = options.targets.map((target) => ({
    target,
    inputs: 0,
    ms: 0,
    violation: null,
    share: fuzzTargets.find(({ name }) => name === target)?.share ?? 1,
    ordered: 0,
    orderedMs: 0,
    slices: 0,
  }));
  const serve = async () => {
    let worker: Worker | null = null;
    for (let row = nextRow(rows, options, endMs); row !== null; row = nextRow(rows, options, endMs)) {
      const order = takeSlice(row, options, endMs);
      worker ??= new Worker(options);
      const alive = await worker.perform(order, row);
      options.onProgress?.(rows);
      if (!alive) worker = null;
    }
    await worker?.close();
  };
  await Promise.all(Array.from({ length: options.jobs }, serve));
  return rows.map(({ target, inputs, ms, violation }) => ({ target, inputs, ms, violation }));
}

function nextRow(rows: readonly Row[], options: PoolOptions, endMs: number): Row | null {
  if (performance.now() >= endMs) return null;
  const open = rows.filter((row) => row.violation === null && row.ordered < options.runs);
  return open.reduce<Row | null>(
    (least, row) => least === null || row.orderedMs / row.share < least.orderedMs / least.share ? row : least,
    null,
  );
}

function takeSlice(row: Row, { runs, seed }: PoolOptions, endMs: number): Order {
  const order = {
    target: row.target,
    seed: (seed + row.slices * seedsOfSlice) % 2 ** 31,
    // Inputs that the time did not suffice for come with the next slice.
    runs: Math.min(runs - row.ordered, 1_000_000),
    ms: Math.max(1, Math.min(sliceMs, endMs - performance.now())),
  };
  row.slices++;
  row.ordered += order.runs;
  row.orderedMs += order.ms;
  return order;
}

class Worker {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #silenceMs: number;
  #seed = 0;
  #begun = false;

  constructor({ worker = new URL("worker.ts", import.meta.url), silenceMs = 30_000 }: PoolOptions) {
    const flags = [
      "--quiet",
      "--allow-all",
      "--no-check",
      `--v8-flags=--max-old-space-size=${heapMegabytes}`,
    ];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, worker.href],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#lines = linesOf(this.#child.stdout);
    this.#writer = this.#child.stdin.getWriter();
    this.#silenceMs = silenceMs;
  }

  /** Puts what came of it into the row; false when the process is gone. */
  async perform(order: Order, row: Row): Promise<boolean> {
    this.#seed = order.seed;
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`)).catch(() => {});
    while (true) {
      const told = await this.#next();
      if (typeof told === "string") {
        row.violation = this.#lost(order, told);
        return false;
      }
      if (told.kind === "begun") {
        this.#seed = told.seed;
        continue;
      }
      row.inputs += told.inputs;
      row.ms += told.ms;
      row.ordered -= order.runs - told.inputs;
      row.orderedMs += told.ms - order.ms;
      row.violation ??= told.violation;
      if (told.residentBytes <= residentBytesMax) return true;
      const words = `The process holds ${Math.round(told.residentBytes / 2 ** 20)} MiB`;
      row.violation ??= this.#lost(order, words);
      await this.close();
      return false;
    }
  }

  /** What the process says next, or words why it says nothing more. */
  async #next(): Promise<Told | string> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    // A process takes its time to begin, on a busy machine most of all.
    const patienceMs = this.#begun ? this.#silenceMs : startFactor * this.#silenceMs;
    const silence = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`Nothing was told for ${patienceMs} ms: it hangs`), patienceMs);
    });
    const line = await Promise.race([this.#lines.next(), silence]);
    clearTimeout(timer);
    this.#begun = true;
    if (typeof line === "string") {
      this.#child.kill("SIGKILL");
      await this.#child.status;
      return line;
    }
    if (!line.done) return JSON.parse(line.value) as Told;
    const { code, signal } = await this.#child.status;
    return `The process died with ${signal ?? `status ${code}`}: out of memory, or a crash of the runtime`;
  }

  #lost({ target }: Order, error: string): Violation {
    return { target, seed: this.#seed, choices: [], error, notes: [], shrinks: 0 };
  }

  async close(): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#child.status;
    await this.#lines.return(undefined);
  }
}

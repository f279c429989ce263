/** What somebody who waits for a soak sees on stderr: a line a sample, and on a terminal one that lives. */
import type { Change } from "./change.ts";
import type { Sample } from "./sample.ts";
import { describeSample } from "./sample_table.ts";
import type { SoakEvents, SoakPlan } from "./soak.ts";

const refreshMs = 1_000;
const clearLine = "\r\x1b[K";

export class SoakProgress implements SoakEvents {
  readonly #isTerminal = Deno.stderr.isTerminal();
  readonly #endMs: number;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #phase = "";
  #changes = 0;
  #last = "";

  constructor({ warmUpMs, periods, periodMs, windowMs }: SoakPlan) {
    this.#endMs = performance.now() + warmUpMs + periods * periodMs + (periods + 1) * windowMs;
    if (this.#isTerminal) this.#timer = setInterval(() => this.#show(), refreshMs);
  }

  readonly onChange = (change: Change): void => {
    this.#changes++;
    this.#last = change.kind === "strike" ? change.fault.kind : change.kind;
  };

  readonly onPhase = (phase: string): void => {
    this.#phase = phase;
  };

  readonly onSample = (sample: Sample): void => {
    this.#write(`${this.#isTerminal ? clearLine : ""}${describeSample(sample)}\n`);
  };

  close(): void {
    clearInterval(this.#timer);
    if (this.#isTerminal) this.#write(clearLine);
  }

  #show(): void {
    const leftS = Math.max(0, Math.round((this.#endMs - performance.now()) / 1_000));
    const left = `${Math.floor(leftS / 60)}:${String(leftS % 60).padStart(2, "0")}`;
    this.#write(
      `${clearLine}${left} left and healing; ${this.#phase}; ${this.#changes} changes, ${this.#last}`,
    );
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}

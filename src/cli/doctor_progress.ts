/** Says on a terminal what doctor is at, and takes it away again. */
import type { Clock } from "../base/clock.ts";
import type { Environment } from "./environment.ts";

/** What is being done, on one line of a terminal that is written over; nothing elsewhere. */
export class Progress {
  readonly #environment: Pick<Environment, "stderr">;
  readonly #clock: Clock;
  #width = 0;
  #lastMs = -Infinity;

  constructor(environment: Pick<Environment, "stderr">, clock: Clock) {
    this.#environment = environment;
    this.#clock = clock;
  }

  tell(text: string): void {
    const { stderr } = this.#environment;
    const nowMs = this.#clock.nowMs();
    if (!stderr.isTerminal || nowMs - this.#lastMs < 100) return;
    this.#lastMs = nowMs;
    const line = `Looking at ${text} …`;
    stderr.write(`\r${line.padEnd(this.#width)}`);
    this.#width = line.length;
  }

  end(): void {
    if (this.#width > 0) this.#environment.stderr.write(`\r${" ".repeat(this.#width)}\r`);
  }
}

/** Says on a terminal what a command is at, and takes it away again. */
import type { Clock } from "../base/clock.ts";
import type { Environment } from "./environment.ts";

/** What is being done, on one line of a terminal that is written over; nothing elsewhere. */
export class Progress {
  readonly #environment: Pick<Environment, "stderr">;
  readonly #clock: Clock;
  readonly #doing: string;
  #width = 0;
  #lastMs = -Infinity;

  /** `doing`: the words before what is told. */
  constructor(environment: Pick<Environment, "stderr">, clock: Clock, doing = "Looking at") {
    this.#environment = environment;
    this.#clock = clock;
    this.#doing = doing;
  }

  tell(text: string): void {
    const { stderr } = this.#environment;
    const nowMs = this.#clock.nowMs();
    if (!stderr.isTerminal || nowMs - this.#lastMs < 100) return;
    this.#lastMs = nowMs;
    const line = `${this.#doing} ${text} …`;
    stderr.write(`\r${line.padEnd(this.#width)}`);
    this.#width = line.length;
  }

  end(): void {
    if (this.#width > 0) this.#environment.stderr.write(`\r${" ".repeat(this.#width)}\r`);
  }
}

/** What the commands see of their process: arguments, variables, output. `main.ts` makes the real one. */
import type { Kernel } from "../model/world.ts";

export interface Environment {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Calls `listener` with an error that nobody caught, before the process ends because of it. */
  onBug(listener: (error: unknown) => void): void;
  /** What `serve` connects in, where that is not this machine's kernel: fault runs bring one of their own. */
  readonly kernel?: Kernel;
}

export interface Output {
  /** Returns when all of it is written. */
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Width of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}

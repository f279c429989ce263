/** What the commands see of their process: arguments, variables, output. `main.ts` makes the real one. */
import type { Kernel } from "../model/world.ts";

export interface Environment {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Calls `listener` with an error that nobody caught, before the process ends because of it. */
  onBug(listener: (error: unknown) => void): void;
  /** What connects are made in, where that is not this machine's kernel: fault runs bring one of their own. */
  readonly kernel?: Kernel;
  /** Directory below which /sys, /proc and /dev of the host are, where that is not the root; no slash at its end. */
  readonly hostRoot?: string;
  /** Puts a question to the user; answers whether it was yes. Left out where nobody is there to ask. */
  readonly confirm?: (question: string) => Promise<boolean>;
}

export interface Output {
  /** Returns when all of it is written. */
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Width of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}

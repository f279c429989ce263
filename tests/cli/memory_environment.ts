/** An environment whose output can be read, and the command line run in it. */
import type { Environment } from "../../src/cli/environment.ts";
import { runCli } from "../../src/cli/run_cli.ts";

export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The machine that a command sees; this one where it is left out. */
export type MemoryHost = Pick<Environment, "kernel" | "hostRoot" | "confirm">;

export class MemoryEnvironment implements Environment {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  out = "";
  err = "";
  readonly stdout = {
    write: (text: string) => void (this.out += text),
    isTerminal: false,
    columns: undefined,
  };
  readonly stderr = {
    write: (text: string) => void (this.err += text),
    isTerminal: false,
    columns: undefined,
  };

  readonly kernel: Environment["kernel"];
  readonly hostRoot: Environment["hostRoot"];
  readonly confirm: Environment["confirm"];

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}, host: MemoryHost = {}) {
    this.args = args;
    this.env = env;
    this.kernel = host.kernel;
    this.hostRoot = host.hostRoot;
    this.confirm = host.confirm;
  }

  onBug(): void {}
}

export async function runIn(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  host: MemoryHost = {},
): Promise<CliResult> {
  const environment = new MemoryEnvironment(args, env, host);
  const status = await runCli(environment);
  return { status, stdout: environment.out, stderr: environment.err };
}

/** Calls `action` with a directory that is gone afterwards. */
export async function withDirectory(action: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir();
  try {
    await action(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

export const host = "nqn.2014-08.org.nvmexpress:uuid:aaaaaaaa-0000-4000-8000-000000000001";
export const cluster = "nqn.2016-01.com.example:volumes";

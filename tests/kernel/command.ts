/** Runs a program of the guest, with a time limit. */

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly limitMs?: number;
  /** A non-zero exit is an answer, not an error. */
  readonly mayFail?: boolean;
  readonly stdin?: string;
  readonly env?: Record<string, string>;
}

export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    env: options.env ?? {},
  }).spawn();
  let late = false;
  const limitMs = options.limitMs ?? 30_000;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, limitMs);
  try {
    if (options.stdin !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(options.stdin));
      await writer.close();
    }
    const output = await child.output();
    const result = {
      code: output.code,
      stdout: new TextDecoder().decode(output.stdout),
      stderr: new TextDecoder().decode(output.stderr),
    };
    const call = `${program} ${args.join(" ")}`;
    if (late) throw new Error(`Cannot run ${call}: no end within ${limitMs} ms`);
    if (result.code !== 0 && options.mayFail !== true) {
      throw new Error(
        `Cannot run ${call}: exit ${result.code}: ${result.stderr.trim() || result.stdout.trim()}`,
      );
    }
    return result;
  } finally {
    clearTimeout(timer);
  }
}

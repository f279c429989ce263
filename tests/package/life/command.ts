/** Runs commands of this machine, and says what went wrong in one error. */
export interface Outcome {
  readonly code: number;
  /** Standard output, then standard error. */
  readonly text: string;
}

export async function attempt(
  command: string,
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { LC_ALL: "C", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** What it prints. Throws when it fails. */
export async function run(...[command, args, options]: Parameters<typeof attempt>): Promise<string> {
  const { code, text } = await attempt(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${text}`);
  return text;
}

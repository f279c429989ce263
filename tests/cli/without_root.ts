/** Runs the program as somebody who is not root; whoever is not root already stays what they are. */
import { assert } from "../assert.ts";
import { programWords } from "./program_process.ts";

export const nobody = 65_534;

/** Words and variables that run the program without root's rights, but for reading where it lies. */
export async function withoutRoot(
  root: string,
  gid = nobody,
): Promise<{ wrapper: string[]; env: Record<string, string> }> {
  const env: Record<string, string> = { TMPDIR: `${root}/tmp`, HOME: `${root}/tmp` };
  await Deno.mkdir(`${root}/tmp`, { recursive: true });
  if (Deno.uid() !== 0) return { wrapper: [], env };
  await Deno.chmod(root, 0o755);
  if (programWords.length > 1) {
    // The runtime's cache of packages wants to be written to.
    env.DENO_DIR = `${root}/deno`;
    const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
    const { denoDir } = JSON.parse(new TextDecoder().decode(info.stdout)) as { denoDir: string };
    await Deno.mkdir(env.DENO_DIR, { recursive: true });
    await run("cp", "-r", `${denoDir}/npm`, env.DENO_DIR);
  }
  await run(
    "chown",
    "-R",
    `${nobody}:${nobody}`,
    `${root}/tmp`,
    ...env.DENO_DIR === undefined ? [] : [env.DENO_DIR],
  );
  const only = "-all,+dac_read_search";
  const identity = [`--reuid=${nobody}`, `--regid=${gid}`, "--clear-groups"];
  return { wrapper: ["setpriv", ...identity, `--inh-caps=${only}`, `--ambient-caps=${only}`], env };
}

async function run(command: string, ...args: string[]): Promise<void> {
  assert((await new Deno.Command(command, { args }).output()).success, `${command} ${args.join(" ")}`);
}

/**
 * A copy of the tree to break: module caches allow no second version of a module in one process, so every hunt is a
 * process of its own, in a directory of its own. The repository itself is never changed.
 */
import type { Catch } from "./hunt.ts";
import { applyMutation, type Mutation } from "./mutation.ts";

/** What the simulator is made of. */
const parts = [
  "deno.json",
  "deno.lock",
  "src",
  "tests/sim",
  "tests/fabric",
  "tests/assert.ts",
  "tests/mutations/hunt.ts",
];

export class Workshop {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** `root`: the repository, ending in a slash. */
  static async make(root: URL): Promise<Workshop> {
    const directory = await Deno.makeTempDir({ prefix: "mutations-" });
    for (const part of parts) await copy(new URL(part, root), `${directory}/${part}`);
    return new Workshop(directory);
  }

  /** A second one like it, from the copy and not from a tree that may have changed meanwhile. */
  async another(): Promise<Workshop> {
    return await Workshop.make(new URL(`file://${this.#directory}/`));
  }

  /** Breaks the copy, hunts over `args` (see hunt.ts), mends it. Throws when the mutation is stale or time is up. */
  async hunt(mutation: Mutation | null, args: readonly string[], timeoutMs: number): Promise<Catch> {
    if (mutation === null) return await this.#run(args, timeoutMs);
    const path = `${this.#directory}/${mutation.file}`;
    const source = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, applyMutation(source, mutation));
    try {
      return await this.#run(args, timeoutMs);
    } finally {
      await Deno.writeTextFile(path, source);
    }
  }

  async #run(args: readonly string[], timeoutMs: number): Promise<Catch> {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", "--quiet", "tests/mutations/hunt.ts", ...args],
      cwd: this.#directory,
      env: { NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(timeoutMs),
    }).output();
    const decoder = new TextDecoder();
    const [line = ""] = decoder.decode(stdout).trim().split("\n").slice(-1);
    if (success && line.startsWith("{")) return JSON.parse(line) as Catch;
    const why = decoder.decode(stderr).trim().split("\n").slice(0, 3).join(" ");
    throw new Error(why === "" ? `The hunt did not end within ${timeoutMs / 1_000} s` : `No hunt: ${why}`);
  }

  async remove(): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true });
  }
}

async function copy(from: URL, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) {
    await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
    return await Deno.copyFile(from, to);
  }
  const inside = new URL(`${from.href}/`);
  for await (const { name } of Deno.readDir(inside)) {
    if (!name.endsWith("_test.ts")) await copy(new URL(name, inside), `${to}/${name}`);
  }
}

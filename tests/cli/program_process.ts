/**
 * The program as a process of its own: `deno run main.ts`, or the executable that $DISCOVERY_CLIENT names. Its stderr
 * grows while it runs and can be waited for.
 */
import { assert } from "../assert.ts";
import type { CliResult } from "./memory_environment.ts";

const source = new URL("../../main.ts", import.meta.url).pathname;
const binary = Deno.env.get("DISCOVERY_CLIENT") ?? "";

/** Program and first arguments. */
export const programWords: readonly string[] = binary === ""
  ? [Deno.execPath(), "run", "--quiet", "--allow-all", "--cached-only", source]
  : [binary];

/** Nothing here takes longer; a test that would hang fails with what it has seen. */
const waitLimitMs = 20_000;

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the program: who runs it, or where. */
  readonly wrapper?: readonly string[];
  /** What runs in place of the program. */
  readonly program?: readonly string[];
}

export class ProgramProcess {
  readonly #child: Deno.ChildProcess;
  readonly #out: Promise<void>;
  readonly #err: Promise<void>;
  readonly #listeners = new Set<() => void>();
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], { env = {}, wrapper = [], program }: ProcessOptions = {}) {
    const [command = "", ...rest] = [...wrapper, ...program ?? programWords, ...args];
    this.#child = new Deno.Command(command, {
      args: rest,
      // As root, serve would make the host's own file.
      env: { NO_COLOR: "1", DC_NVMEHOSTIDPATH: "/nonexistent/hostid", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#out = this.#follow(this.#child.stdout, (text) => this.stdout += text);
    this.#err = this.#follow(this.#child.stderr, (text) => this.stderr += text);
  }

  async #follow(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const part of stream) {
      take(decoder.decode(part, { stream: true }));
      for (const listener of this.#listeners) listener();
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Until stderr holds the text, or the process ends without it; answers the line. */
  async waitFor(text: string | RegExp): Promise<string> {
    const find = () =>
      this.stderr.split("\n").slice(0, -1).find((line) =>
        typeof text === "string" ? line.includes(text) : text.test(line)
      );
    let timer: ReturnType<typeof setTimeout> | undefined;
    let listener = () => {};
    const found = new Promise<void>((resolve) => {
      listener = () => find() === undefined ? undefined : resolve();
      timer = setTimeout(resolve, waitLimitMs);
    });
    this.#listeners.add(listener);
    listener();
    await Promise.race([found, this.#err]);
    clearTimeout(timer);
    this.#listeners.delete(listener);
    const line = find();
    assert(line !== undefined, `No ${text} in:\n${this.stderr}`);
    return line;
  }

  /** Lines of stderr with this text. */
  lines(text: string): string[] {
    return this.stderr.split("\n").filter((line) => line.includes(text));
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async end(): Promise<CliResult> {
    const { code } = await this.#child.status;
    await Promise.all([this.#out, this.#err]);
    return { status: code, stdout: this.stdout, stderr: this.stderr };
  }

  /** For the case that a test fails before its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.end();
  }
}

/** Runs a command of the program to its end. */
export async function runProgramProcess(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<CliResult> {
  await using program = new ProgramProcess(args, options);
  return await program.end();
}

/** Polls, since a file system and another process give no word; fails with `what` when it does not come to hold. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = waitLimitMs,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!await condition()) {
    assert(performance.now() < endMs, `${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Options of an agent that lives below `root`, has nothing to detect and takes no port of this host. */
export function agentArgs(root: string, ...more: string[]): string[] {
  const directories = ["--clientConfigDir", `${root}/d`, "--internalDir", `${root}/i`];
  const silence = ["-e=false", "--debug.endpoint=", "--control.socket="];
  return ["serve", ...directories, ...silence, "--reconnectInterval", "100ms", ...more];
}

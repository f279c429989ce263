/**
 * A process of a run: started inside a namespace, asked on stdin and stdout, killed, stopped and continued by its
 * number, counted in /proc. Its stderr is kept, the last part of it. Never outlives `end`.
 */
import { assert } from "../assert.ts";
import { lines } from "./lines.ts";
import type { Reply, Request } from "./process_requests.ts";

const linesKept = 4_000;
/** A request that takes longer is a mistake of the harness. */
const requestMs = 20_000;

export interface ProcessCounts {
  readonly descriptors: number;
  readonly threads: number;
  /** Resident memory, bytes. */
  readonly residentBytes: number;
}

export interface ChildOptions {
  readonly name: string;
  /** Program and arguments, wrappers that end in exec included: the number must stay. */
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Answers requests; without it stdin and stdout are closed. */
  readonly isAsked?: boolean;
  /** Called when it ends though nobody ended it. */
  readonly onDeath?: (what: string) => void;
}

/** `deno run` of a file beside this one. */
export function denoWords(file: string, flags: readonly string[] = []): string[] {
  const path = new URL(file, import.meta.url).pathname;
  return [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-check", "--cached-only", ...flags, path];
}

export class ChildProcess {
  readonly pid: number;
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #log: string[] = [];
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #writer: WritableStreamDefaultWriter<Uint8Array> | null;
  readonly #streams: Promise<void>[] = [];
  #lastId = 0;
  #expectedEnd = false;
  #hasEnded = false;
  #dropped = 0;
  readonly ended: Promise<Deno.CommandStatus>;

  constructor({ name, words, env = {}, isAsked = false, onDeath }: ChildOptions) {
    const [command = "", ...args] = words;
    this.#name = name;
    this.#child = new Deno.Command(command, {
      args,
      env: { NO_COLOR: "1", ...env },
      stdin: isAsked ? "piped" : "null",
      stdout: isAsked ? "piped" : "null",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.#writer = isAsked ? this.#child.stdin.getWriter() : null;
    if (isAsked) this.#streams.push(this.#readReplies());
    this.#streams.push(this.#readLog());
    this.ended = this.#child.status.then((status) => {
      this.#hasEnded = true;
      for (const answer of this.#waiting.values()) answer({ id: 0, error: `${name} has ended` });
      if (!this.#expectedEnd) {
        const how = status.signal ?? `status ${status.code}`;
        onDeath?.(`${name} ended by itself: ${how}\n${this.tail(12).join("\n")}`);
      }
      return status;
    });
  }

  async #readReplies(): Promise<void> {
    for await (const line of lines(this.#child.stdout)) {
      const reply = JSON.parse(line) as Reply;
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    }
  }

  async #readLog(): Promise<void> {
    for await (const line of lines(this.#child.stderr)) {
      this.#log.push(line);
      if (this.#log.length > linesKept) this.#dropped += this.#log.splice(0, linesKept / 4).length;
    }
  }

  get isRunning(): boolean {
    return !this.#hasEnded;
  }

  /** Until the first line, which says that it is ready. */
  async ready(): Promise<void> {
    await this.#reply(0, "its start");
  }

  async ask(call: string, ...args: unknown[]): Promise<unknown> {
    assert(this.isRunning, `Cannot ask ${this.#name} for ${call}: it has ended`);
    const id = ++this.#lastId;
    const request: Request = { id, call, args };
    const reply = this.#reply(id, call);
    await this.#writer!.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`)).catch(() => {});
    return await reply;
  }

  async #reply(id: number, what: string): Promise<unknown> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const reply = await new Promise<Reply>((resolve) => {
      this.#waiting.set(id, resolve);
      timer = setTimeout(() => resolve({ id, error: `no answer in ${requestMs} ms` }), requestMs);
    });
    clearTimeout(timer);
    this.#waiting.delete(id);
    if ("error" in reply) {
      throw new Error(`Cannot ask ${this.#name} for ${what}: ${reply.error}\n${this.tail(5).join("\n")}`);
    }
    return reply.value;
  }

  /** The last lines of its stderr. */
  tail(count: number): readonly string[] {
    return this.#log.slice(-count);
  }

  /** Lines written to stderr so far. */
  get logged(): number {
    return this.#dropped + this.#log.length;
  }

  /** Lines kept that hold the text, from line number `from` on. */
  linesWith(text: string, from = 0): readonly string[] {
    return this.#log.slice(Math.max(0, from - this.#dropped)).filter((line) => line.includes(text));
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** SIGSTOP; returns when the system shows it stopped. */
  async pause(): Promise<void> {
    this.signal("SIGSTOP");
    while (!/^State:\s+T/m.test(await Deno.readTextFile(`/proc/${this.pid}/status`))) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  resume(): void {
    this.signal("SIGCONT");
  }

  /** Ends it with the signal and waits; kills it when that takes too long. Answers the ms it took, and its status. */
  async end(signal: Deno.Signal = "SIGKILL", limitMs = 15_000): Promise<{ ms: number; status: number }> {
    const startMs = performance.now();
    this.#expectedEnd = true;
    if (this.isRunning) {
      try {
        this.signal(signal);
      } catch {
        // It ended meanwhile.
      }
    }
    const timer = setTimeout(() => this.isRunning && this.signal("SIGKILL"), limitMs);
    const { code } = await this.ended;
    clearTimeout(timer);
    const ms = performance.now() - startMs;
    await this.#writer?.close().catch(() => {});
    await Promise.allSettled(this.#streams);
    return { ms, status: code };
  }

  async counts(): Promise<ProcessCounts> {
    const status = await Deno.readTextFile(`/proc/${this.pid}/status`);
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? NaN);
    let descriptors = 0;
    for await (const _ of Deno.readDir(`/proc/${this.pid}/fd`)) descriptors++;
    return { descriptors, threads: field("Threads"), residentBytes: field("VmRSS") * 1024 };
  }
}

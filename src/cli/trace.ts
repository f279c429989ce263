/** `trace`: what the running agent's connections carry from now on, in a file that Wireshark opens. */
import type { Clock } from "../base/clock.ts";
import { errorText } from "../base/errors.ts";
import { streamAgent } from "../io/control_client.ts";
import { kernelError } from "../io/io_errors.ts";
import { openForTrace, type TraceHandle } from "../io/trace_file.ts";
import { PcapngBlocks } from "../report/pcapng_blocks.ts";
import { answerOf, parseAnswer, withAgent } from "./agent_request.ts";
import { type OptionValues, UsageError } from "./command.ts";
import type { Environment } from "./environment.ts";
import { Progress } from "./progress.ts";
import { StopRequest } from "./stop_request.ts";
import { printable } from "./table.ts";
import { parseTraceDuration } from "./trace_control.ts";
import { parseTraceBytes, parseTraceEndpoints } from "./trace_options.ts";

/** Answers 1 when the agent refuses or the file cannot be written, 2 when no agent answers. */
export async function trace(environment: Environment, options: OptionValues): Promise<number> {
  const file = options.text("file") ?? "";
  if (file === "") throw new UsageError("Cannot record: name the FILE to write, or - for standard output");
  const path = `/v1/trace${traceQuery(options)}`;
  return await withAgent(environment, options, async (agent) => {
    // Whoever refuses says why here, before there is a file.
    await answerOf(agent, { method: "GET", path: "/v1/version" });
    const stop = new StopRequest();
    const leaving = new AbortController();
    void stop.asked.then(() => leaving.abort());
    stop.onHangup = () => leaving.abort();
    const copy = new TraceCopy(environment, agent.clock, file);
    try {
      for await (const { status, part } of streamAgent({ ...agent, method: "GET", path }, leaving.signal)) {
        if (status !== 200) copy.refuse(part);
        else if (!await copy.take(part)) break;
      }
      return copy.end(leaving.signal.aborted);
    } finally {
      copy.close();
      stop.close();
    }
  });
}

/** What is wrong with it is told here, by the options' names. Throws UsageError. */
function traceQuery(options: OptionValues): string {
  const query = new URLSearchParams();
  const endpoints = options.list("endpoint");
  parseTraceEndpoints(endpoints, "--endpoint");
  for (const endpoint of endpoints) query.append("endpoint", endpoint);
  for (const [name, parse] of [["limit", parseTraceBytes], ["duration", parseTraceDuration]] as const) {
    const text = options.text(name);
    parse(text, `--${name}`);
    if (text !== undefined) query.set(name, text);
  }
  return query.size === 0 ? "" : `?${query}`;
}

/** The file: whole blocks alone, wherever the recording breaks off. */
class TraceCopy {
  readonly #stderr: Environment["stderr"];
  readonly #progress: Progress;
  readonly #file: string;
  readonly #blocks = new PcapngBlocks();
  #handle: TraceHandle | null = null;
  #bytes = 0;
  #refusal = "";
  #failure: Error | null = null;

  constructor(environment: Environment, clock: Clock, file: string) {
    this.#stderr = environment.stderr;
    this.#progress = new Progress(environment, clock, "Recording");
    this.#file = file;
  }

  /** False when it cannot be written. */
  async take(part: Uint8Array): Promise<boolean> {
    try {
      const whole = this.#blocks.take(part);
      this.#handle ??= await openForTrace(this.#file === "-" ? "/dev/stdout" : this.#file);
      for (let at = 0; at < whole.length;) at += await this.#handle.write(whole.subarray(at));
      this.#bytes += whole.length;
      this.#progress.tell(this.#amount);
      return true;
    } catch (error) {
      this.#failure = kernelError(`Cannot write the trace to ${this.#file}`, error);
      // A block that ends in the middle makes readers complain; a pipe cannot be cut.
      await this.#handle?.truncate(this.#bytes).catch(() => {});
      return false;
    }
  }

  refuse(part: Uint8Array): void {
    this.#refusal += new TextDecoder().decode(part);
  }

  /** Says what came of it; answers the exit status. */
  end(isLeft: boolean): number {
    this.#progress.end();
    if (this.#refusal !== "") {
      const reason = parseAnswer(this.#refusal)?.error;
      return this.#fail(
        `The agent refused: ${typeof reason === "string" ? reason : "it is of another version"}`,
      );
    }
    if (this.#failure !== null) return this.#fail(errorText(this.#failure));
    const where = this.#file === "-" ? "" : ` in ${this.#file}`;
    if (!isLeft && !this.#blocks.isComplete) {
      return this.#fail(`The agent broke off; there are ${this.#amount}${where}`);
    }
    const hint = this.#file === "-" ? "" : `; wireshark -d tcp.port==8009,nvme-tcp ${this.#file}`;
    this.#stderr.write(`${this.#amount}${where}${hint}\n`);
    return 0;
  }

  close(): void {
    this.#handle?.close();
    this.#handle = null;
  }

  get #amount(): string {
    const { packets } = this.#blocks;
    return `${packets} ${packets === 1 ? "packet" : "packets"}, ${Math.ceil(this.#bytes / 1_000)} kB`;
  }

  #fail(message: string): number {
    this.#stderr.write(`discovery-client: ${printable(message)}\n`);
    return 1;
  }
}

/** `trace`: what the running agent's connections carry from now on, in a file that Wireshark opens. */
import type { Clock, Timer } from "../base/clock.ts";
import { errorText, TimeoutError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type AnswerPart, streamAgent } from "../io/control_client.ts";
import { errnoOf, kernelError } from "../io/io_errors.ts";
import { openForTrace, standardOutput, type TraceHandle } from "../io/trace_file.ts";
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
  if (file === "-" && environment.stdout.isTerminal) {
    throw new UsageError("Cannot record to a terminal: name a FILE, or send standard output somewhere else");
  }
  const path = `/v1/trace${traceQuery(options)}`;
  return await withAgent(environment, options, async (agent) => {
    // Whoever refuses says why here, before there is a file.
    await answerOf(agent, { method: "GET", path: "/v1/version" });
    const stop = new StopRequest();
    const leaving = new AbortController();
    const copy = new TraceCopy(environment, agent.clock, file);
    let timer: Timer | null = null;
    try {
      // A pipe that nobody reads holds up whoever opens it or writes to it.
      const stuck = new Promise<void>((resolve) => {
        const leave = () => {
          leaving.abort();
          timer ??= agent.clock.setTimer(limits.traceCloseMs, resolve);
        };
        void stop.asked.then(leave);
        stop.onHangup = leave;
      }).then(() => copy.giveUp());
      await Promise.race([copy.all(streamAgent({ ...agent, method: "GET", path }, leaving.signal)), stuck]);
      return copy.end(leaving.signal.aborted);
    } finally {
      (timer as Timer | null)?.cancel();
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
  readonly #clock: Clock;
  readonly #progress: Progress;
  readonly #file: string;
  readonly #blocks = new PcapngBlocks();
  #handle: TraceHandle | null = null;
  #bytes = 0;
  #refusal = "";
  /** Its reader has gone. */
  #isLeft = false;
  #failure: Error | null = null;

  constructor(environment: Environment, clock: Clock, file: string) {
    this.#stderr = environment.stderr;
    this.#clock = clock;
    this.#progress = new Progress(environment, clock, "Recording");
    this.#file = file;
  }

  /** To the end of the answer, or of what can be written. Throws what the answer throws. */
  async all(answer: AsyncIterable<AnswerPart>): Promise<void> {
    for await (const { status, part } of answer) {
      if (status !== 200) this.#refusal += new TextDecoder().decode(part);
      else if (!await this.#take(part)) return;
    }
  }

  /** It cannot be written to its end. */
  giveUp(): void {
    this.#failure = new TimeoutError("trace", `Cannot write the trace to ${this.#file}: nobody takes it`);
  }

  /** False when it cannot be written. */
  async #take(part: Uint8Array): Promise<boolean> {
    try {
      const whole = this.#blocks.take(part);
      this.#handle ??= this.#file === "-"
        ? standardOutput(this.#clock)
        : await openForTrace(this.#file, this.#clock);
      for (let at = 0; at < whole.length;) at += await this.#handle.write(whole.subarray(at));
      this.#bytes += whole.length;
      this.#progress.tell(this.#amount);
      return true;
    } catch (error) {
      // As when whoever reads a pipe has seen enough.
      this.#isLeft = this.#file === "-" && ["EPIPE", "ECONNRESET"].includes(errnoOf(error));
      if (this.#isLeft) return false;
      this.#failure = kernelError(`Cannot write the trace to ${this.#file}`, error);
      // A block that ends in the middle makes readers complain; a pipe cannot be cut.
      await this.#handle?.truncate(this.#bytes).catch(() => {});
      return false;
    }
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
    if (this.#handle === null) {
      return this.#fail(isLeft ? "Nothing was recorded" : "The agent broke off before anything was recorded");
    }
    const where = this.#file === "-" ? "" : ` in ${this.#file}`;
    if (!isLeft && !this.#isLeft && !this.#blocks.isComplete) {
      return this.#fail(`The agent broke off; there are ${this.#amount}${where}`);
    }
    const { dropped } = this.#blocks;
    const lost = dropped === 0 ? "" : `, ${dropped} left out: they were not taken in time`;
    const hint = this.#file === "-"
      ? ""
      : `; open it with wireshark -d tcp.port==8009,nvme-tcp ${this.#file}`;
    this.#stderr.write(`${this.#amount}${where}${lost}${hint}\n`);
    return 0;
  }

  close(): void {
    this.#handle?.close();
    this.#handle = null;
  }

  get #amount(): string {
    const { packets, connections } = this.#blocks;
    const counted = `${packets} packet${packets === 1 ? "" : "s"} of ${connections} connection`;
    return `${counted}${connections === 1 ? "" : "s"}, ${Math.ceil(this.#bytes / 1_000)} kB`;
  }

  #fail(message: string): number {
    this.#stderr.write(`discovery-client: ${printable(message)}\n`);
    return 1;
  }
}

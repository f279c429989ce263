/**
 * The log reader against a log that moves while it is read. What it hands out is one generation, whole; the last
 * read of a log clears the event; it neither spins nor stops for ever while it is asked to read.
 */
import { AgentError } from "../../../src/base/errors.ts";
import { AdminQueue } from "../../../src/protocol/admin_queue.ts";
import { type DiscoveryLog, LogReader } from "../../../src/protocol/log_reader.ts";
import { check } from "../check.ts";
import type { Choices } from "../choices.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { HostileController } from "../hostile_controller.ts";

const digests = { header: false, data: false };

class ReaderUnderTest {
  readonly #choices: Choices;
  readonly #queue: AdminQueue;
  readonly #reader: LogReader;
  readonly #controller: HostileController;
  #nowMs = 0;
  #logs = 0;
  #generation = 0;

  constructor(choices: Choices) {
    this.#choices = choices;
    this.#queue = new AdminQueue(0, digests);
    this.#controller = new HostileController(choices, digests);
    const chunkBytes = choices.pick([65_536, 4_096, 8_192]);
    this.#reader = new LogReader(this.#queue, chunkBytes, (log) => this.#checkLog(log));
  }

  run(): void {
    this.#exchange();
    this.#exchange();
    if (!this.#queue.established) return;
    for (let left = this.#choices.between(1, 30); left > 0 && this.#queue.failure === null; left--) {
      this.#step();
    }
    if (this.#queue.failure !== null || this.#controller.lied) return;
    // The log stands still: what was asked for is answered.
    const before = this.#logs;
    this.#reader.requestRead(this.#nowMs);
    for (let turns = 0; turns < 400 && !this.#isIdle(); turns++) {
      this.#exchange();
      if (this.#controller.waiting.length === 0) this.#pass(this.#reader.nextTimeoutMs() - this.#nowMs);
    }
    if (this.#controller.lied) return;
    check(this.#queue.failure === null, () => `A true controller is refused: ${this.#queue.failure}`);
    check(this.#logs > before && this.#generation === this.#controller.genctr, "The last log is never told");
  }

  #isIdle(): boolean {
    return this.#controller.waiting.length === 0 && !this.#reader.reading &&
      this.#reader.nextTimeoutMs() === Infinity;
  }

  #step(): void {
    switch (this.#choices.below(8)) {
      case 0:
        this.#reader.requestRead(this.#nowMs);
        return this.#exchange();
      case 1:
        return this.#controller.changeLog();
      case 2:
        return this.#pass(this.#choices.edgy(2_000));
      case 3:
        if (!this.#choices.once(50)) return;
        this.#controller.talkNonsense();
        return;
      default:
        return this.#exchange();
    }
  }

  #pass(ms: number): void {
    if (ms === Infinity) return;
    this.#nowMs += Math.max(0, ms);
    this.#reader.handleTimeout(this.#nowMs);
    check(this.#reader.nextTimeoutMs() > this.#nowMs, "It spins: its timeout stays in the past");
  }

  /** One answer in, and what the host says to it out. */
  #exchange(): void {
    const bytes = this.#controller.waiting.shift();
    try {
      if (bytes !== undefined) this.#queue.handleBytes(this.#nowMs, bytes);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
    }
    check(this.#queue.outstandingCount <= 1, "Two reads at once");
    const out = this.#queue.takeBytes();
    if (out !== null) this.#controller.handleBytes(out);
  }

  #checkLog({ genctr, records }: DiscoveryLog): void {
    this.#logs++;
    this.#generation = Number(genctr);
    if (this.#controller.spoilt) return;
    check(!this.#controller.lastReadRetains, "A log is told before its event was cleared");
    for (const [at, { subnqn }] of records.entries()) {
      const expected = `n:${genctr}:${at}:${records.length}`;
      check(subnqn === expected, () => `Record ${at} is ${subnqn}, expected ${expected}`);
    }
  }
}

export const logReader: FuzzTarget = {
  name: "log_reader",
  share: 3,
  tryInput: (choices) => new ReaderUnderTest(choices).run(),
};

/**
 * A session against a hostile controller, in virtual time, stopped or cut off at any moment. It closes once, with a
 * typed error, says nothing after that, never spins, and tells logs of one generation only.
 */
import { AgentError } from "../../../src/base/errors.ts";
import { discoveryNqn } from "../../../src/nvme/spec.ts";
import type { DiscoveryLog } from "../../../src/protocol/log_reader.ts";
import { Session, type SessionEvent } from "../../../src/protocol/session.ts";
import { check } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawDigests } from "../draw_pdu.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { HostileController } from "../hostile_controller.ts";
import { cutUp } from "../mutate.ts";

const hostid = Uint8Array.from({ length: 16 }, (_, at) => at + 1);
/** Timeouts without any time passing: more is a machine that spins. */
const timeoutsAtOnceMax = 4;

class SessionUnderTest {
  readonly #choices: Choices;
  readonly #session: Session;
  readonly #controller: HostileController;
  readonly #kinds: SessionEvent["kind"][] = [];
  #nowMs = 1_000_000;

  constructor(choices: Choices) {
    this.#choices = choices;
    const digests = drawDigests(choices);
    const katoMs = choices.pick([10_000, 1_000, 100, 120_000]);
    const hostnqn = "nqn.2014-08.org.example:h";
    const options = { hostnqn, hostid, subnqn: discoveryNqn, katoMs, digests };
    choices.note("options", { katoMs, digests });
    this.#session = new Session(this.#nowMs, options);
    this.#controller = new HostileController(choices, digests);
  }

  run(): void {
    this.#listen(0);
    for (let left = this.#choices.between(8, 60); left > 0 && !this.#session.closed; left--) this.#step();
    this.#choices.note("events", this.#kinds.join(" "));
    this.#waitForEnd();
  }

  #step(): void {
    const { waiting } = this.#controller;
    const choices = this.#choices;
    // Mostly an answer, or nothing would ever be reached.
    if (waiting.length > 0 && !choices.once(8)) {
      const [bytes] = waiting.splice(choices.once(6) ? choices.below(waiting.length) : 0, 1);
      return this.#deliver(bytes!);
    }
    switch (choices.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.#pass(Math.max(0, this.#nextMs() - this.#nowMs));
      case 4:
      case 5:
        return this.#pass(choices.edgy(20_000));
      case 6:
      case 7:
      case 8:
        this.#controller.changeLog();
        return this.#controller.raiseEvent();
      case 9:
        return this.#controller.raiseEvent();
      case 10:
      case 11:
        return this.#controller.changeLog();
      case 12:
      case 13:
        if (choices.once(2)) this.#controller.talkNonsense();
        return;
      case 14:
        if (!choices.once(3)) return;
        this.#session.stop(this.#nowMs);
        return this.#listen(0);
      default:
        if (!choices.once(3)) return;
        this.#session.handleClose(null);
        return this.#listen(0);
    }
  }

  #deliver(bytes: Uint8Array): void {
    for (const chunk of cutUp(this.#choices, bytes)) {
      this.#session.handleBytes(this.#nowMs, chunk);
      this.#listen(chunk.length);
    }
  }

  #nextMs(): number {
    const next = this.#session.nextTimeoutMs();
    return next === Infinity ? this.#nowMs + 1_000 : next;
  }

  #pass(ms: number): void {
    this.#nowMs += ms;
    for (let times = 0; this.#session.nextTimeoutMs() <= this.#nowMs; times++) {
      check(times < timeoutsAtOnceMax, "It spins: its timeout stays in the past");
      this.#session.handleTimeout(this.#nowMs);
      this.#listen(0);
    }
  }

  /** Takes what it says, and checks that it may say it. */
  #listen(bytesIn: number): void {
    const wasClosed = this.#kinds.includes("closed");
    const events = this.#session.takeEvents();
    check(!wasClosed || events.length === 0, "It tells something after its end");
    // One PDU is 24 bytes at least, and brings an event and a log at most.
    check(events.length <= 4 + bytesIn / 12, () => `${events.length} events of ${bytesIn} bytes`);
    for (const event of events) this.#checkEvent(event);
    const closed = this.#kinds.includes("closed");
    check(closed === this.#session.closed, "Closed, and nobody is told");
    check(!closed || this.#session.nextTimeoutMs() === Infinity, "A timer outlives the end");
    const out = this.#session.takeBytes();
    check(this.#session.takeBytes() === null, "Bytes without end");
    if (out === null) return;
    check(out.length <= 8_000 + 8 * bytesIn, () => `${out.length} bytes go out for ${bytesIn}`);
    check(!closed || out.length <= 152, "More than a TermReq after the end");
    this.#controller.handleBytes(out);
  }

  #checkEvent(event: SessionEvent): void {
    check(!this.#kinds.includes("closed"), "Something follows the end");
    if (event.kind === "ready") check(this.#kinds.length === 0, "Ready comes first, once");
    if (event.kind === "log" || event.kind === "event") {
      check(this.#kinds[0] === "ready", "A log before ready");
    }
    if (event.kind === "log" && !this.#controller.spoilt) checkLog(event.log);
    if (event.kind === "closed") {
      check(event.error === null || event.error instanceof AgentError, () => `Ends with ${event.error}`);
    }
    this.#kinds.push(event.kind);
  }

  /** The controller falls silent: the session gives up in bounded steps and time. */
  #waitForEnd(): void {
    const startMs = this.#nowMs;
    for (let steps = 0; !this.#session.closed; steps++) {
      check(steps < 60 && this.#nowMs - startMs < 400_000, "It waits for a silent controller for ever");
      const next = this.#session.nextTimeoutMs();
      check(next !== Infinity, "An open session waits for nothing");
      this.#pass(Math.max(0, next - this.#nowMs));
    }
    this.#session.handleBytes(this.#nowMs, new Uint8Array(100));
    this.#session.handleTimeout(this.#nowMs + 1e6);
    this.#session.stop(this.#nowMs);
    this.#session.handleClose(null);
    this.#listen(0);
    check(this.#session.takeBytes() === null, "Bytes after the end");
  }
}

/** All records are of the generation that the log says, and all of them are there, in order. */
function checkLog({ genctr, records }: DiscoveryLog): void {
  for (const [at, { subnqn }] of records.entries()) {
    const expected = `n:${genctr}:${at}:${records.length}`;
    check(subnqn === expected, () => `Record ${at} is ${subnqn}, expected ${expected}`);
  }
}

export const session: FuzzTarget = {
  name: "session",
  share: 4,
  tryInput: (choices) => new SessionUnderTest(choices).run(),
};

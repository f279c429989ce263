/** Short ways to a session at any stage, for the tests of the protocol machines. */
import { AdminQueue } from "../../src/protocol/admin_queue.ts";
import type { DiscoveryLog } from "../../src/protocol/log_reader.ts";
import { Session, type SessionEvent, type SessionOptions } from "../../src/protocol/session.ts";
import { discoveryNqn } from "../../src/nvme/spec.ts";
import { assert } from "../assert.ts";
import { ScriptedController } from "./scripted_controller.ts";

export const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";

export const sessionOptions: SessionOptions = {
  hostnqn,
  hostid: Uint8Array.from({ length: 16 }, (_, at) => at + 1),
  subnqn: discoveryNqn,
  katoMs: 10_000,
};

export class SessionUnderTest {
  readonly session: Session;
  readonly controller: ScriptedController;
  readonly events: SessionEvent[] = [];

  constructor(
    options: Partial<SessionOptions> = {},
    setUp: (controller: ScriptedController) => void = () => {},
  ) {
    this.session = new Session(1_000_000, { ...sessionOptions, ...options });
    this.controller = new ScriptedController(this.session);
    this.controller.onDelivered = () => this.events.push(...this.session.takeEvents());
    setUp(this.controller);
  }

  /** Talks until both are silent. */
  start(): this {
    this.controller.pump();
    return this;
  }

  stop(): void {
    this.session.stop(this.controller.nowMs);
    this.controller.onDelivered();
    this.controller.pump();
  }

  kinds(): string {
    return this.events.map((event) => event.kind).join(" ");
  }

  logs(): DiscoveryLog[] {
    return this.events.flatMap((event) => event.kind === "log" ? [event.log] : []);
  }

  /** The error it closed with; undefined while it is open, null after an orderly end. */
  end(): Error | null | undefined {
    const closed = this.events.filter((event) => event.kind === "closed");
    assert(closed.length <= 1, "closed must come once");
    assert(closed.length === 0 || this.events.at(-1) === closed[0], "closed must come last");
    assert((closed.length === 1) === this.session.closed, "closed event and closed state must agree");
    return closed[0]?.error;
  }

  endCode(): string | null | undefined {
    const error = this.end();
    if (error === undefined || error === null) return error;
    return "code" in error ? String(error.code) : error.name;
  }
}

/** A live session that has read its first log. */
export function liveSession(
  options: Partial<SessionOptions> = {},
  setUp: (controller: ScriptedController) => void = () => {},
): SessionUnderTest {
  const test = new SessionUnderTest(options, setUp).start();
  assert(test.kinds() === "ready log", `Precondition: the session is live, but it told: ${test.kinds()}`);
  return test;
}

/** An established queue without a session above it. */
export function establishedQueue(): { queue: AdminQueue; controller: ScriptedController } {
  const queue = new AdminQueue(1_000_000);
  const controller = new ScriptedController(queue);
  controller.pump();
  assert(queue.established, "Precondition: ICResp was taken");
  return { queue, controller };
}

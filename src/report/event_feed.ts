/**
 * What happens in the agent, as it happens, for those who watch. Keeps the last few for whoever comes later. A reader
 * that does not keep up is told so and let go: nothing waits for it, and nothing is kept for it without bound.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import type { LogFields } from "../model/world.ts";

/** What it is about. `event`: a target's asynchronous event; `log`: a discovery log that was read. */
export type EventKind =
  | "agent"
  | "file"
  | "endpoint"
  | "session"
  | "event"
  | "log"
  | "record"
  | "path"
  | "connect"
  | "controller";

export interface AgentEvent {
  /** Wall clock, ms. */
  readonly atMs: number;
  readonly kind: EventKind;
  readonly level: "debug" | "info" | "warn" | "error";
  /** In words, without a full stop. */
  readonly message: string;
  readonly fields: LogFields;
}

/** Where the agent says what happens. */
export interface EventSink {
  happened(event: Omit<AgentEvent, "atMs">): void;
}

export const noEvents: EventSink = { happened() {} };

/** An event; that nothing has happened for a while; or, as the last one, that the reader was too slow. */
export type FeedItem = AgentEvent | "quiet" | "too-slow";

export class EventFeed implements EventSink {
  readonly #clock: Clock;
  readonly #readers = new Set<FeedReader>();
  /** Oldest first. */
  readonly #recent: AgentEvent[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  happened(event: Omit<AgentEvent, "atMs">): void {
    const whole = { atMs: this.#clock.wallMs(), ...event };
    this.#recent.push(whole);
    if (this.#recent.length >= 2 * limits.eventsKeptMax) this.#recent.splice(0, limits.eventsKeptMax);
    for (const reader of this.#readers) reader.take(whole);
  }

  /** The last events, oldest first. */
  recent(): readonly AgentEvent[] {
    return this.#recent.slice(-limits.eventsKeptMax);
  }

  /** Those who read now. */
  get readers(): number {
    return this.#readers.size;
  }

  /** What happens from now on, until `signal` or the feed's end. Null when there are readers enough. */
  read(signal: AbortSignal): AsyncIterable<FeedItem> | null {
    if (this.#readers.size >= limits.eventReadersMax) return null;
    const reader = new FeedReader(this.#clock, () => this.#readers.delete(reader));
    this.#readers.add(reader);
    if (signal.aborted) reader.end();
    else signal.addEventListener("abort", () => reader.end(), { once: true });
    return reader;
  }

  /** Readers come to their end. */
  close(): void {
    for (const reader of [...this.#readers]) reader.end();
  }
}

class FeedReader implements AsyncIterable<FeedItem> {
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  #waiting: FeedItem[] = [];
  #wake: () => void = () => {};
  #isEnded = false;

  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  take(event: AgentEvent): void {
    if (this.#isEnded) return;
    if (this.#waiting.length < limits.eventsWaitingMax) this.#waiting.push(event);
    else {
      // What waits is dropped too: the notice shall come through.
      this.#waiting = ["too-slow"];
      this.end();
    }
    this.#wake();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onEnd();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<FeedItem> {
    try {
      while (true) {
        const items = this.#waiting;
        this.#waiting = [];
        yield* items;
        if (this.#waiting.length > 0) continue;
        if (this.#isEnded) return;
        if (!await this.#something()) yield "quiet";
      }
    } finally {
      this.end();
    }
  }

  /** False when nothing came for a while. */
  #something(): Promise<boolean> {
    return new Promise((resolve) => {
      const quiet: Timer = this.#clock.setTimer(limits.eventsQuietMs, () => resolve(false));
      this.#wake = () => {
        quiet.cancel();
        resolve(true);
      };
    });
  }
}

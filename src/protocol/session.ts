/**
 * One persistent discovery session as a machine: connect, enable, keep alive, events, log reads, shutdown. Sans-I/O:
 * `handleBytes`, `handleTimeout`, `takeBytes`, `takeEvents`, `nextTimeoutMs`. The runner owns socket and timers.
 *
 * It tells what happened; it decides nothing about retries, other endpoints or the kernel.
 */
import { AgentError, TransportError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { encodeAsyncEventRequest, encodeKeepAlive } from "../nvme/command.ts";
import type { Digests } from "../nvme/framer.ts";
import type { IdentifyController } from "../nvme/identify.ts";
import { discoveryChangeEvent } from "../nvme/spec.ts";
import { AdminQueue } from "./admin_queue.ts";
import {
  type ControllerReady,
  ControllerSetup,
  type HostParameters,
  type SetupStep,
} from "./controller_setup.ts";
import { type DiscoveryLog, LogReader } from "./log_reader.ts";

export interface SessionOptions extends HostParameters {
  readonly digests?: Digests;
  /** Upper bound for one Get Log Page, bytes; the controller's MDTS may lower it. */
  readonly logChunkBytesMax?: number;
  /** Is told how far a session comes on its way up, for who measures that. */
  readonly onStep?: (step: SetupStep, nowMs: number) => void;
}

export type SessionEvent =
  | { readonly kind: "ready"; readonly identify: IdentifyController; readonly eventsConfigured: boolean }
  /** An Asynchronous Event came; a log read follows. `dw0` as in the completion. */
  | { readonly kind: "event"; readonly dw0: number }
  | { readonly kind: "log"; readonly log: DiscoveryLog }
  /** The end; `error` is null after our own shutdown. No event follows. */
  | { readonly kind: "closed"; readonly error: Error | null };

export class Session {
  readonly #queue: AdminQueue;
  readonly #setup: ControllerSetup;
  readonly #options: SessionOptions;
  #reader: LogReader | null = null;
  #events: SessionEvent[] = [];
  #started = false;
  #closed = false;
  #stopping = false;
  #stopDeadlineMs = Infinity;
  /** When Connect was sent: a controller may count KATO from there. */
  #connectMs = 0;
  #keepAliveAtMs = Infinity;
  #keepAliveSent = false;
  /** A beat passed while the last one was unanswered: the next follows the answer at once. */
  #keepAliveLate = false;
  #refreshAtMs = Infinity;
  #eventRequested = false;
  #eventsConfigured = false;

  constructor(nowMs: number, options: SessionOptions) {
    this.#options = options;
    this.#queue = new AdminQueue(nowMs, options.digests);
    this.#setup = new ControllerSetup(
      this.#queue,
      options,
      (ready, at) => this.#handleReady(ready, at),
      options.onStep,
    );
  }

  get closed(): boolean {
    return this.#closed;
  }

  handleBytes(nowMs: number, chunk: Uint8Array): void {
    this.#guard(() => {
      this.#queue.handleBytes(nowMs, chunk);
      if (this.#queue.established && !this.#started) {
        this.#started = true;
        this.#connectMs = nowMs;
        this.#options.onStep?.("icresp", nowMs);
        this.#setup.start(nowMs);
      }
    });
  }

  /** The peer closed its side, or the socket failed. */
  handleClose(error: Error | null): void {
    this.#close(error ?? new TransportError("closed", "Controller closed the connection"));
  }

  handleTimeout(nowMs: number): void {
    this.#guard(() => {
      if (nowMs >= this.#stopDeadlineMs) return this.#close(null);
      this.#queue.handleTimeout(nowMs);
      this.#setup.handleTimeout(nowMs);
      if (this.#stopping) return;
      this.#reader?.handleTimeout(nowMs);
      if (nowMs >= this.#keepAliveAtMs) this.#sendKeepAlive(nowMs);
      if (nowMs >= this.#refreshAtMs) this.#refresh(nowMs);
    });
  }

  nextTimeoutMs(): number {
    if (this.#closed) return Infinity;
    return Math.min(
      this.#queue.nextTimeoutMs(),
      this.#setup.nextTimeoutMs(),
      this.#reader?.nextTimeoutMs() ?? Infinity,
      this.#keepAliveAtMs,
      this.#refreshAtMs,
      this.#stopDeadlineMs,
    );
  }

  takeBytes(): Uint8Array | null {
    return this.#queue.takeBytes();
  }

  takeEvents(): SessionEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }

  /** Orderly end: controller shutdown when there is one, bounded; `closed` follows. */
  stop(nowMs: number): void {
    if (this.#closed || this.#stopping) return;
    this.#stopping = true;
    this.#keepAliveAtMs = Infinity;
    this.#refreshAtMs = Infinity;
    if (this.#reader === null) return this.#close(null);
    this.#reader.stop();
    this.#stopDeadlineMs = nowMs + limits.shutdownTimeoutMs;
    this.#setup.shutdown(nowMs, () => this.#close(null));
  }

  #handleReady({ identify, eventsConfigured }: ControllerReady, nowMs: number): void {
    if (this.#stopping) return;
    const chunkBytes = logChunkBytes(identify.mdts, this.#options.logChunkBytesMax);
    this.#reader = new LogReader(this.#queue, chunkBytes, (log) => this.#events.push({ kind: "log", log }));
    this.#eventsConfigured = eventsConfigured;
    this.#events.push({ kind: "ready", identify, eventsConfigured });
    // A slow start may have used up most of KATO: then the first one is due now.
    this.#keepAliveAtMs = keepAliveTimeMs(this.#connectMs, this.#options.katoMs);
    // The request is posted before the log is read: a change after the read then raises an event.
    this.#requestMissingEvent(nowMs);
    this.#refresh(nowMs);
  }

  /** Reads the log without being told to: hints get lost, and a controller without events has no other way. */
  #refresh(nowMs: number): void {
    this.#requestMissingEvent(nowMs);
    // A request that stands is worth nothing where the controller was not told to raise the event.
    const told = this.#eventRequested && this.#eventsConfigured;
    this.#refreshAtMs = nowMs + (told ? limits.logRefreshMs : limits.logPollMs);
    this.#reader?.requestRead(nowMs);
  }

  #requestMissingEvent(nowMs: number): void {
    if (!this.#eventRequested && this.#options.events !== false) this.#requestEvent(nowMs);
  }

  #requestEvent(nowMs: number): void {
    this.#eventRequested = true;
    this.#queue.submit(nowMs, {
      action: "wait for an event",
      encode: (cid) => encodeAsyncEventRequest({ cid }),
      timeoutMs: null,
      onSuccess: ({ dw0 }, _data, at) => {
        if (this.#stopping) return;
        this.#requestEvent(at);
        // Other events (errors, unknown notices) are none of ours, but the request is posted again all the same.
        if ((dw0 & 0x00ff_ff07) !== discoveryChangeEvent) return;
        this.#events.push({ kind: "event", dw0 });
        this.#reader?.requestRead(at);
      },
      // Refused or dropped at teardown: not an event. Poll until a request is taken again.
      onStatus: (_completion, at) => {
        this.#eventRequested = false;
        if (this.#stopping) return;
        this.#refreshAtMs = Math.min(this.#refreshAtMs, at + limits.logPollMs);
      },
    });
  }

  /** Explicit, even with KAS 0 and with other traffic: SPDK counts nothing else. */
  #sendKeepAlive(nowMs: number): void {
    const { katoMs } = this.#options;
    // The next beat is set at once, so that an answer moves no timer; while one is unanswered its timeout decides.
    this.#keepAliveAtMs = keepAliveTimeMs(nowMs, katoMs);
    this.#keepAliveLate = this.#keepAliveSent;
    if (this.#keepAliveLate) return;
    this.#keepAliveSent = true;
    this.#queue.submit(nowMs, {
      action: "keep the session alive",
      encode: (cid) => encodeKeepAlive({ cid }),
      timeoutMs: katoMs,
      onSuccess: (_completion, _data, at) => {
        this.#keepAliveSent = false;
        if (this.#keepAliveLate && !this.#stopping) this.#keepAliveAtMs = at;
      },
    });
  }

  /** Expected failures close the session with their typed error; anything else is a bug and goes up. */
  #guard(step: () => void): void {
    if (this.#closed) return;
    try {
      step();
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#close(this.#stopping ? null : error);
    }
  }

  #close(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.fail(error ?? new TransportError("shutdown", "Session shut down"));
    this.#events.push({ kind: "closed", error: this.#stopping ? null : error });
  }
}

/**
 * Half of KATO after the last one, as the Linux host does, moved forward to a common beat: a thousand sessions then
 * wake the process a few times a second instead of hundreds.
 */
function keepAliveTimeMs(lastMs: number, katoMs: number): number {
  const beatMs = Math.min(limits.keepAliveBeatMs, katoMs / 8);
  const atMs = Math.floor((lastMs + katoMs / 2) / beatMs) * beatMs;
  return Math.max(atMs, lastMs + katoMs / 4);
}

/** Largest multiple of 4 KiB within MDTS (in units of the 4 KiB page, NVMe Base 2.1 Figure "Identify Controller"). */
function logChunkBytes(mdts: number, wanted: number = limits.logChunkBytesMax): number {
  const allowed = mdts === 0 || mdts > 16 ? limits.logChunkBytesMax : limits.logChunkBytesMin * 2 ** mdts;
  const bytes = Math.min(wanted, allowed, limits.logChunkBytesMax);
  return Math.max(limits.logChunkBytesMin, bytes - bytes % limits.logChunkBytesMin);
}

/**
 * A recording of our own connections in pcapng: discovery sessions, probes and Connect trials. `tap` stands
 * before the dialer for good; `start` and `stop` decide whether anything is kept. A connection that is open when it
 * starts is recorded from then on. It never makes a session wait, fail, or hold what the file does not take; what
 * records is loaded when something is to be recorded.
 */
import type { Clock } from "../base/clock.ts";
import { ConfigError, errorCode } from "../base/errors.ts";
import type { OpenTraceSink } from "../model/trace_sink.ts";
import type { Connection, Dialer, DialTarget, Log } from "../model/world.ts";
import type { TcpPackets } from "../report/tcp_packets.ts";
import type { Recording, TraceRequest, TraceTotals } from "./recording.ts";

export interface TraceOptions {
  readonly clock: Clock;
  readonly open: OpenTraceSink;
  readonly log: Pick<Log, "info" | "warn">;
}

export class Trace {
  readonly #options: TraceOptions;
  #recording: Recording | null = null;
  #isStarting = false;

  constructor(options: TraceOptions) {
    this.#options = options;
  }

  /** What has been recorded so far; null while nothing is. */
  get totals(): TraceTotals | null {
    return this.recording?.totals ?? null;
  }

  /** The one under way. */
  get recording(): Recording | null {
    return this.#recording;
  }

  /**
   * Begins a recording; answers it. Throws ConfigError (`running`) while one is under way, and what opening throws:
   * KernelError for a file.
   */
  async start(request: TraceRequest, open: OpenTraceSink = this.#options.open): Promise<Recording> {
    if (this.#recording !== null || this.#isStarting) {
      const other = this.#recording === null ? "one" : `one to ${this.#recording.totals.path}`;
      throw new ConfigError(
        "running",
        `Cannot start a trace to ${request.path}: ${other} is running already`,
      );
    }
    this.#isStarting = true;
    let recording: Recording | null = null;
    try {
      const { Recording } = await import("./recording.ts");
      const sink = await open(request.path, (error) => {
        this.#options.log.warn(`${error.message}; the trace ends here, all else goes on`);
        if (recording !== null) void this.end(recording);
      });
      recording = new Recording(request, sink, this.#options.clock, (full) => this.#endFull(full, request));
      this.#recording = recording;
      return recording;
    } finally {
      this.#isStarting = false;
    }
  }

  /** Ends and closes the file; answers what is in it, null where none was under way. Never throws. */
  async stop(): Promise<TraceTotals | null> {
    return this.#recording === null ? null : await this.end(this.#recording);
  }

  /** The same for this one, whichever is under way. */
  end(recording: Recording): Promise<TraceTotals> {
    if (this.#recording === recording) this.#recording = null;
    return recording.finish();
  }

  /** Connections of this dialer can be recorded. */
  tap(dialer: Dialer): Dialer {
    return {
      dial: async (target, signal) => {
        const connection = await dialer.dial(target, signal);
        return new TappedConnection(this, connection, target);
      },
    };
  }

  #endFull(recording: Recording, { path, bytesMax }: TraceRequest): void {
    this.#options.log.warn(`The trace to ${path} has reached its limit of ${bytesMax} bytes, and ends`);
    void this.end(recording);
  }
}

class TappedConnection implements Connection {
  readonly #trace: Trace;
  readonly #inner: Connection;
  readonly #target: DialTarget;
  /** The recording that `#packets` belongs to. */
  #recording: Recording | null = null;
  #packets: TcpPackets | null = null;

  constructor(trace: Trace, inner: Connection, target: DialTarget) {
    this.#trace = trace;
    this.#inner = inner;
    this.#target = target;
    this.#note((packets) => packets.open());
  }

  get localAddress(): string {
    return this.#inner.localAddress;
  }

  get localPort(): number | undefined {
    return this.#inner.localPort;
  }

  /** Looks at what comes also while nothing is recorded: a session waits in a read when a recording starts. */
  read(buffer: Uint8Array): Promise<number | null> {
    return this.#inner.read(buffer).then((count) => {
      this.#note((packets) =>
        count === null ? packets.end("in") : packets.data("in", buffer.subarray(0, count))
      );
      return count;
    }, (error) => {
      if (errorCode(error) === "ECONNRESET") this.#note((packets) => packets.reset());
      throw error;
    });
  }

  /** Noted before it is sent, since the answer may be read before the write is known to have ended. */
  write(bytes: Uint8Array): Promise<void> {
    this.#note((packets) => packets.data("out", bytes));
    return this.#inner.write(bytes);
  }

  close(): void {
    this.#note((packets) => packets.end("out"));
    this.#inner.close();
  }

  #note(draw: (packets: TcpPackets) => readonly Uint8Array[]): void {
    const { recording } = this.#trace;
    if (recording !== this.#recording) {
      this.#recording = recording;
      this.#packets = recording?.connection(this.#target, this.#inner) ?? null;
    }
    if (recording !== null && this.#packets !== null) recording.add(draw(this.#packets));
  }
}

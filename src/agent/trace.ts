/**
 * A recording of our own connections in pcapng: discovery sessions, probes and Connect trials. `tap` stands
 * before the dialer for good; `start` and `stop` decide whether anything is kept. A connection that is open when it
 * starts is recorded from then on. It never makes a session wait, fail, or hold what the file does not take.
 */
import { parseIpAddress, sameAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { ConfigError, errorCode } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { OpenTraceSink, TraceSink } from "../model/trace_sink.ts";
import type { Connection, Dialer, DialTarget, Log } from "../model/world.ts";
import { versionText } from "../base/version.ts";
import { encodeInterface, encodePacket, encodeSection, encodeStatistics } from "../report/pcapng.ts";
import { type TcpEnd, TcpPackets } from "../report/tcp_packets.ts";

export interface TraceRequest {
  /** Where it goes to: of a file, or in words. */
  readonly path: string;
  /** It grows to no more. */
  readonly bytesMax: number;
  /** Empty: all. */
  readonly endpoints: readonly TraceEndpoint[];
}

export interface TraceEndpoint {
  /** IP address. */
  readonly traddr: string;
  /** Left out: any. */
  readonly trsvcid?: number;
}

export interface TraceTotals {
  readonly path: string;
  readonly bytes: number;
  readonly connections: number;
  /** Packets in it. */
  readonly packets: number;
  /** Packets left out, since whoever takes them was too slow. */
  readonly dropped: number;
}

/** Bytes kept for the last block. */
const endBytes = 512;
/** Where the runtime does not tell our port: those that nobody is given by chance. */
const inventedPorts = { first: 1, count: 1_023 } as const;

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
    this.#options.log.warn(`The trace ${path} has reached its limit of ${bytesMax} bytes, and ends`);
    void this.end(recording);
  }
}

/** One trace. */
class Recording {
  readonly #request: TraceRequest;
  readonly #sink: TraceSink;
  readonly #clock: Clock;
  readonly #onFull: (recording: Recording) => void;
  #anchor: { readonly wallMs: number; readonly nowMs: number };
  #bytes = 0;
  #connections = 0;
  #packets = 0;
  #dropped = 0;
  #isOver = false;
  #end: Promise<TraceTotals> | null = null;

  constructor(
    request: TraceRequest,
    sink: TraceSink,
    clock: Clock,
    onFull: (recording: Recording) => void,
  ) {
    this.#request = request;
    this.#sink = sink;
    this.#clock = clock;
    this.#onFull = onFull;
    this.#anchor = { wallMs: clock.wallMs(), nowMs: clock.nowMs() };
    const program = `discovery-client ${versionText()}`;
    const comment =
      `${program}: what its own NVMe/TCP connections carried. Bytes, addresses and times are true; ` +
      "sequence numbers and acknowledgements are made up, so nothing of loss or repetition can be seen here. " +
      "A port other than 4420 has to be named to tshark: -d tcp.port==8009,nvme-tcp";
    this.#offer(encodeSection({ program, comment }));
    this.#offer(encodeInterface("discovery-client"));
  }

  get totals(): TraceTotals {
    return {
      path: this.#request.path,
      bytes: this.#bytes,
      connections: this.#connections,
      packets: this.#packets,
      dropped: this.#dropped,
    };
  }

  wants({ traddr, trsvcid }: DialTarget): boolean {
    const { endpoints } = this.#request;
    if (endpoints.length === 0) return true;
    return endpoints.some((chosen) =>
      sameAddress(chosen.traddr, traddr) && (chosen.trsvcid ?? trsvcid) === trsvcid
    );
  }

  /** Packets of a connection that is new here; null where it cannot be drawn, or was not chosen. */
  connection(target: DialTarget, { localAddress, localPort }: Connection): TcpPackets | null {
    if (!this.wants(target)) return null;
    const theirs = endOf(target.traddr, target.trsvcid);
    const number = this.#connections + 1;
    const ours = endOf(localAddress, localPort ?? inventedPorts.first + number % inventedPorts.count);
    if (theirs === null || ours === null || theirs.address.family !== ours.address.family) return null;
    this.#connections = number;
    return new TcpPackets(ours, theirs, number);
  }

  add(packets: readonly Uint8Array[]): void {
    const timeUs = this.#timeUs();
    for (const packet of packets) {
      if (this.#isOver) return;
      const block = encodePacket(timeUs, packet);
      if (this.#bytes + block.length + endBytes > this.#request.bytesMax) {
        this.#isOver = true;
        this.#onFull(this);
        return;
      }
      if (this.#offer(block)) this.#packets++;
      else this.#dropped++;
    }
  }

  /** However often it is called, the file is closed when it returns. */
  finish(): Promise<TraceTotals> {
    return this.#end ??= this.#finish();
  }

  async #finish(): Promise<TraceTotals> {
    this.#isOver = true;
    const lost = this.#dropped === 0
      ? "nothing was left out"
      : `${this.#dropped} packets were left out: whoever took them was too slow`;
    this.#offer(encodeStatistics({
      timeUs: this.#timeUs(),
      received: this.#packets + this.#dropped,
      dropped: this.#dropped,
      comment: `${this.#connections} connections, ${this.#packets} packets; ${lost}`,
    }));
    await this.#sink.close();
    return this.totals;
  }

  #offer(block: Uint8Array): boolean {
    const isTaken = this.#sink.offer(block);
    if (isTaken) this.#bytes += block.length;
    return isTaken;
  }

  /** The wall clock has milliseconds alone, and can be set; between two settings the other one tells the time. */
  #timeUs(): number {
    const wallMs = this.#clock.wallMs();
    const nowMs = this.#clock.nowMs();
    let timeMs = this.#anchor.wallMs + nowMs - this.#anchor.nowMs;
    if (Math.abs(timeMs - wallMs) > limits.traceClockLeapMs) {
      this.#anchor = { wallMs, nowMs };
      timeMs = wallMs;
    }
    return Math.max(0, Math.round(timeMs * 1_000));
  }
}

export type { Recording };

function endOf(text: string, port: number): TcpEnd | null {
  const address = parseIpAddress(text);
  return address === null ? null : { address, port };
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
    if (recording === null) return;
    if (recording !== this.#recording) {
      this.#recording = recording;
      this.#packets = recording.connection(this.#target, this.#inner);
    }
    if (this.#packets !== null) recording.add(draw(this.#packets));
  }
}

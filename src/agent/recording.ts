/**
 * One recording in pcapng, from its head to the statistics at its end. What its sink does not take is left out and
 * counted. It is loaded when something is recorded: the agent mostly does without.
 */
import { parseIpAddress, sameAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { versionText } from "../base/version.ts";
import type { TraceSink } from "../model/trace_sink.ts";
import type { Connection, DialTarget } from "../model/world.ts";
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

export class Recording {
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
  readonly #ended = Promise.withResolvers<TraceTotals>();

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

  /** Resolves when its sink is closed, whoever ended it. */
  get ended(): Promise<TraceTotals> {
    return this.#ended.promise;
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
    const last = encodeStatistics({
      timeUs: this.#timeUs(),
      received: this.#packets + this.#dropped,
      dropped: this.#dropped,
      comment: `${this.#connections} connections, ${this.#packets} packets; ${lost}`,
    });
    this.#bytes += last.length;
    await this.#sink.close(last);
    this.#ended.resolve(this.totals);
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

function endOf(text: string, port: number): TcpEnd | null {
  const address = parseIpAddress(text);
  return address === null ? null : { address, port };
}

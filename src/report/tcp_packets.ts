/**
 * The packets that a TCP connection could have been, made of the bytes that it carried: what tools for captures need
 * to put the stream together. Addresses, ports and bytes are true; sequence numbers, acknowledgements and windows
 * are made up, and nothing is ever lost, late or sent twice. Keeps no bytes and knows no time.
 *
 *     IPv4 (RFC 791):  45 tos len16 id16 flags16 ttl proto sum16 source4 target4
 *     IPv6 (RFC 8200): 6-class-flow32 len16 next hops source16 target16
 *     TCP (RFC 9293):  source16 target16 seq32 ack32 offset flags window16 sum16 urgent16 [options]
 */
import type { IpAddress } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { limits } from "../base/limits.ts";

export interface TcpEnd {
  readonly address: IpAddress;
  readonly port: number;
}

/** `out`: from us. */
export type Direction = "out" | "in";

const tcpFlag = { fin: 0x01, syn: 0x02, reset: 0x04, push: 0x08, ack: 0x10 } as const;
const protocolTcp = 6;
const hopsMax = 64;
/** With the scale below a window that no stream of ours fills. */
const windowMax = 65_535;
/** Maximum segment size; window scale 14 with a no-operation before it (RFC 7323 §2.2). */
const synOptions = new Uint8Array([
  ...[2, 4, limits.traceSegmentBytesMax >> 8, limits.traceSegmentBytesMax & 0xff],
  ...[1, 3, 3, 14],
]);
/** Far enough apart that a port used again does not look like the same connection. */
const sequenceGap = 1_000_003;
const noBytes: Uint8Array = new Uint8Array(0);

/** One connection. The packets of each call are to be recorded in this order. */
export class TcpPackets {
  readonly #ends: Readonly<Record<Direction, TcpEnd>>;
  /** Next sequence number of each side. */
  readonly #next: Record<Direction, number>;
  readonly #hasEnded: Record<Direction, boolean> = { out: false, in: false };

  /** Both ends have the same family. `number` counts connections. */
  constructor(ours: TcpEnd, theirs: TcpEnd, number: number) {
    assert(ours.address.family === theirs.address.family, "The ends of a connection have different families");
    this.#ends = { out: ours, in: theirs };
    const start = (number * sequenceGap) >>> 0;
    this.#next = { out: start, in: start };
  }

  /** The handshake; left out for a connection that was open before the recording began. */
  open(): Uint8Array[] {
    const { syn, ack } = tcpFlag;
    return [
      this.#packet("out", syn, noBytes, synOptions),
      this.#packet("in", syn | ack, noBytes, synOptions),
      this.#packet("out", ack),
    ];
  }

  /** Cut into segments. What comes after that side's end is left out. */
  data(direction: Direction, bytes: Uint8Array): Uint8Array[] {
    if (this.#hasEnded[direction]) return [];
    const packets: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += limits.traceSegmentBytesMax) {
      const segment = bytes.subarray(at, at + limits.traceSegmentBytesMax);
      packets.push(this.#packet(direction, tcpFlag.push | tcpFlag.ack, segment));
    }
    return packets;
  }

  /** That side closes; the other has taken note of it. */
  end(direction: Direction): Uint8Array[] {
    if (this.#hasEnded[direction]) return [];
    this.#hasEnded[direction] = true;
    const other = direction === "out" ? "in" : "out";
    return [this.#packet(direction, tcpFlag.fin | tcpFlag.ack), this.#packet(other, tcpFlag.ack)];
  }

  /** The other side breaks it off. */
  reset(): Uint8Array[] {
    if (this.#hasEnded.in) return [];
    this.#hasEnded.in = true;
    this.#hasEnded.out = true;
    return [this.#packet("in", tcpFlag.reset | tcpFlag.ack)];
  }

  #packet(direction: Direction, flags: number, payload = noBytes, options = noBytes): Uint8Array {
    const other = direction === "out" ? "in" : "out";
    const acknowledged = (flags & tcpFlag.ack) === 0 ? 0 : this.#next[other];
    const segment = encodeSegment({
      from: this.#ends[direction],
      to: this.#ends[other],
      sequence: this.#next[direction],
      acknowledged,
      flags,
      options,
      payload,
    });
    const counted = payload.length + ((flags & (tcpFlag.syn | tcpFlag.fin)) === 0 ? 0 : 1);
    this.#next[direction] = (this.#next[direction] + counted) >>> 0;
    return segment;
  }
}

interface Segment {
  readonly from: TcpEnd;
  readonly to: TcpEnd;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly flags: number;
  /** A multiple of 4 bytes. */
  readonly options: Uint8Array;
  readonly payload: Uint8Array;
}

function encodeSegment({ from, to, sequence, acknowledged, flags, options, payload }: Segment): Uint8Array {
  const { family } = from.address;
  const start = family === 4 ? 20 : 40;
  const headLength = 20 + options.length;
  const packet = new Uint8Array(start + headLength + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint16(start, from.port);
  view.setUint16(start + 2, to.port);
  view.setUint32(start + 4, sequence);
  view.setUint32(start + 8, acknowledged);
  view.setUint8(start + 12, (headLength / 4) << 4);
  view.setUint8(start + 13, flags);
  view.setUint16(start + 14, windowMax);
  packet.set(options, start + 20);
  packet.set(payload, start + headLength);
  const length = headLength + payload.length;
  // The pseudo-header of RFC 9293 §3.1 and RFC 8200 §8.1, as far as its sum goes.
  const pseudo = sumWords(from.address.bytes) + sumWords(to.address.bytes) + protocolTcp + length;
  view.setUint16(start + 16, checksum(pseudo + sumWords(packet.subarray(start))));
  if (family === 4) setIpv4Head(packet, from, to);
  else setIpv6Head(packet, from, to);
  return packet;
}

function setIpv4Head(packet: Uint8Array, from: TcpEnd, to: TcpEnd): void {
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, packet.length);
  view.setUint16(6, 0x4000); // not to be fragmented: an identification of 0 is fine then (RFC 6864)
  view.setUint8(8, hopsMax);
  view.setUint8(9, protocolTcp);
  packet.set(from.address.bytes, 12);
  packet.set(to.address.bytes, 16);
  view.setUint16(10, checksum(sumWords(packet.subarray(0, 20))));
}

function setIpv6Head(packet: Uint8Array, from: TcpEnd, to: TcpEnd): void {
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x60);
  view.setUint16(4, packet.length - 40);
  view.setUint8(6, protocolTcp);
  view.setUint8(7, hopsMax);
  packet.set(from.address.bytes, 8);
  packet.set(to.address.bytes, 24);
}

/** Of words of 16 bits, big-endian, the last one filled up with 0; below 2^53 for anything that fits a packet. */
function sumWords(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return sum;
}

/** One's complement of the one's complement sum (RFC 1071). */
function checksum(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

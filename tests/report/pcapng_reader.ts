/**
 * Reads back what a trace wrote, with a reader's eyes: blocks, options, packets, TCP streams. Strict: anything that a
 * reader of captures would complain about fails the test.
 */
import { formatIpAddress } from "../../src/base/address.ts";
import { assert, assertEquals } from "../assert.ts";

export interface ReadTrace {
  readonly program: string;
  readonly comment: string;
  readonly interfaceName: string;
  readonly packets: readonly { readonly timeUs: number; readonly bytes: Uint8Array }[];
  /** Null for a file that has no end. */
  readonly end: { readonly received: number; readonly dropped: number; readonly comment: string } | null;
}

export function readTrace(file: Uint8Array): ReadTrace {
  const blocks = [...readBlocks(file)];
  const [section, link, ...rest] = blocks;
  assert(section !== undefined && link !== undefined, "The file has no head");
  assertEquals([section.type, link.type], [0x0a0d0d0a, 1]);
  assertEquals(section.body.getUint32(0, true), 0x1a2b3c4d);
  assertEquals([section.body.getUint16(4, true), section.body.getUint16(6, true)], [1, 0]);
  assertEquals(section.body.getBigInt64(8, true), -1n);
  assertEquals([link.body.getUint16(0, true), link.body.getUint32(4, true)], [101, 0]);
  const aboutSection = readOptions(section.body, 16);
  const aboutLink = readOptions(link.body, 8);
  assertEquals([...aboutLink.get(9)!], [6], "Times are in microseconds");
  const packets = rest.filter(({ type }) => type === 6).map(({ body }) => {
    const length = body.getUint32(12, true);
    assertEquals([body.getUint32(0, true), body.getUint32(16, true)], [0, length]);
    return { timeUs: readTime(body, 4), bytes: bytesOf(body, 20, length) };
  });
  const ends = rest.filter(({ type }) => type !== 6);
  assert(ends.length <= 1 && (ends.length === 0 || rest.at(-1)?.type === 5), "A block is out of place");
  return {
    program: textOf(aboutSection.get(4)),
    comment: textOf(aboutSection.get(1)),
    interfaceName: textOf(aboutLink.get(2)),
    packets,
    end: ends[0] === undefined ? null : readEnd(ends[0].body),
  };
}

function readEnd(body: DataView): ReadTrace["end"] {
  const options = readOptions(body, 12);
  const count = (code: number) =>
    Number(new DataView(options.get(code)!.slice().buffer).getBigUint64(0, true));
  return { received: count(4), dropped: count(5), comment: textOf(options.get(1)) };
}

function* readBlocks(file: Uint8Array): Generator<{ type: number; body: DataView }> {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = 0; at < file.length;) {
    const length = view.getUint32(at + 4, true);
    assert(length % 4 === 0 && length >= 12 && at + length <= file.length, `A block of ${length} at ${at}`);
    assertEquals(view.getUint32(at + length - 4, true), length, "A block's two lengths");
    yield {
      type: view.getUint32(at, true),
      body: new DataView(file.buffer, file.byteOffset + at + 8, length - 12),
    };
    at += length;
  }
}

function readOptions(body: DataView, start: number): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = start; at < body.byteLength;) {
    const [code, length] = [body.getUint16(at, true), body.getUint16(at + 2, true)];
    if (code === 0) {
      assertEquals([length, at + 4], [0, body.byteLength], "The end of the options");
      break;
    }
    options.set(code, bytesOf(body, at + 4, length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return options;
}

function readTime(body: DataView, at: number): number {
  return body.getUint32(at, true) * 2 ** 32 + body.getUint32(at + 4, true);
}

function bytesOf(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length);
}

function textOf(bytes: Uint8Array | undefined): string {
  assert(bytes !== undefined, "An option is missing");
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

export interface ReadSegment {
  /** `address port`. */
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  readonly acknowledged: number;
  /** Of `SFRPA`, those that are set. */
  readonly flags: string;
  readonly payload: Uint8Array;
}

/** Checks lengths and both checksums. */
export function readSegment(packet: Uint8Array): ReadSegment {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const family = packet[0]! >> 4 === 4 ? 4 : 6;
  const start = family === 4 ? 20 : 40;
  const [at, size] = family === 4 ? [12, 4] : [8, 16];
  const tcpLength = packet.length - start;
  if (family === 4) {
    assertEquals([packet[0], view.getUint16(2), packet[9]], [0x45, packet.length, 6]);
    assertEquals(foldedSum([...packet.subarray(0, 20)]), 0xffff, "The checksum of the IPv4 header");
  } else assertEquals([packet[0], view.getUint16(4), packet[6]], [0x60, tcpLength, 6]);
  const source = [...packet.subarray(at, at + size)];
  const target = [...packet.subarray(at + size, at + 2 * size)];
  const pseudo = [...source, ...target, 0, 6, tcpLength >> 8, tcpLength & 0xff];
  assertEquals(foldedSum([...pseudo, ...packet.subarray(start)]), 0xffff, "The checksum of TCP");
  const flags = packet[start + 13]!;
  const names: [string, number][] = [["S", 2], ["F", 1], ["R", 4], ["P", 8], ["A", 16]];
  return {
    from: `${formatIpAddress({ family, bytes: source })} ${view.getUint16(start)}`,
    to: `${formatIpAddress({ family, bytes: target })} ${view.getUint16(start + 2)}`,
    sequence: view.getUint32(start + 4),
    acknowledged: view.getUint32(start + 8),
    flags: names.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name).join(""),
    payload: packet.subarray(start + (packet[start + 12]! >> 4) * 4),
  };
}

/** With the checksum in it, all ones. */
function foldedSum(bytes: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += bytes[at]! * 256 + (bytes[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

export interface ReadStream {
  readonly bytes: Uint8Array;
  readonly isOpened: boolean;
  /** By `F` or `R`. */
  readonly end: string;
}

/**
 * Each direction of each connection, by `from > to`. Nothing may be missing or twice: a sequence number has to follow
 * on the last, and acknowledge what the other side has sent; after an end there is nothing.
 */
export function readStreams(packets: readonly Uint8Array[]): Map<string, ReadStream> {
  const streams = new Map<string, { parts: number[]; next: number; isOpened: boolean; end: string }>();
  for (const packet of packets) {
    const { from, to, sequence, acknowledged, flags, payload } = readSegment(packet);
    const key = `${from} > ${to}`;
    let stream = streams.get(key);
    if (stream === undefined) {
      streams.set(key, stream = { parts: [], next: sequence, isOpened: flags.includes("S"), end: "" });
    }
    assertEquals(sequence, stream.next, `${key}: a sequence number`);
    const other = streams.get(`${to} > ${from}`);
    if (flags.includes("A") && other !== undefined) {
      assertEquals(acknowledged, other.next, `${key}: what it has`);
    }
    assert(stream.end === "" || (flags === "A" && payload.length === 0), `${key}: ${flags} after its end`);
    stream.parts.push(...payload);
    stream.next = (stream.next + payload.length + (/[SF]/.test(flags) ? 1 : 0)) >>> 0;
    stream.end ||= /[FR]/.exec(flags)?.[0] ?? "";
  }
  return new Map(
    [...streams].map(([key, { parts, isOpened, end }]) =>
      [key, { bytes: Uint8Array.from(parts), isOpened, end }] as const
    ),
  );
}

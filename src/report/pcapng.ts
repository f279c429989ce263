/**
 * Blocks of a pcapng file (IETF draft-ietf-opsawg-pcapng), little-endian: section header, interface, packet,
 * interface statistics. One section and one interface are all that is needed here; nothing is decoded.
 *
 *     every block:  type u32 · length u32 · body, padded to 4 · length u32
 *     every option: code u16 · length u16 · value, padded to 4; code 0 ends the list
 */
import { assert } from "../base/assert.ts";

/** LINKTYPE_RAW: each packet begins with its IPv4 or IPv6 header, and the version is in its first half byte. */
export const linkTypeRaw = 101;

const blockType = { section: 0x0a0d0d0a, interface: 1, statistics: 5, packet: 6 } as const;
/** The reader learns our byte order of it. */
const byteOrderMagic = 0x1a2b3c4d;
const optionCode = {
  comment: 1,
  sectionProgram: 4,
  interfaceName: 2,
  interfaceTimeResolution: 9,
  statisticsReceived: 4,
  statisticsDropped: 5,
} as const;

type Option = readonly [code: number, value: Uint8Array];

/** `program` is the program's name and version; `comment` is shown with the file's properties. */
export function encodeSection(fields: { program: string; comment: string }): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint32(0, byteOrderMagic, true);
  view.setUint16(4, 1, true); // version 1.0
  view.setBigInt64(8, -1n, true); // the section's length is not known
  return encodeBlock(blockType.section, body, [
    [optionCode.comment, textBytes(fields.comment)],
    [optionCode.sectionProgram, textBytes(fields.program)],
  ]);
}

/** The interface that packets name by 0, times in microseconds, packets never cut. */
export function encodeInterface(name: string): Uint8Array {
  const body = new Uint8Array(8);
  new DataView(body.buffer).setUint16(0, linkTypeRaw, true); // then 2 reserved, and u32 0: no longest packet
  return encodeBlock(blockType.interface, body, [
    [optionCode.interfaceName, textBytes(name)],
    [optionCode.interfaceTimeResolution, new Uint8Array([6])], // 10^-6 s
  ]);
}

/** `timeUs`: microseconds since 1970. */
export function encodePacket(timeUs: number, packet: Uint8Array): Uint8Array {
  const body = new Uint8Array(20 + packet.length);
  const view = new DataView(body.buffer);
  setTime(view, 4, timeUs); // after u32 0, the interface
  view.setUint32(12, packet.length, true);
  view.setUint32(16, packet.length, true);
  body.set(packet, 20);
  return encodeBlock(blockType.packet, body, []);
}

/** At the end: packets there were, and those of them that are not in the file. */
export function encodeStatistics(
  fields: { timeUs: number; received: number; dropped: number; comment: string },
): Uint8Array {
  const body = new Uint8Array(12);
  setTime(new DataView(body.buffer), 4, fields.timeUs);
  return encodeBlock(blockType.statistics, body, [
    [optionCode.comment, textBytes(fields.comment)],
    [optionCode.statisticsReceived, countBytes(fields.received)],
    [optionCode.statisticsDropped, countBytes(fields.dropped)],
  ]);
}

/** Two halves, the upper one first, each in our byte order. */
function setTime(view: DataView, at: number, timeUs: number): void {
  assert(Number.isSafeInteger(timeUs) && timeUs >= 0, `Time is ${timeUs} us`);
  view.setUint32(at, Math.floor(timeUs / 2 ** 32), true);
  view.setUint32(at + 4, timeUs % 2 ** 32, true);
}

function encodeBlock(type: number, body: Uint8Array, options: readonly Option[]): Uint8Array {
  const optionsLength = options.reduce((sum, [, value]) => sum + 4 + padded(value.length), 0);
  const length = 12 + padded(body.length) + (options.length === 0 ? 0 : optionsLength + 4);
  const block = new Uint8Array(length);
  const view = new DataView(block.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  block.set(body, 8);
  let at = 8 + padded(body.length);
  for (const [code, value] of options) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    block.set(value, at + 4);
    at += 4 + padded(value.length);
  }
  view.setUint32(length - 4, length, true);
  return block;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

/** An option's length has 16 bits. */
function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text).subarray(0, 65_532);
}

function countBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(count), true);
  return bytes;
}

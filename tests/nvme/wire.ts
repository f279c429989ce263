/** Bytes for the tests, written so that a reader can hold them against the layout in the specification. */
import { Framer } from "../../src/nvme/framer.ts";
import type { Digests, Frame } from "../../src/nvme/framer.ts";
import { assert } from "../assert.ts";

/** Hex parts in wire order; white space is for people; `00*16` repeats a byte. */
export function wire(...parts: string[]): Uint8Array {
  const bytes: number[] = [];
  for (const part of parts.join(" ").trim().split(/\s+/)) {
    const repeated = /^([0-9a-f]{2})\*(\d+)$/.exec(part);
    if (repeated !== null) {
      for (let n = Number(repeated[2]); n > 0; n--) bytes.push(parseInt(repeated[1]!, 16));
      continue;
    }
    assert(/^([0-9a-f]{2})+$/.test(part), `Not hex: ${part}`);
    for (let at = 0; at < part.length; at += 2) bytes.push(parseInt(part.slice(at, at + 2), 16));
  }
  return Uint8Array.from(bytes);
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Copy with some bytes replaced, by offset. */
export function patched(bytes: Uint8Array, patches: Readonly<Record<number, number>>): Uint8Array {
  const copy = bytes.slice();
  for (const [at, value] of Object.entries(patches)) copy[Number(at)] = value;
  return copy;
}

export function concat(...chunks: Uint8Array[]): Uint8Array {
  return Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
}

/** ASCII text, NUL-padded to `size`. */
export function field(text: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes.set(new TextEncoder().encode(text));
  return bytes;
}

export const pduBytesMax = 132 * 1024;
export const noDigests: Digests = { header: false, data: false };
export const bothDigests: Digests = { header: true, data: true };

/** Who receives this PDU: bit 0 of the type. */
export function receiverOf(pdu: Uint8Array): "host" | "controller" {
  return ((pdu[0] ?? 0) & 1) === 1 ? "host" : "controller";
}

/** All frames of the bytes, pushed in chunks; data copied. */
export function framesOf(
  bytes: Uint8Array,
  options: { receiver?: "host" | "controller"; digests?: Digests; chunkBytes?: number } = {},
): Frame[] {
  const framer = new Framer(options.receiver ?? receiverOf(bytes), pduBytesMax);
  if (options.digests !== undefined) framer.setDigests(options.digests);
  const frames: Frame[] = [];
  const step = options.chunkBytes ?? Math.max(bytes.length, 1);
  // One buffer for all chunks, as a socket reader has it: whoever keeps a view of it is found out.
  const buffer = new Uint8Array(step);
  for (let at = 0; at < bytes.length; at += step) {
    const chunk = bytes.subarray(at, at + step);
    buffer.set(chunk);
    framer.push(buffer.subarray(0, chunk.length));
    buffer.fill(0xee);
    for (let frame = framer.next(); frame !== null; frame = framer.next()) {
      frames.push({ ...frame, data: frame.data.slice() });
    }
  }
  return frames;
}

export function frameOf(bytes: Uint8Array, digests: Digests = noDigests): Frame {
  const frames = framesOf(bytes, { digests });
  assert(frames.length === 1, `Expected one frame, got ${frames.length}`);
  return frames[0]!;
}

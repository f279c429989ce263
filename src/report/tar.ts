/**
 * A tar archive of files in memory, in the form that every tar reads: POSIX.1-1988 ustar (IEEE 1003.1, pax, "ustar
 * Interchange Format"). Regular files only. Refuses names that would unpack elsewhere than below the working directory.
 *
 *     0      100    108    116    124      136      148    156    157         257     263  265 … 345     500
 *     ├ name ┼ mode ┼ uid  ┼ gid  ┼ size ──┼ mtime ─┼ sum ─┼ '0' ─┼ link name ┼ ustar ┼ 00 ┼ … ┼ prefix ┼ zeros
 *
 * Numbers are octal text with a NUL behind; the sum is over the header with blanks in its own place. The content follows
 * in blocks of 512 bytes, and two blocks of zeros end it all.
 */
import { assert } from "../base/assert.ts";

export interface TarMember {
  /** `directory/file`, 100 bytes at most. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const blockBytes = 512;
const nameBytesMax = 100;

/** Every member gets the time `modifiedMs` (wall clock, ms) and mode 0600. */
export function encodeTar(members: readonly TarMember[], modifiedMs: number): Uint8Array<ArrayBuffer> {
  const total = members.reduce((sum, { bytes }) => sum + blockBytes + padded(bytes.length), 2 * blockBytes);
  const archive = new Uint8Array(total);
  let at = 0;
  for (const { path, bytes } of members) {
    archive.set(encodeHeader(path, bytes.length, modifiedMs), at);
    archive.set(bytes, at + blockBytes);
    at += blockBytes + padded(bytes.length);
  }
  return archive;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

function encodeHeader(path: string, size: number, modifiedMs: number): Uint8Array {
  const name = new TextEncoder().encode(path);
  assert(name.length > 0 && name.length <= nameBytesMax, `A name of ${name.length} bytes in an archive`);
  assert(!path.startsWith("/") && !path.split("/").includes(".."), "A name that leads out of an archive");
  const header = new Uint8Array(blockBytes);
  const octal = (value: number, offset: number, bytes: number) =>
    put(header, value.toString(8).padStart(bytes - 1, "0"), offset);
  header.set(name, 0);
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(Math.max(0, Math.floor(modifiedMs / 1_000)), 136, 12);
  header.fill(0x20, 148, 156);
  put(header, "0", 156);
  put(header, "ustar\0" + "00", 257);
  const sum = header.reduce((all, byte) => all + byte, 0);
  put(header, `${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function put(header: Uint8Array, text: string, offset: number): void {
  header.set(new TextEncoder().encode(text), offset);
}

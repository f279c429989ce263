/**
 * Fixed-size text fields of the specification (NUL-padded, some space-padded) to strings and back.
 * What comes out is printable ASCII: a foreign byte never survives, it comes as `\xNN`.
 */
import { assert } from "../base/assert.ts";

/** Little-endian access to exactly these bytes, wherever they stand in their buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Text of the field at `start`, `size` bytes long: up to the first NUL, without trailing spaces. Both paddings are
 * met in the field.
 */
export function decodeFieldText(bytes: Uint8Array, start: number, size: number): string {
  let end = start;
  const limit = start + size;
  let plain = true;
  for (; end < limit; end++) {
    const byte = bytes[end]!;
    if (byte === 0) break;
    if (byte < 0x20 || byte > 0x7e) plain = false;
  }
  while (end > start && bytes[end - 1] === 0x20) end--;
  if (end === start) return "";
  return withoutKeys(plain ? asciiText(bytes, start, end) : escapedText(bytes.subarray(start, end)));
}

/** A key that slipped into the place of a name is shown by nobody: the text goes to logs and status. */
function withoutKeys(text: string): string {
  return text.includes("-1:") ? text.replace(/(DHHC-1:|NVMeTLSkey-1:).*/i, "$1[hidden]") : text;
}

/**
 * One array for each length, used again and again: a plain array of the right length is what `apply` takes fastest,
 * and it gives one flat string. Fields have at most 256 bytes, so there are few, and they fit as arguments.
 */
const charCodes: number[][] = [];

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  const codes = charCodes[length] ??= new Array<number>(length).fill(0);
  for (let at = 0; at < length; at++) codes[at] = bytes[start + at]!;
  return String.fromCharCode.apply(null, codes);
}

function escapedText(field: Uint8Array): string {
  let text = "";
  for (const byte of field) {
    text += byte >= 0x20 && byte <= 0x7e
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return text;
}

/** Whether the text part of the field (up to the first NUL) holds bytes that are not printable ASCII. */
export function hasForeignBytes(bytes: Uint8Array, start: number, size: number): boolean {
  for (let at = start; at < start + size; at++) {
    const byte = bytes[at]!;
    if (byte === 0) return false;
    if (byte < 0x20 || byte > 0x7e) return true;
  }
  return false;
}

const encoder = new TextEncoder();

/** Writes UTF-8 into a zeroed field; `pad` fills the rest. Too long is a bug of the caller. */
export function encodeFieldText(bytes: Uint8Array, start: number, size: number, text: string, pad = 0): void {
  const encoded = encoder.encode(text);
  assert(encoded.length <= size, `Text of ${encoded.length} bytes does not fit into a field of ${size}`);
  bytes.fill(pad, start, start + size);
  bytes.set(encoded, start);
}

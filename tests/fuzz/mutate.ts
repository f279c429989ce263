/** What is done to a valid input so that it becomes a hostile one: bytes, texts, and how a stream is cut up. */
import type { Choices } from "./choices.ts";

/** At most a few changes, often none: what is nearly valid goes deepest. The bytes given are not changed. */
export function mutateBytes(choices: Choices, bytes: Uint8Array): Uint8Array {
  let mutated = bytes;
  for (let left = choices.below(4); left > 0; left--) mutated = mutateOnce(choices, mutated);
  return mutated;
}

function mutateOnce(choices: Choices, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return choices.bytes(choices.below(16));
  const at = choices.below(bytes.length);
  switch (choices.below(8)) {
    case 0:
      return withByte(bytes, at, bytes[at]! ^ (1 << choices.below(8)));
    case 1:
      return withByte(bytes, at, choices.edgy(256));
    case 2: // a wrong length or count field
      return withUint32(bytes, at & ~3, choices.edgy(2 ** 32));
    case 3: // cut short
      return bytes.slice(0, at);
    case 4: // a piece taken out
      return splice(bytes, at, choices.between(1, 16), new Uint8Array(0));
    case 5: // strange bytes put in
      return splice(bytes, at, 0, choices.bytes(choices.between(1, 32)));
    case 6: { // a piece doubled
      const piece = bytes.subarray(at, at + choices.between(1, 64));
      return splice(bytes, choices.below(bytes.length + 1), 0, piece);
    }
    default: { // a piece overwritten
      const piece = choices.bytes(Math.min(choices.between(1, 32), bytes.length - at));
      return splice(bytes, at, piece.length, piece);
    }
  }
}

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

function withUint32(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  for (let n = 0; n < 4 && at + n < copy.length; n++) copy[at + n] = value >>> (8 * n);
  return copy;
}

function splice(bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array {
  const end = Math.min(at + removed, bytes.length);
  const whole = new Uint8Array(bytes.length - (end - at) + inserted.length);
  whole.set(bytes.subarray(0, at));
  whole.set(inserted, at);
  whole.set(bytes.subarray(end), at + inserted.length);
  return whole;
}

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** The stream as a socket might give it: at once, byte by byte, or in any pieces. */
export function cutUp(choices: Choices, bytes: Uint8Array): Uint8Array[] {
  const way = choices.below(8);
  if (way < 4 || bytes.length === 0) return [bytes];
  // Byte by byte for the first hundred, where headers are; all of a long stream would cost more than it tells.
  const most = way === 7 ? 1 : way === 6 ? 32 : bytes.length;
  const chunks: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length && chunks.length < 100) {
    const size = most === 1 ? 1 : choices.between(1, most);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  if (at < bytes.length) chunks.push(bytes.subarray(at));
  return chunks;
}

/** Characters that parsers trip over. */
const oddTexts = [
  "",
  " ",
  ",",
  "=",
  ":",
  ";",
  "#",
  '"',
  "'",
  "\\",
  "-",
  "--",
  "%",
  "[",
  "]",
  "::",
  ".",
  "..",
  "/",
  "\0",
  "\n",
  "\r",
  "\t",
  "\ufeff",
  "\ufffd",
  "\u00e9",
  "\u2028",
  "\ud800",
  "\u{1f600}",
  "0",
  "-1",
  "+1",
  "1e9",
  "0x10",
  "00",
  "99999",
  "4294967296",
  "9007199254740993",
  "NaN",
  "null",
  "true",
  "__proto__",
  "constructor",
  "toString",
  "\x7f",
  "\x1b[2J",
] as const;

export function oddText(choices: Choices): string {
  return choices.once(6) ? String.fromCharCode(choices.below(0x10000)) : choices.pick(oddTexts);
}

/** As `mutateBytes`, for texts. */
export function mutateText(choices: Choices, text: string): string {
  let mutated = text;
  for (let left = choices.below(4); left > 0; left--) mutated = mutateTextOnce(choices, mutated);
  return mutated;
}

function mutateTextOnce(choices: Choices, text: string): string {
  const at = choices.below(text.length + 1);
  switch (choices.below(7)) {
    case 0:
      return text.slice(0, at) + oddText(choices) + text.slice(at);
    case 1:
      return text.slice(0, at) + oddText(choices) + text.slice(at + 1);
    case 2:
      return text.slice(0, at);
    case 3:
      return text.slice(0, at) + text.slice(at + choices.between(1, 8));
    case 4: { // a piece doubled
      const piece = text.slice(at, at + choices.between(1, 24));
      return text.slice(0, at) + piece + text.slice(at);
    }
    case 5: { // a piece many times
      const piece = text.slice(at, at + choices.between(1, 4)) || "a";
      return text.slice(0, at) + piece.repeat(choices.between(1, 300)) + text.slice(at);
    }
    default: // the case turned
      return text.slice(0, at) + text.slice(at, at + 1).toUpperCase() + text.slice(at + 1);
  }
}

/**
 * Bytes that come in pieces, up to a length that the peer claims. Room is made for what came, not for what is claimed:
 * a hostile word costs nothing.
 */
import { assert } from "../base/assert.ts";

/** Room made at first, bytes. */
const firstBytes = 16 * 1024;

export class GrowingBytes {
  readonly #lengthMax: number;
  #room = new Uint8Array(0);
  #length = 0;

  /** Never holds more than `lengthMax` bytes. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes of memory held. */
  get capacity(): number {
    return this.#room.length;
  }

  /** What came so far; valid until the next `append`. */
  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.#length);
  }

  append(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    assert(length <= this.#lengthMax, "The reader asks for no more than there is");
    if (length > this.#room.length) this.#grow(length);
    this.#room.set(piece, this.#length);
    this.#length = length;
  }

  /** Doubled, so that all the copying together is no more than once the whole. */
  #grow(length: number): void {
    const doubled = Math.max(length, 2 * this.#room.length, firstBytes);
    const room = new Uint8Array(Math.min(doubled, this.#lengthMax));
    room.set(this.bytes);
    this.#room = room;
  }
}

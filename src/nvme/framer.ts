/**
 * Bytes of one direction of an NVMe/TCP connection to frames: finds the PDU boundaries, whatever the chunks, and
 * checks everything that can be checked without knowing the PDU's meaning (TCP §3.6.1). It keeps at most one
 * unfinished PDU of bounded size besides the chunk last pushed, and never resynchronises: the first broken rule is
 * final.
 *
 *     0      1       2      3      4          8        HLEN      PDO          PLEN
 *     | TYPE | FLAGS | HLEN | PDO  | PLEN u32 | PSH …  | [HDGST] | [PAD] DATA [DDGST] |
 */
import { assert } from "../base/assert.ts";
import { ProtocolError } from "../base/errors.ts";
import { crc32c } from "./crc32c.ts";
import {
  commonHeaderBytes,
  digestBytes,
  fatalErrorStatus,
  pduFlag,
  pduType,
  termReqDataBytesMax,
} from "./spec.ts";

/** Which digests are in force; ICReq, ICResp and TermReq never carry any. */
export interface Digests {
  header: boolean;
  data: boolean;
}

export interface Frame {
  type: number;
  flags: number;
  /** CH and PSH, HLEN bytes; a copy that stays. */
  header: Uint8Array;
  /** DATA without padding and digest; a view that stays valid until the next `push()` only. */
  data: Uint8Array;
  /** DDGST does not match: fatal for the command, not for the connection (TCP §3.3.1.1). */
  dataDigestFailed: boolean;
}

interface Shape {
  readonly name: string;
  readonly hlen: number;
  /** Bytes after the header (and its digest): none, data of any length, or a TermReq's copy of a header. */
  readonly body: "none" | "data" | "header";
  readonly digested: boolean;
}

/** TCP §3.6.2, one row a type. */
const shapes: Readonly<Record<number, Shape>> = {
  [pduType.icReq]: { name: "ICReq", hlen: 128, body: "none", digested: false },
  [pduType.icResp]: { name: "ICResp", hlen: 128, body: "none", digested: false },
  [pduType.h2cTermReq]: { name: "H2CTermReq", hlen: 24, body: "header", digested: false },
  [pduType.c2hTermReq]: { name: "C2HTermReq", hlen: 24, body: "header", digested: false },
  [pduType.capsuleCmd]: { name: "CapsuleCmd", hlen: 72, body: "data", digested: true },
  [pduType.capsuleResp]: { name: "CapsuleResp", hlen: 24, body: "none", digested: true },
  [pduType.h2cData]: { name: "H2CData", hlen: 24, body: "data", digested: true },
  [pduType.c2hData]: { name: "C2HData", hlen: 24, body: "data", digested: true },
  [pduType.r2t]: { name: "R2T", hlen: 24, body: "none", digested: true },
};

/** The common header of the PDU at the front, checked. */
interface Front {
  readonly shape: Shape;
  readonly type: number;
  readonly flags: number;
  readonly pdo: number;
  readonly plen: number;
  /** Bytes of the header with its digest. */
  readonly headBytes: number;
  headChecked: boolean;
}

/** Offsets in the common header, as FEI tells them. */
const offsetOf = { type: 0, flags: 1, hlen: 2, pdo: 3, plen: 4 } as const;

/** A buffer up to this size is kept between PDUs; larger ones go, a thousand sessions are mostly idle. */
const keptBufferBytes = 4096;
const noBytes = new Uint8Array(0);

export class Framer {
  readonly #receiver: "host" | "controller";
  readonly #pduBytesMax: number;
  #digests: Digests = { header: false, data: false };
  #buffer: Uint8Array = noBytes;
  #start = 0;
  #end = 0;
  #front: Front | null = null;
  #lastHeader: Uint8Array = noBytes;
  #failure: ProtocolError | null = null;

  /** `receiver` is who reads: a host takes what a controller sends. `pduBytesMax` bounds PLEN. */
  constructor(receiver: "host" | "controller", pduBytesMax: number) {
    assert(pduBytesMax >= 152, `PDU bound of ${pduBytesMax} bytes is below the smallest legal PDUs`);
    this.#receiver = receiver;
    this.#pduBytesMax = pduBytesMax;
  }

  /** Bytes pushed and not yet handed out. */
  get bufferedBytes(): number {
    return this.#end - this.#start;
  }

  /** Copy of the header (up to 128 bytes) of the PDU that failed, else of the last one handed out: for a TermReq. */
  get offendingHeader(): Uint8Array {
    return this.#lastHeader.slice(0, termReqDataBytesMax);
  }

  /** Applies from the next PDU on: both sides switch right after ICResp (TCP §3.3.1.1). */
  setDigests(digests: Digests): void {
    assert(this.#front === null, "Digests change only between PDUs");
    this.#digests = { ...digests };
  }

  /** Copies the chunk; frames handed out before lose their data. Call `next()` until null before the next push. */
  push(chunk: Uint8Array): void {
    const buffered = this.bufferedBytes;
    assert(buffered <= this.#pduBytesMax, `${buffered} bytes were pushed and never taken with next()`);
    if (chunk.length === 0 || this.#failure !== null) return;
    if (buffered === 0) this.#start = this.#end = 0;
    if (this.#end + chunk.length > this.#buffer.length) this.#makeRoom(buffered + chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Doubling keeps the copying linear in the bytes received, even when they come one by one. */
  #makeRoom(needed: number): void {
    if (needed <= this.#buffer.length) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    } else {
      const roomier = new Uint8Array(Math.max(needed, 2 * this.#buffer.length, 256));
      roomier.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = roomier;
    }
    this.#end -= this.#start;
    this.#start = 0;
  }

  /** The next complete PDU, or null until more bytes come. Throws ProtocolError with FES and FEI; again each time. */
  next(): Frame | null {
    if (this.#failure !== null) throw this.#failure;
    try {
      return this.#take();
    } catch (error) {
      if (error instanceof ProtocolError) this.#fail(error);
      throw error;
    }
  }

  #fail(error: ProtocolError): void {
    this.#failure = error;
    // HLEN as received: it may be the very thing that is wrong.
    const hlen = Math.max(this.#buffer[this.#start + 2]!, commonHeaderBytes);
    this.#lastHeader = this.#buffer.slice(this.#start, Math.min(this.#start + hlen, this.#end));
    this.#buffer = noBytes;
    this.#start = this.#end = 0;
  }

  #take(): Frame | null {
    if (this.bufferedBytes < commonHeaderBytes) return this.#wait();
    const front = this.#front ??= this.#readFront();
    if (!front.headChecked) {
      if (this.bufferedBytes < front.headBytes) return this.#wait();
      this.#checkHead(front);
    }
    if (this.bufferedBytes < front.plen) return this.#wait();
    const frame = this.#cutFrame(front);
    this.#front = null;
    this.#start += front.plen;
    this.#lastHeader = frame.header;
    return frame;
  }

  #wait(): null {
    if (this.#start === this.#end && this.#buffer.length > keptBufferBytes) {
      this.#buffer = noBytes;
      this.#start = this.#end = 0;
    }
    return null;
  }

  /** What can be judged by the eight bytes alone is, so that a stranger fails at once and not at a timeout. */
  #readFront(): Front {
    const [type = 0, flags = 0, hlen = 0, pdo = 0] = this.#buffer.subarray(this.#start, this.#start + 4);
    const plen = this.#readUint32(this.#start + 4);
    const shape = shapes[type];
    const fromController = (type & 1) === 1;
    if (shape === undefined || fromController !== (this.#receiver === "host")) {
      const what = shape === undefined ? "is unknown" : `(${shape.name}) is not for a ${this.#receiver}`;
      throw headerError(`PDU type 0x${type.toString(16).padStart(2, "0")} ${what}`, offsetOf.type);
    }
    if (hlen !== shape.hlen) {
      throw headerError(`${shape.name}: HLEN is ${hlen}, expected ${shape.hlen}`, offsetOf.hlen);
    }
    this.#checkDigestFlags(shape, flags);
    const headBytes = shape.hlen + ((flags & pduFlag.headerDigest) !== 0 ? digestBytes : 0);
    if (plen < headBytes) {
      throw headerError(`${shape.name}: PLEN is ${plen}, expected at least ${headBytes}`, offsetOf.plen);
    }
    const front = { shape, type, flags, pdo, plen, headBytes, headChecked: false };
    // Under a header digest the lengths are judged after it: a flipped bit is a digest error, not a bad length.
    if (headBytes === shape.hlen) this.#checkLengths(front);
    return front;
  }

  /** Flags agree with what ICReq and ICResp settled (TCP §3.3.1.1): neither more digests nor fewer. */
  #checkDigestFlags(shape: Shape, flags: number): void {
    const header = (flags & pduFlag.headerDigest) !== 0;
    const data = (flags & pduFlag.dataDigest) !== 0;
    const headerExpected = shape.digested && this.#digests.header;
    if (header !== headerExpected) {
      const what = header ? "has a header digest that was not negotiated" : "lacks the header digest";
      throw headerError(`${shape.name} ${what}`, offsetOf.flags);
    }
    if (data && !(shape.digested && this.#digests.data)) {
      throw headerError(`${shape.name} has a data digest that was not negotiated`, offsetOf.flags);
    }
  }

  #checkLengths({ shape, flags, pdo, plen, headBytes }: Front): void {
    const wrongPlen = (expected: string) =>
      headerError(`${shape.name}: PLEN is ${plen}, expected ${expected}`, offsetOf.plen);
    if (shape.body === "none") {
      if (plen !== headBytes) throw wrongPlen(`${headBytes}`);
      return;
    }
    if (shape.body === "header") {
      const most = shape.hlen + termReqDataBytesMax;
      if (plen > most) throw wrongPlen(`at most ${most}`);
      return;
    }
    if (plen > this.#pduBytesMax) throw wrongPlen(`at most ${this.#pduBytesMax}`);
    // Without data PDO says nothing, and no data digest follows.
    if (plen === headBytes) return;
    const digested = (flags & pduFlag.dataDigest) !== 0;
    if (digested !== this.#digests.data) {
      throw headerError(`${shape.name} lacks the data digest`, offsetOf.flags);
    }
    const dataEnd = plen - (digested ? digestBytes : 0);
    // We ask for an alignment of one dword (HPDA 0), and a target here for the same (CPDA 0).
    if (pdo < headBytes || pdo > dataEnd || pdo % 4 !== 0) {
      throw headerError(
        `${shape.name}: PDO is ${pdo}, expected a multiple of 4 from ${headBytes} to ${dataEnd}`,
        offsetOf.pdo,
      );
    }
  }

  /** HDGST covers CH and PSH; after a mismatch nothing in the header can be trusted (TCP §3.3.1.1.1). */
  #checkHead(front: Front): void {
    const { shape, headBytes } = front;
    if (headBytes > shape.hlen) {
      const received = this.#readUint32(this.#start + shape.hlen);
      const computed = crc32c(this.#buffer.subarray(this.#start, this.#start + shape.hlen));
      if (received !== computed) {
        throw new ProtocolError(
          "header-digest",
          `Cannot take ${shape.name}: header digest is ${hex(received)}, expected ${hex(computed)}`,
          { fes: fatalErrorStatus.headerDigestError, fei: received },
        );
      }
      this.#checkLengths(front);
    }
    front.headChecked = true;
  }

  #cutFrame({ shape, type, flags, pdo, plen, headBytes }: Front): Frame {
    const header = this.#buffer.slice(this.#start, this.#start + shape.hlen);
    if (plen === headBytes) return { type, flags, header, data: noBytes, dataDigestFailed: false };
    const digested = (flags & pduFlag.dataDigest) !== 0;
    const dataStart = this.#start + (shape.body === "header" ? shape.hlen : pdo);
    const dataEnd = this.#start + plen - (digested ? digestBytes : 0);
    const data = this.#buffer.subarray(dataStart, dataEnd);
    const dataDigestFailed = digested && this.#readUint32(dataEnd) !== crc32c(data);
    return { type, flags, header, data, dataDigestFailed };
  }

  #readUint32(at: number): number {
    const bytes = this.#buffer;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }
}

function headerError(message: string, fei: number): ProtocolError {
  return new ProtocolError("pdu-header", `Cannot take PDU: ${message}`, {
    fes: fatalErrorStatus.invalidHeaderField,
    fei,
  });
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

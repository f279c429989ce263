/**
 * The NVMe/TCP connection below the queue: ICReq → ICResp, then PDUs both ways (NVMe/TCP 1.0 §3.4).
 *
 * A sans-I/O machine: bytes in, PDUs out; PDUs in, bytes out. It knows nothing of commands. A broken rule ends it
 * with a TermReq towards the peer and the typed error; after that it takes and gives nothing more.
 */
import { assert } from "../base/assert.ts";
import { ProtocolError, TransportError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type Digests, type Frame, Framer } from "../nvme/framer.ts";
import { decodePdu, encodePdu, type Pdu } from "../nvme/pdu.ts";
import { fatalErrorStatus } from "../nvme/spec.ts";

/** PDUs that a controller sends once the connection is up. */
export type ControllerPdu = Extract<Pdu, { kind: "capsuleResp" | "c2hData" | "r2t" }>;

const fatalErrorNames: Readonly<Record<number, string>> = {
  [fatalErrorStatus.invalidHeaderField]: "invalid PDU header field",
  [fatalErrorStatus.sequenceError]: "PDU sequence error",
  [fatalErrorStatus.headerDigestError]: "header digest error",
  [fatalErrorStatus.dataOutOfRange]: "data transfer out of range",
  [fatalErrorStatus.limitExceeded]: "data transfer limit exceeded",
  [fatalErrorStatus.unsupportedParameter]: "unsupported parameter",
};

export class Transport {
  readonly #framer = new Framer("host", limits.pduBytesMax);
  readonly #wanted: Digests;
  #digests: Digests = { header: false, data: false };
  #outgoing: Uint8Array[] = [];
  #established = false;
  #failure: Error | null = null;

  constructor(wanted: Digests = { header: false, data: false }) {
    this.#wanted = wanted;
    // HPDA 0 and MAXR2T 0: nvmet refuses other alignments, and we never answer an R2T.
    this.#outgoing.push(encodePdu({ kind: "icReq", hpda: 0, digests: wanted, maxr2t: 0 }));
  }

  /** ICResp has come and was accepted. */
  get established(): boolean {
    return this.#established;
  }

  /** Why the connection is over, or null. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Hands every complete PDU in order to `handle`. Throws the error that ended the connection; once. */
  handleBytes(chunk: Uint8Array, handle: (pdu: ControllerPdu) => void): void {
    if (this.#failure !== null) return;
    try {
      this.#framer.push(chunk);
      for (let frame = this.#framer.next(); frame !== null; frame = this.#framer.next()) {
        this.#handleFrame(frame, handle);
      }
    } catch (error) {
      this.fail(error as Error);
      throw error;
    }
  }

  #handleFrame(frame: Frame, handle: (pdu: ControllerPdu) => void): void {
    const pdu = decodePdu(frame);
    switch (pdu.kind) {
      case "icResp":
        return this.#handleIcResp(pdu);
      case "c2hTermReq":
        throw new TransportError("term-req", `Controller ended the connection: ${termReqText(pdu)}`);
      case "capsuleResp":
      case "c2hData":
      case "r2t":
        if (!this.#established) throw sequenceError(`${pdu.kind} before ICResp`);
        return handle(pdu);
      default:
        throw sequenceError(`${pdu.kind} goes from host to controller only`);
    }
  }

  /** NVMe/TCP 1.0 §3.6.2.3; the same demands as the Linux host makes. */
  #handleIcResp(pdu: Extract<Pdu, { kind: "icResp" }>): void {
    if (this.#established) throw sequenceError("second ICResp");
    // Our in-capsule data stands right behind the header, which is no multiple of a wider alignment.
    if (pdu.cpda !== 0) {
      throw new ProtocolError("icresp-alignment", `ICResp demands data alignment ${pdu.cpda}, expected 0`, {
        fes: fatalErrorStatus.invalidHeaderField,
        fei: 10,
      });
    }
    for (const digest of ["header", "data"] as const) {
      // A controller may decline a digest (it then stays off); one that nobody asked for is an error.
      if (pdu.digests[digest] && !this.#wanted[digest]) {
        throw new ProtocolError("icresp-digest", `ICResp enables a ${digest} digest that was not requested`, {
          fes: fatalErrorStatus.invalidHeaderField,
          fei: 11,
        });
      }
    }
    this.#digests = pdu.digests;
    this.#framer.setDigests(pdu.digests);
    this.#established = true;
  }

  send(pdu: Extract<Pdu, { kind: "capsuleCmd" }>): void {
    assert(this.#established, "A capsule is sent only after ICResp");
    if (this.#failure === null) this.#outgoing.push(encodePdu(pdu, this.#digests));
  }

  /** Ends the connection; a ProtocolError with a FES tells the peer by H2CTermReq (§3.6.2.7), then nothing follows. */
  fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#outgoing = [];
    if (error instanceof ProtocolError && error.fes !== 0) {
      const { fes, fei } = error;
      const offendingHeader = this.#framer.offendingHeader;
      this.#outgoing.push(encodePdu({ kind: "h2cTermReq", fes, fei, offendingHeader }));
    }
  }

  /** Everything to write now, or null. */
  takeBytes(): Uint8Array | null {
    if (this.#outgoing.length === 0) return null;
    const chunks = this.#outgoing;
    this.#outgoing = [];
    return chunks.length === 1 ? chunks[0]! : concat(chunks);
  }
}

function concat(chunks: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function sequenceError(what: string): ProtocolError {
  return new ProtocolError("pdu-sequence", `Unexpected PDU: ${what}`, {
    fes: fatalErrorStatus.sequenceError,
  });
}

function termReqText(pdu: { fes: number; fei: number }): string {
  return `${fatalErrorNames[pdu.fes] ?? `fatal error status ${pdu.fes}`}, information ${pdu.fei}`;
}

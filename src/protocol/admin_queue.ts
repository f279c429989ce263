/**
 * One admin queue over one NVMe/TCP connection: commands out, completions matched to their command id, read data
 * assembled from any number of C2HData PDUs (NVMe/TCP 1.0 §3.3). Sans-I/O.
 *
 * It refuses R2T (no command of ours writes more than the 8,192 bytes that always fit into the capsule) and every
 * completion or data that belongs to no outstanding command. It never retries.
 */
import { assert } from "../base/assert.ts";
import { ProtocolError, TimeoutError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type Completion, decodeCompletion } from "../nvme/completion.ts";
import type { Digests } from "../nvme/framer.ts";
import { fatalErrorStatus } from "../nvme/spec.ts";
import { statusError } from "../nvme/status.ts";
import { type ControllerPdu, Transport } from "./transport.ts";

export interface AdminCommand {
  /** For messages: `Cannot ${action}`. */
  readonly action: string;
  /** Builds the 64-byte SQE for the id the queue gives. */
  readonly encode: (cid: number) => Uint8Array;
  /** In-capsule data. */
  readonly data?: Uint8Array;
  /** Bytes of read data expected at most. */
  readonly readBytes?: number;
  /** ms; null waits for ever (Asynchronous Event Request). */
  readonly timeoutMs: number | null;
  /** Called once, on success. `data` holds what came, possibly shorter than asked. */
  readonly onSuccess: (completion: Completion, data: Uint8Array, nowMs: number) => void;
  /** Called once, on an error status; left out, an error status ends the connection with it. */
  readonly onStatus?: (completion: Completion, nowMs: number) => void;
}

interface Outstanding {
  readonly command: AdminCommand;
  readonly deadlineMs: number;
  readonly buffer: Uint8Array;
  received: number;
  dataDone: boolean;
  dataDigestFailed: boolean;
}

const noData = new Uint8Array(0);

export class AdminQueue {
  readonly #transport: Transport;
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #icrespDeadlineMs: number;
  #nextCid = 1;

  constructor(nowMs: number, digests?: Digests) {
    this.#transport = new Transport(digests);
    this.#icrespDeadlineMs = nowMs + limits.icrespTimeoutMs;
  }

  get established(): boolean {
    return this.#transport.established;
  }

  get failure(): Error | null {
    return this.#transport.failure;
  }

  get outstandingCount(): number {
    return this.#outstanding.size;
  }

  submit(nowMs: number, command: AdminCommand): void {
    assert(this.#outstanding.size < limits.adminQueueEntries - 1, "The admin queue is full");
    if (this.failure !== null) return;
    const cid = this.#takeCid();
    this.#outstanding.set(cid, {
      command,
      deadlineMs: command.timeoutMs === null ? Infinity : nowMs + command.timeoutMs,
      buffer: command.readBytes === undefined ? noData : new Uint8Array(command.readBytes),
      received: 0,
      dataDone: false,
      dataDigestFailed: false,
    });
    this.#transport.send({ kind: "capsuleCmd", sqe: command.encode(cid), data: command.data ?? noData });
  }

  /** Ids go round, so that a late completion of an old command meets no new one. */
  #takeCid(): number {
    do this.#nextCid = this.#nextCid >= 0xfffe ? 1 : this.#nextCid + 1; while (
      this.#outstanding.has(this.#nextCid)
    );
    return this.#nextCid;
  }

  /** Throws the error that ended the connection; callbacks run inside. */
  handleBytes(nowMs: number, chunk: Uint8Array): void {
    this.#transport.handleBytes(chunk, (pdu) => this.#handlePdu(nowMs, pdu));
  }

  /** Throws TimeoutError (and ends the connection) when a deadline has passed. */
  handleTimeout(nowMs: number): void {
    if (this.failure !== null) return;
    const late = this.#lateAction(nowMs);
    if (late === null) return;
    const error = new TimeoutError(late.code, late.message);
    this.#transport.fail(error);
    throw error;
  }

  #lateAction(nowMs: number): { code: string; message: string } | null {
    if (!this.established) {
      if (nowMs < this.#icrespDeadlineMs) return null;
      return {
        code: "icresp",
        message:
          `No ICResp within ${limits.icrespTimeoutMs} ms: something listens there, but does not speak NVMe/TCP`,
      };
    }
    for (const { command, deadlineMs } of this.#outstanding.values()) {
      if (nowMs >= deadlineMs) {
        return {
          code: "command",
          message: `Cannot ${command.action}: no answer within ${command.timeoutMs} ms`,
        };
      }
    }
    return null;
  }

  nextTimeoutMs(): number {
    if (this.failure !== null) return Infinity;
    if (!this.established) return this.#icrespDeadlineMs;
    let next = Infinity;
    for (const { deadlineMs } of this.#outstanding.values()) next = Math.min(next, deadlineMs);
    return next;
  }

  takeBytes(): Uint8Array | null {
    return this.#transport.takeBytes();
  }

  /** Ends the connection from our side; outstanding commands are forgotten without a callback. */
  fail(error: Error): void {
    this.#transport.fail(error);
    this.#outstanding.clear();
  }

  #handlePdu(nowMs: number, pdu: ControllerPdu): void {
    switch (pdu.kind) {
      case "r2t":
        throw new ProtocolError(
          "r2t",
          `Controller asks for data (R2T) of command ${pdu.cccid}, which has none left`,
          {
            fes: fatalErrorStatus.limitExceeded,
          },
        );
      case "c2hData":
        return this.#handleData(nowMs, pdu);
      case "capsuleResp":
        return this.#complete(nowMs, decodeCompletion(pdu.cqe));
    }
  }

  /** NVMe/TCP 1.0 §3.3.2.1: in order, contiguous, within the length asked for. */
  #handleData(nowMs: number, pdu: Extract<ControllerPdu, { kind: "c2hData" }>): void {
    const waiting = this.#outstanding.get(pdu.cccid);
    if (waiting === undefined) throw unknownCid("C2HData", pdu.cccid, 8);
    const end = pdu.datao + pdu.data.length;
    if (waiting.dataDone || pdu.datao !== waiting.received || end > waiting.buffer.length) {
      throw new ProtocolError(
        "data-range",
        `C2HData of command ${pdu.cccid} covers bytes ${pdu.datao} to ${end}, expected from ${waiting.received} ` +
          `and up to ${waiting.buffer.length}`,
        { fes: fatalErrorStatus.dataOutOfRange },
      );
    }
    waiting.buffer.set(pdu.data, pdu.datao);
    waiting.received = end;
    waiting.dataDone = pdu.last;
    waiting.dataDigestFailed ||= pdu.dataDigestFailed;
    // SUCCESS: no response capsule follows; status 0 and dw0 = dw1 = 0 are implied (§3.3.2.1).
    if (pdu.success) {
      this.#complete(nowMs, {
        cid: pdu.cccid,
        sqid: 0,
        sqhd: 0,
        dw0: 0,
        dw1: 0,
        status: 0,
        dnr: false,
        more: false,
        crd: 0,
      });
    }
  }

  #complete(nowMs: number, completion: Completion): void {
    const done = this.#outstanding.get(completion.cid);
    if (done === undefined) throw unknownCid("CapsuleResp", completion.cid, 20);
    this.#outstanding.delete(completion.cid);
    const { command } = done;
    if (completion.status !== 0) {
      if (command.onStatus === undefined) throw statusError(`Cannot ${command.action}`, completion);
      return command.onStatus(completion, nowMs);
    }
    if (done.dataDigestFailed) {
      throw new ProtocolError("data-digest", `Cannot ${command.action}: the data digest does not match`);
    }
    if (done.received > 0 && !done.dataDone) {
      throw new ProtocolError(
        "data-unfinished",
        `Cannot ${command.action}: completed before its last data PDU`,
        {
          fes: fatalErrorStatus.sequenceError,
        },
      );
    }
    command.onSuccess(completion, done.buffer.subarray(0, done.received), nowMs);
  }
}

function unknownCid(what: string, cid: number, fei: number): ProtocolError {
  return new ProtocolError("unknown-command", `${what} for command ${cid}, which is not outstanding`, {
    fes: fatalErrorStatus.invalidHeaderField,
    fei,
  });
}

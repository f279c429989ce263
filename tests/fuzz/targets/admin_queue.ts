/**
 * The admin queue against a controller that sends data and completions for any command, in any order, at any offset.
 * Every command ends at most once and with its own bytes; the end of the connection ends everything.
 */
import { AgentError } from "../../../src/base/errors.ts";
import { encodeKeepAlive } from "../../../src/nvme/command.ts";
import { encodeCompletion } from "../../../src/nvme/completion.ts";
import type { Digests } from "../../../src/nvme/framer.ts";
import { encodePdu, type Pdu } from "../../../src/nvme/pdu.ts";
import { AdminQueue } from "../../../src/protocol/admin_queue.ts";
import { check } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawDigests, drawPdu, wireBytes } from "../draw_pdu.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { cutUp, mutateBytes } from "../mutate.ts";

/** What byte `offset` of the answer to command `cid` is. */
function ownByte(cid: number, offset: number): number {
  return (cid * 37 + offset * 11 + (offset >> 8)) & 0xff;
}

interface Submitted {
  cid: number;
  readonly readBytes: number;
  ended: boolean;
  /** Next byte that a good controller would send. */
  next: number;
}

class QueueUnderTest {
  readonly #choices: Choices;
  readonly #queue: AdminQueue;
  readonly #digests: Digests;
  readonly #commands: Submitted[] = [];
  #nowMs = 0;
  #spoilt = false;

  constructor(choices: Choices) {
    this.#choices = choices;
    this.#digests = drawDigests(choices);
    this.#queue = new AdminQueue(0, this.#digests);
    choices.note("digests", this.#digests);
  }

  run(): void {
    const icResp: Pdu = { kind: "icResp", cpda: 0, digests: this.#digests, maxh2cdata: 4096 };
    this.#send(encodePdu(icResp), false);
    for (let left = this.#choices.between(1, 12); left > 0; left--) this.#step();
    this.#checkEnd();
  }

  #step(): void {
    const choices = this.#choices;
    switch (choices.below(8)) {
      case 0:
      case 1:
        return this.#submit();
      case 2:
      case 3:
        return this.#sendPdu(this.#drawData());
      case 4:
        return this.#sendPdu({ kind: "capsuleResp", cqe: this.#drawCompletion() });
      case 5:
        return this.#sendPdu(drawPdu(choices, "host"));
      case 6:
        return this.#advance(choices.edgy(30_000));
      default:
        return this.#sendMany();
    }
  }

  #submit(): void {
    if (this.#queue.failure !== null || !this.#queue.established || this.#queue.outstandingCount >= 31) {
      return;
    }
    const readBytes = this.#choices.below(200);
    const command: Submitted = { cid: 0, readBytes, ended: false, next: 0 };
    this.#commands.push(command);
    this.#queue.submit(this.#nowMs, {
      action: "try",
      encode: (cid) => {
        command.cid = cid;
        return encodeKeepAlive({ cid });
      },
      readBytes: readBytes === 0 ? undefined : readBytes,
      timeoutMs: this.#choices.once(4) ? null : 10_000,
      onSuccess: (completion, data) => this.#ended(command, completion.cid, data),
      onStatus: this.#choices.once(2)
        ? (completion) => this.#ended(command, completion.cid, null)
        : undefined,
    });
    this.#choices.note("submitted", { ...command });
  }

  #ended(command: Submitted, cid: number, data: Uint8Array | null): void {
    check(!command.ended, "A command ends twice");
    command.ended = true;
    check(cid === command.cid, () => `Command ${command.cid} ends with the completion of ${cid}`);
    check(this.#queue.failure === null, "A command ends after the connection");
    if (data === null) return;
    check(data.length <= command.readBytes, "A command gets more than it asked for");
    if (this.#spoilt) return;
    check(data.every((byte, at) => byte === ownByte(cid, at)), "A command gets bytes that are not its own");
  }

  #drawTarget(): Submitted {
    const { length } = this.#commands;
    if (length > 0 && !this.#choices.once(16)) return this.#commands[this.#choices.below(length)]!;
    return { cid: this.#choices.edgy(0x10000), readBytes: 100, ended: true, next: 0 };
  }

  #drawData(): Pdu {
    const choices = this.#choices;
    const command = this.#drawTarget();
    const left = command.readBytes - command.next;
    const length = choices.once(8) ? choices.below(300) : choices.below(Math.max(left, 0) + 1);
    const datao = choices.once(8) ? choices.edgy(2 ** 32) : command.next;
    command.next += length;
    const last = choices.below(3) === 2;
    return {
      kind: "c2hData",
      cccid: command.cid,
      datao,
      last,
      success: last && choices.below(2) === 1,
      data: Uint8Array.from({ length }, (_, at) => ownByte(command.cid, datao + at)),
      dataDigestFailed: false,
    };
  }

  #drawCompletion(): Uint8Array {
    const status = this.#choices.once(4) ? this.#choices.below(0x800) : 0;
    return encodeCompletion({ cid: this.#drawTarget().cid, dw0: this.#choices.edgy(2 ** 32), status });
  }

  #sendPdu(pdu: Pdu): void {
    this.#choices.note("sent", pdu);
    // Only what is drawn for a command has the bytes of that command.
    if (pdu.kind === "c2hData" && pdu.data.some((byte, at) => byte !== ownByte(pdu.cccid, pdu.datao + at))) {
      this.#spoilt = true;
    }
    this.#send(wireBytes(pdu, this.#digests), this.#choices.once(10));
  }

  /** Completions of one command again and again, ahead of time too. */
  #sendMany(): void {
    const pdu = wireBytes({ kind: "capsuleResp", cqe: this.#drawCompletion() }, this.#digests);
    for (let left = this.#choices.between(1, 3); left > 0; left--) this.#send(pdu, false);
  }

  #send(bytes: Uint8Array, spoil: boolean): void {
    const sent = spoil ? mutateBytes(this.#choices, bytes) : bytes;
    if (sent !== bytes) this.#spoilt = true;
    for (const chunk of cutUp(this.#choices, sent)) {
      this.#guard(() => this.#queue.handleBytes(this.#nowMs, chunk));
      const out = this.#queue.takeBytes();
      check(out === null || out.length < 40_000, () => `${out?.length} bytes go out for ${chunk.length}`);
      check(this.#queue.takeBytes() === null, "Bytes without end");
    }
  }

  #advance(ms: number): void {
    this.#nowMs += ms;
    this.#choices.note("time", this.#nowMs);
    const due = this.#queue.nextTimeoutMs() <= this.#nowMs;
    this.#guard(() => this.#queue.handleTimeout(this.#nowMs));
    check(!due || this.#queue.failure !== null, "A deadline passes and nothing happens");
  }

  #guard(action: () => void): void {
    const before = this.#queue.failure;
    try {
      action();
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      check(before === null && this.#queue.failure === error, "It throws again, or forgets why it failed");
    }
    check(
      this.#queue.failure === null || this.#queue.nextTimeoutMs() === Infinity,
      "A timer outlives the end",
    );
  }

  #checkEnd(): void {
    const open = this.#commands.filter(({ ended }) => !ended).length;
    if (this.#queue.failure === null) {
      check(this.#queue.outstandingCount === open, () => `${open} open, not ${this.#queue.outstandingCount}`);
    }
    this.#queue.fail(new Error("the end"));
    check(
      this.#queue.outstandingCount === 0 && this.#queue.nextTimeoutMs() === Infinity,
      "Something is left",
    );
  }
}

export const adminQueue: FuzzTarget = {
  name: "admin_queue",
  share: 3,
  tryInput: (choices) => new QueueUnderTest(choices).run(),
};

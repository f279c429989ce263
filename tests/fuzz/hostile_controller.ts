/**
 * A discovery controller that knows the protocol and breaks it by choice: it answers late, twice, out of order, for
 * another command, with data cut up or moved, with a status, not at all. What it sends unspoilt is true: each record
 * names the generation it belongs to, so that a log made of two generations is found out.
 */
import { ProtocolError } from "../../src/base/errors.ts";
import { type Command, decodeCommand } from "../../src/nvme/command.ts";
import { encodeCompletion } from "../../src/nvme/completion.ts";
import { encodeLogPage } from "../../src/nvme/discovery_log.ts";
import { type Digests, Framer } from "../../src/nvme/framer.ts";
import { encodeIdentifyControllerData } from "../../src/nvme/identify.ts";
import { decodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import { fabricsType, opcode, register } from "../../src/nvme/spec.ts";
import { check } from "./check.ts";
import type { Choices } from "./choices.ts";
import { drawPdu, wireBytes } from "./draw_pdu.ts";
import { concat, mutateBytes } from "./mutate.ts";

const noDigests: Digests = { header: false, data: false };
const cntlid = 7;

export class HostileController {
  /** Answers that wait, ready to be sent, each a number of PDUs. */
  readonly waiting: Uint8Array[] = [];
  /** It has broken a rule, of any kind. */
  lied = false;
  /** It has sent data that is not true; without that a log that is told is true, whatever else was lied about. */
  spoilt = false;
  /** The last read of the log kept the event masked (RAE). */
  lastReadRetains = false;
  genctr = 1;
  recordCount: number;
  readonly #choices: Choices;
  readonly #digests: Digests;
  readonly #framer = new Framer("controller", 16 * 1024);
  /** One in so many answers is a lie; 0 for none. */
  readonly #hostility: number;
  #deaf = false;
  #csts = 0;
  #events: number[] = [];
  #headerRecords = 0;
  #page: Uint8Array | null = null;
  #last: Uint8Array = new Uint8Array(0);

  constructor(choices: Choices, digests: Digests) {
    this.#choices = choices;
    this.#digests = digests;
    this.#hostility = choices.pick([0, 100, 40, 12, 0]);
    this.recordCount = choices.below(6);
    choices.note("hostility", this.#hostility);
  }

  /** What the host sent; answers go to `waiting`. */
  handleBytes(bytes: Uint8Array): void {
    if (this.#deaf) return;
    try {
      this.#takeFrames(bytes);
    } catch (error) {
      // Whoever lies about digests, or says something before ICResp, need not understand what comes.
      if (!this.lied || !(error instanceof ProtocolError)) throw error;
      this.#deaf = true;
    }
  }

  #takeFrames(bytes: Uint8Array): void {
    this.#framer.push(bytes);
    for (let frame = this.#framer.next(); frame !== null; frame = this.#framer.next()) {
      const pdu = decodePdu(frame);
      if (pdu.kind === "icReq") this.#handleIcReq();
      if (pdu.kind === "capsuleCmd") this.#handleCommand(decodeCommand(pdu.sqe));
    }
  }

  changeLog(): void {
    this.genctr += this.#choices.between(1, 2);
    this.recordCount = this.#choices.once(20) ? this.#choices.below(80) : this.#choices.below(6);
    this.#page = null;
  }

  /** Answers the oldest event request. */
  raiseEvent(): void {
    const cid = this.#events.shift();
    const dw0 = this.#choices.once(4) ? this.#choices.edgy(2 ** 32) : 0x70f002;
    if (cid !== undefined) this.#answer([this.#response(cid, dw0)]);
  }

  /** The last answer again, or something that nobody asked for. */
  talkNonsense(): void {
    this.lied = true;
    if (this.#choices.once(2)) this.waiting.push(this.#last);
    else {
      this.#push([drawPdu(this.#choices, "host")]);
      this.spoilt = true;
    }
  }

  #handleIcReq(): void {
    const lie = this.#lies();
    const pdu: Pdu = { kind: "icResp", cpda: lie ? 1 : 0, digests: this.#digests, maxh2cdata: 4096 };
    this.waiting.push(wireBytes(pdu, noDigests));
    this.#framer.setDigests(this.#digests);
  }

  #lies(): boolean {
    const lies = this.#hostility > 0 && this.#choices.once(this.#hostility);
    this.lied ||= lies;
    return lies;
  }

  #handleCommand(command: Command): void {
    const { cid } = command;
    switch (command.opcode) {
      case opcode.fabrics:
        return this.#answer([this.#response(cid, this.#fabricsResult(command))]);
      case opcode.identify:
        return this.#answerData(cid, this.#identifyData());
      case opcode.asyncEventRequest:
        this.#events.push(cid);
        check(this.#events.length <= 2, "Event requests pile up");
        return;
      case opcode.getLogPage:
        return this.#answerData(cid, this.#logBytes(command));
      default:
        return this.#answer([this.#response(cid)]);
    }
  }

  #fabricsResult({ fctype, cdw11, cdw12 }: Command): number {
    if (fctype === fabricsType.connect) return cntlid;
    if (fctype === fabricsType.propertySet) {
      this.#csts = (cdw12 & 0x4000) !== 0 ? 9 : 1;
      return 0;
    }
    if (cdw11 === register.csts) return this.#choices.once(6) ? 0 : this.#csts;
    return this.#choices.below(4) * 2 ** 24 + 0x3ff;
  }

  #identifyData(): Uint8Array {
    return encodeIdentifyControllerData({ cntlid, cntrltype: 2, mdts: this.#choices.below(3) });
  }

  #logBytes(command: Command): Uint8Array {
    const { cdw10, cdw11, cdw12 } = command;
    const bytes = ((cdw11 & 0xffff) * 0x10000 + (cdw10 >>> 16) + 1) * 4;
    this.lastReadRetains = (cdw10 & 0x8000) !== 0;
    check(bytes <= 64 * 1024, () => `One read of ${bytes} bytes`);
    const page = this.#page ??= this.#makePage();
    const claimed = this.#lies() ? this.#choices.edgy(20_000) : this.recordCount;
    if (claimed !== this.recordCount) {
      this.spoilt = true;
      new DataView(page.buffer).setUint32(8, claimed, true);
      this.#page = null;
    }
    if (cdw12 === 0) this.#headerRecords = claimed;
    const end = 1024 * (1 + this.#headerRecords);
    // nvmet answers a read beyond the end with foreign memory.
    check(
      this.spoilt || cdw12 + bytes <= end,
      () => `Reads bytes ${cdw12} to ${cdw12 + bytes} of a log of ${end}`,
    );
    const piece = new Uint8Array(bytes);
    piece.set(page.subarray(Math.min(cdw12, page.length), Math.min(cdw12 + bytes, page.length)));
    return piece;
  }

  #makePage(): Uint8Array {
    const records = Array.from({ length: this.recordCount }, (_, at) => ({
      traddr: "10.0.0.1",
      trsvcid: "4420",
      subnqn: `n:${this.genctr}:${at}:${this.recordCount}`,
    }));
    return encodeLogPage({ genctr: BigInt(this.genctr) }, records);
  }

  #response(cid: number, dw0 = 0): Pdu {
    const lie = this.#lies();
    const status = lie && this.#choices.once(2) ? this.#choices.pick([1, 0x190, 0x184, 0x7ff]) : 0;
    const wrongCid = lie && status === 0 ? this.#choices.edgy(0x10000) : cid;
    return { kind: "capsuleResp", cqe: encodeCompletion({ cid: wrongCid, dw0, status }) };
  }

  /** Data in any number of pieces, the response in a capsule or in the last piece. */
  #answerData(cid: number, whole: Uint8Array): void {
    // Fewer bytes than asked for, and success claimed.
    const data = this.#lies() ? whole.subarray(0, 4 * this.#choices.below(whole.length / 4)) : whole;
    const pdus: Pdu[] = [];
    const success = this.#choices.once(2);
    for (let at = 0; at < data.length;) {
      const size = Math.min(data.length - at, this.#choices.pick([data.length, 1024, 4096]));
      const last = at + size === data.length;
      const datao = this.#lies() ? this.#choices.edgy(2 ** 32) : at;
      const piece = data.subarray(at, at + size);
      const kind = "c2hData";
      pdus.push({
        kind,
        cccid: cid,
        datao,
        last,
        success: last && success,
        data: piece,
        dataDigestFailed: false,
      });
      at += size;
    }
    if (!success) pdus.push(this.#response(cid));
    this.#answer(pdus);
  }

  #answer(pdus: Pdu[]): void {
    if (this.#lies()) {
      const way = this.#choices.below(3);
      if (way === 0) return; // never
      if (way === 1) this.#push(pdus); // twice
      else pdus.splice(this.#choices.below(Math.max(pdus.length, 1)), 1); // one piece lost
    }
    this.#push(pdus);
  }

  #push(pdus: readonly Pdu[]): void {
    const bytes = concat(pdus.map((pdu) => wireBytes(pdu, this.#digests)));
    const sent = this.#lies() ? mutateBytes(this.#choices, bytes) : bytes;
    if (sent !== bytes) this.spoilt = true;
    this.#last = sent;
    this.waiting.push(sent);
  }
}

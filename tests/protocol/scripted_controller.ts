/**
 * The controller's end for the tests of the host's machines: it decodes what the machine sends, answers each command
 * by a script that a test may change, and keeps the time. Well-behaved unless told otherwise; no sockets, no timers.
 */
import { type Command, decodeCommand, decodeConnectData } from "../../src/nvme/command.ts";
import { type Completion, encodeCompletion } from "../../src/nvme/completion.ts";
import { type DiscoveryRecord, encodeLogPage } from "../../src/nvme/discovery_log.ts";
import { type Digests, Framer } from "../../src/nvme/framer.ts";
import { encodeIdentifyControllerData, type IdentifyController } from "../../src/nvme/identify.ts";
import { decodePdu, encodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import { discoveryChangeEvent, discoveryNqn, fabricsType, opcode, register } from "../../src/nvme/spec.ts";
import { assert } from "../assert.ts";

/** What is driven; the verbs of every machine of ours. */
export interface DrivenMachine {
  handleBytes(nowMs: number, chunk: Uint8Array): void;
  handleTimeout(nowMs: number): void;
  nextTimeoutMs(): number;
  takeBytes(): Uint8Array | null;
}

export type CommandName =
  | "connect"
  | "readCap"
  | "readCsts"
  | "writeCc"
  | "identify"
  | "setFeatures"
  | "event"
  | "keepAlive"
  | "log"
  | "other";

export interface SeenCommand {
  readonly name: CommandName;
  readonly command: Command;
  readonly data: Uint8Array;
  readonly atMs: number;
}

/** PDUs to send, or null for silence. */
export type Answer = (seen: SeenCommand) => Pdu[] | null;

export const noDigests: Digests = { header: false, data: false };
const noData = new Uint8Array(0);

/** Steps without time passing: more is a machine that spins. */
const stepsAtOneTimeMax = 200;

export class ScriptedController {
  nowMs = 1_000_000;
  readonly seen: SeenCommand[] = [];
  /** Everything the host said besides commands. */
  readonly otherPdus: Pdu[] = [];
  /** ICResp to send, or null for silence; `digests` are used from then on. */
  icResp: Extract<Pdu, { kind: "icResp" }> | null = {
    kind: "icResp",
    cpda: 0,
    digests: noDigests,
    maxh2cdata: 0x40_0000,
  };
  /** Bytes handed to the machine at once. */
  chunkBytes = Infinity;
  cntlid = 7;
  csts = 0;
  identify: Partial<IdentifyController> = {};
  genctr = 1n;
  records: Partial<DiscoveryRecord>[] = [];
  /** Cids of event requests not answered yet. */
  readonly eventCids: number[] = [];
  /** After every delivery. */
  onDelivered: () => void = () => {};
  readonly #machine: DrivenMachine;
  readonly #framer = new Framer("controller", 64 * 1024);
  readonly #answers = new Map<CommandName, Answer>();
  #digests = noDigests;

  constructor(machine: DrivenMachine) {
    this.#machine = machine;
  }

  /** Replaces the answer to a command; null gives the usual one back. */
  answer(name: CommandName, answer: Answer | null): void {
    if (answer === null) this.#answers.delete(name);
    else this.#answers.set(name, answer);
  }

  count(name: CommandName): number {
    return this.seen.filter((seen) => seen.name === name).length;
  }

  of(name: CommandName): SeenCommand[] {
    return this.seen.filter((seen) => seen.name === name);
  }

  /** Exchanges bytes until both sides are silent. */
  pump(): void {
    for (let step = 0; step < stepsAtOneTimeMax; step++) {
      const bytes = this.#machine.takeBytes();
      if (bytes === null) return;
      this.#framer.push(bytes);
      for (let frame = this.#framer.next(); frame !== null; frame = this.#framer.next()) {
        this.#handle(decodePdu(frame));
      }
    }
    throw new Error(`Machine and controller talk without end at ${this.nowMs} ms`);
  }

  /** Lets time pass; the machine gets its timeouts when it asked for them, and is answered. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    let steps = 0;
    for (let at = this.#machine.nextTimeoutMs(); at <= endMs; at = this.#machine.nextTimeoutMs()) {
      steps = at > this.nowMs ? 0 : steps + 1;
      assert(steps < stepsAtOneTimeMax, `The machine spins at ${this.nowMs} ms: its timeout stays ${at}`);
      this.nowMs = Math.max(this.nowMs, at);
      this.#machine.handleTimeout(this.nowMs);
      this.onDelivered();
      this.pump();
    }
    this.nowMs = endMs;
  }

  /** Sends PDUs in one delivery (or in pieces of `chunkBytes`), then listens. */
  send(...pdus: Pdu[]): void {
    this.sendBytes(
      concat(pdus.map((pdu) => encodePdu(pdu, pdu.kind === "icResp" ? noDigests : this.#digests))),
    );
    this.pump();
  }

  sendBytes(bytes: Uint8Array): void {
    const step = Math.min(this.chunkBytes, Math.max(bytes.length, 1));
    for (let at = 0; at < bytes.length; at += step) {
      this.#machine.handleBytes(this.nowMs, bytes.slice(at, at + step));
      this.onDelivered();
    }
  }

  /** Answers the oldest event request. */
  raiseEvent(dw0 = discoveryChangeEvent): void {
    const cid = this.eventCids.shift();
    assert(cid !== undefined, "No event request is outstanding");
    this.send(response({ cid, dw0 }));
  }

  #handle(pdu: Pdu): void {
    if (pdu.kind === "capsuleCmd") return this.#handleCommand(decodeCommand(pdu.sqe), pdu.data.slice());
    this.otherPdus.push(pdu);
    if (pdu.kind !== "icReq" || this.icResp === null) return;
    this.sendBytes(encodePdu(this.icResp));
    this.#digests = this.icResp.digests;
    this.#framer.setDigests(this.#digests);
  }

  #handleCommand(command: Command, data: Uint8Array): void {
    const seen = { name: nameOf(command), command, data, atMs: this.nowMs };
    this.seen.push(seen);
    const answer = this.#answers.get(seen.name);
    const pdus = answer === undefined ? this.usual(seen) : answer(seen);
    if (pdus === null) return;
    this.sendBytes(concat(pdus.map((pdu) => encodePdu(pdu, this.#digests))));
  }

  /** What a healthy controller answers. */
  usual({ name, command }: SeenCommand): Pdu[] | null {
    const { cid } = command;
    switch (name) {
      case "connect":
        return [response({ cid, dw0: this.cntlid })];
      case "readCap":
        return [response({ cid, dw0: 0x0f00_03ff })];
      case "readCsts":
        return [response({ cid, dw0: this.csts })];
      case "writeCc":
        this.csts = (command.cdw12 & 0x4000) !== 0 ? 9 : 1;
        return [response({ cid })];
      case "identify":
        return readAnswer(cid, this.identifyData());
      case "event":
        this.eventCids.push(cid);
        return null;
      case "log": {
        const { offset, bytes } = logRange(command);
        return readAnswer(cid, this.logPage().subarray(offset, offset + bytes));
      }
      case "setFeatures":
      case "keepAlive":
        return [response({ cid })];
      case "other":
        return [response({ cid, status: 1, dnr: true })];
    }
  }

  identifyData(): Uint8Array {
    const usual = {
      cntlid: this.cntlid,
      cntrltype: 2,
      ver: 0x20100,
      oaes: 0x8000_0000,
      subnqn: discoveryNqn,
    };
    return encodeIdentifyControllerData({ ...usual, ...this.identify });
  }

  logPage(): Uint8Array {
    return encodeLogPage({ genctr: this.genctr }, this.records);
  }

  /** NQNs and identifier of the one Connect seen. */
  connectData(): ReturnType<typeof decodeConnectData> {
    const [connect] = this.of("connect");
    assert(connect !== undefined, "No Connect was seen");
    return decodeConnectData(connect.data);
  }
}

export function response(completion: Partial<Completion> & { cid: number }): Pdu {
  return { kind: "capsuleResp", cqe: encodeCompletion(completion) };
}

export function data(
  cid: number,
  datao: number,
  bytes: Uint8Array,
  flags: "" | "last" | "success" = "",
): Pdu {
  return {
    kind: "c2hData",
    cccid: cid,
    datao,
    last: flags !== "",
    success: flags === "success",
    data: bytes,
    dataDigestFailed: false,
  };
}

/** All data in one PDU, and the response. */
export function readAnswer(cid: number, bytes: Uint8Array): Pdu[] {
  return [data(cid, 0, bytes, "last"), response({ cid })];
}

/** Offset and length that a Get Log Page asks for, bytes, and whether it keeps the event. */
export function logRange(command: Command): { offset: number; bytes: number; retain: boolean } {
  const dwords = ((command.cdw11 & 0xffff) * 0x1_0000) + (command.cdw10 >>> 16) + 1;
  return {
    offset: command.cdw12 + command.cdw13 * 2 ** 32,
    bytes: dwords * 4,
    retain: (command.cdw10 & 0x8000) !== 0,
  };
}

function nameOf(command: Command): CommandName {
  switch (command.opcode) {
    case opcode.fabrics:
      return fabricsName(command);
    case opcode.identify:
      return "identify";
    case opcode.setFeatures:
      return "setFeatures";
    case opcode.asyncEventRequest:
      return "event";
    case opcode.keepAlive:
      return "keepAlive";
    case opcode.getLogPage:
      return "log";
    default:
      return "other";
  }
}

function fabricsName({ fctype, cdw11 }: Command): CommandName {
  if (fctype === fabricsType.connect) return "connect";
  if (fctype === fabricsType.propertySet) return cdw11 === register.cc ? "writeCc" : "other";
  if (fctype !== fabricsType.propertyGet) return "other";
  return cdw11 === register.cap ? "readCap" : cdw11 === register.csts ? "readCsts" : "other";
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

export const emptyBytes = noData;

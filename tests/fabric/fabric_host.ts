/**
 * The host's end for tests of the fabric: builds commands, feeds a machine, decodes what comes back. It checks
 * nothing that a test does not ask for.
 */
import {
  encodeAsyncEventRequest,
  encodeConnect,
  encodeConnectData,
  encodeGetLogPage,
  encodeIdentifyController,
  encodeKeepAlive,
  encodePropertyGet,
  encodePropertySet,
  encodeSetFeatures,
} from "../../src/nvme/command.ts";
import { type Completion, decodeCompletion } from "../../src/nvme/completion.ts";
import { type Digests, Framer } from "../../src/nvme/framer.ts";
import { decodePdu, encodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import { controllerConfiguration, discoveryNqn, logPage, register } from "../../src/nvme/spec.ts";
import { assert } from "../assert.ts";
import { concatBytes } from "./answer.ts";
import type { ControllerMachine } from "./controller_machine.ts";

export const hostA = "nqn.2014-08.org.nvmexpress:uuid:aaaaaaaa-0000-4000-8000-000000000001";
export const hostB = "nqn.2014-08.org.nvmexpress:uuid:bbbbbbbb-0000-4000-8000-000000000002";

export interface Answer {
  readonly completion: Completion;
  readonly data: Uint8Array;
  readonly pdus: readonly Pdu[];
}

export class FabricHost {
  readonly machine: ControllerMachine;
  nowMs = 0;
  /** PDUs of no command that was waited for. */
  readonly others: Pdu[] = [];
  readonly #framer = new Framer("host", 1 << 24);
  #digests: Digests = { header: false, data: false };
  #lastCid = 0;

  constructor(machine: ControllerMachine) {
    this.machine = machine;
  }

  /** Everything that the machine sends now. */
  receive(): Pdu[] {
    const bytes = this.machine.takeBytes();
    if (bytes !== null) this.#framer.push(bytes);
    const pdus: Pdu[] = [];
    for (let frame = this.#framer.next(); frame !== null; frame = this.#framer.next()) {
      pdus.push(decodePdu(frame));
    }
    return pdus;
  }

  send(pdu: Pdu): void {
    this.machine.handleBytes(this.nowMs, encodePdu(pdu, this.#digests));
  }

  /** ICReq and whatever comes back. */
  initialize(digests: Digests = { header: false, data: false }, hpda = 0): Pdu[] {
    this.send({ kind: "icReq", hpda, digests, maxr2t: 0 });
    const pdus = this.receive();
    const [first] = pdus;
    if (first?.kind === "icResp") {
      this.#digests = first.digests;
      this.#framer.setDigests(first.digests);
    }
    return pdus;
  }

  post(encode: (cid: number) => Uint8Array, data: Uint8Array = new Uint8Array(0)): number {
    const cid = ++this.#lastCid;
    this.send({ kind: "capsuleCmd", sqe: encode(cid), data });
    return cid;
  }

  /** One command and its answer, which must come at once. */
  run(encode: (cid: number) => Uint8Array, data?: Uint8Array): Answer {
    const cid = this.post(encode, data);
    const answer = this.answerTo(cid);
    assert(answer !== null, "No answer came");
    return answer;
  }

  /** What has come for this command, or null. SUCCESS on the last data counts as a completion. */
  answerTo(cid: number): Answer | null {
    const pdus: Pdu[] = [];
    const pieces: Uint8Array[] = [];
    let completion: Completion | null = null;
    for (const pdu of this.receive()) {
      if (pdu.kind === "c2hData" && pdu.cccid === cid) {
        pieces.push(pdu.data.slice());
        if (pdu.success) {
          completion = { cid, sqid: 0, sqhd: 0, dw0: 0, dw1: 0, status: 0, dnr: false, more: false, crd: 0 };
        }
      } else if (pdu.kind === "capsuleResp" && decodeCompletion(pdu.cqe).cid === cid) {
        completion = decodeCompletion(pdu.cqe);
      } else {
        this.others.push(pdu);
        continue;
      }
      pdus.push(pdu);
    }
    return completion === null ? null : { completion, data: concatBytes(pieces), pdus };
  }

  connect(
    options: {
      hostnqn?: string;
      subnqn?: string;
      katoMs?: number;
      sqsize?: number;
      cntlid?: number;
      flowControlOff?: boolean;
    } = {},
  ): Answer {
    const { hostnqn = hostA, subnqn = discoveryNqn, katoMs = 10_000, sqsize = 31, cntlid } = options;
    const hostid = new Uint8Array(16).fill(7);
    return this.run((cid) => {
      const sqe = encodeConnect({ cid, sqsize, katoMs });
      if (options.flowControlOff) sqe[46] = 4;
      return sqe;
    }, encodeConnectData({ hostid, subnqn, hostnqn, cntlid }));
  }

  property(offset: number, bytes: 4 | 8 = 4): Completion {
    return this.run((cid) => encodePropertyGet({ cid, offset, bytes })).completion;
  }

  configure(value: number): Completion {
    return this.run((cid) => encodePropertySet({ cid, offset: register.cc, value })).completion;
  }

  /** ICReq, Connect, CC.EN: ready for admin commands. */
  start(options: { hostnqn?: string; katoMs?: number; digests?: Digests } = {}): this {
    this.initialize(options.digests);
    const { completion } = this.connect(options);
    assert(completion.status === 0, `Connect gave status ${completion.status.toString(16)}`);
    this.configure(controllerConfiguration.enable);
    assert((this.property(register.csts).dw0 & 1) === 1, "The controller is not ready");
    return this;
  }

  identify(): Answer {
    return this.run((cid) => encodeIdentifyController({ cid }));
  }

  setFeature(fid: number, value: number): Completion {
    return this.run((cid) => encodeSetFeatures({ cid, fid, value })).completion;
  }

  keepAlive(): Completion {
    return this.run((cid) => encodeKeepAlive({ cid })).completion;
  }

  requestEvent(): number {
    return this.post((cid) => encodeAsyncEventRequest({ cid }));
  }

  readLog(options: { offset?: number; bytes?: number; retain?: boolean; lid?: number } = {}): Answer {
    const { offset = 0, bytes = 1024, retain = false, lid = logPage.discovery } = options;
    return this.run((cid) => encodeGetLogPage({ cid, lid, offset, bytes, retainAsyncEvent: retain }));
  }

  /** Time goes on to there, with every timeout of the machine on the way. */
  advanceTo(nowMs: number): void {
    for (let atMs = this.machine.nextTimeoutMs(); atMs <= nowMs; atMs = this.machine.nextTimeoutMs()) {
      this.nowMs = Math.max(this.nowMs, atMs);
      this.machine.handleTimeout(this.nowMs);
    }
    this.nowMs = nowMs;
  }
}

/**
 * The target's end of one NVMe/TCP connection, without sockets or timers: ICReq, Connect, then commands for a
 * discovery controller. The verbs of every machine here; bytes in, bytes out, the time is told. What it may do
 * wrong is data (`fault.ts`), what differs between targets too (`quirks.ts`).
 *
 * It holds no I/O queue: a port of role `io` answers ICReq, and refuses every Connect.
 */
import { ProtocolError } from "../../src/base/errors.ts";
import { type Command, decodeCommand } from "../../src/nvme/command.ts";
import { type Digests, type Frame, Framer } from "../../src/nvme/framer.ts";
import { decodePdu, encodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import {
  connectDataBytes,
  fabricsType,
  fatalErrorStatus,
  opcode,
  sglType,
  sqeFlagsSgl,
} from "../../src/nvme/spec.ts";
import { concatBytes, encodeAnswer, type Reply, struckBytes } from "./answer.ts";
import { DiscoveryController, expectedSglBytes, logOffset } from "./discovery_controller.ts";
import type { Fabric, FabricConnection, FabricNode } from "./fabric.ts";
import { type Fault, FaultSchedule, type Step, type WireFault } from "./fault.ts";
import { judgeConnect, type PortRole } from "./target_connect.ts";

export interface ControllerMachineOptions {
  readonly fabric: Fabric;
  readonly nodeId: string;
  readonly role?: PortRole;
  /** The node's own faults when left out. */
  readonly faults?: readonly Fault[];
}

export type CloseReason =
  | "host-closed"
  | "node-down"
  | "keep-alive-expired"
  | "protocol-error"
  | "data-digest"
  | "fault";

interface DelayedAnswer {
  readonly atMs: number;
  readonly bytes: Uint8Array;
  /** It does not wait longer than for the next other answer. */
  readonly overtakable: boolean;
}

/** Largest CapsuleCmd: header, the 8192 bytes that always fit, digests. */
const pduBytesMax = 72 + 8192 + 8;
/** Patience after a TermReq that is a fault, ms; NVMe/TCP 1.0 §3.5 allows 30 s. */
const faultTermReqWaitMs = 30_000;

export class ControllerMachine implements FabricConnection {
  /** Called when something elsewhere (a change of the fabric) gave it bytes to send or ended it. */
  onWake: (() => void) | null = null;
  readonly role: PortRole;
  readonly #fabric: Fabric;
  readonly #node: FabricNode;
  readonly #faults: FaultSchedule;
  readonly #framer = new Framer("controller", pduBytesMax);
  #digests: Digests = { header: false, data: false };
  #initialized = false;
  #flowControlOff = false;
  #controller: DiscoveryController | null = null;
  #outgoing: Uint8Array[] = [];
  #delayed: DelayedAnswer[] = [];
  #deaf = false;
  #silent = false;
  #closeAtMs = Infinity;
  #closeReason: CloseReason | null = null;
  #error: ProtocolError | null = null;
  #commands = 0;
  #nowMs = 0;

  constructor(options: ControllerMachineOptions) {
    this.#fabric = options.fabric;
    this.#node = options.fabric.node(options.nodeId);
    this.role = options.role ?? "discovery";
    const { faults } = this.#node;
    // What is told to the node later is for connections made later; but what ends for the node ends here too.
    this.#faults = options.faults !== undefined
      ? new FaultSchedule(options.faults)
      : new FaultSchedule(faults, () => this.#node.faults === faults);
    this.#fabric.attach(this.#node, this);
  }

  /** It has ended the connection, or learned that the host has; bytes may be left to take. */
  get closed(): boolean {
    return this.#closeReason !== null;
  }

  get closeReason(): CloseReason | null {
    return this.#closeReason;
  }

  /** The rule that the host broke, if it did. */
  get error(): ProtocolError | null {
    return this.#error;
  }

  get controller(): DiscoveryController | null {
    return this.#controller;
  }

  get hostnqn(): string | null {
    return this.#controller?.hostnqn ?? null;
  }

  get digests(): Digests {
    return this.#digests;
  }

  /** Capsules received. */
  get commands(): number {
    return this.#commands;
  }

  handleBytes(nowMs: number, chunk: Uint8Array): void {
    this.#nowMs = nowMs;
    if (this.#mute) return;
    try {
      this.#framer.push(chunk);
      while (!this.#mute) {
        const frame = this.#framer.next();
        if (frame === null) return;
        this.#handleFrame(frame);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error);
    }
  }

  get #mute(): boolean {
    return this.closed || this.#deaf || this.#silent;
  }

  handleTimeout(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.closed || this.#silent) return;
    if (nowMs >= this.#closeAtMs) return this.#close("protocol-error");
    this.#sendDelayed(nowMs);
    if (this.#controller?.handleTimeout(nowMs) === "expired") {
      this.#controller.tearDown();
      this.#close("keep-alive-expired");
    }
  }

  /** Everything to send now, or null; also what is left after the end. */
  takeBytes(): Uint8Array | null {
    if (this.#outgoing.length === 0) return null;
    const chunks = this.#outgoing;
    this.#outgoing = [];
    return chunks.length === 1 ? chunks[0]! : concatBytes(chunks);
  }

  nextTimeoutMs(): number {
    if (this.closed || this.#silent) return Infinity;
    let nextMs = Math.min(this.#closeAtMs, this.#controller?.nextTimeoutMs() ?? Infinity);
    for (const { atMs } of this.#delayed) nextMs = Math.min(nextMs, atMs);
    return nextMs;
  }

  /** The host's end is gone. */
  handleClose(_error: Error | null = null): void {
    this.#close("host-closed");
  }

  handleLogChange(): void {
    if (this.#mute) return;
    this.#controller?.handleLogChange();
    this.onWake?.();
  }

  handleNodeDown(): void {
    if (this.closed) return;
    if (!this.#mute) this.#controller?.tearDown();
    this.#close("node-down");
    this.onWake?.();
  }

  #close(reason: CloseReason): void {
    if (this.closed) return;
    this.#closeReason = reason;
    this.#controller = null;
    this.#delayed = [];
    this.#fabric.detach(this.#node, this);
  }

  /** NVMe/TCP 1.0 §3.5: C2HTermReq, nothing after it, and a wait for the host to close; or the end at once. */
  #fail(error: ProtocolError): void {
    this.#error = error;
    const { termReq, termReqWaitMs } = this.#node.quirks;
    if (!termReq || error.fes === 0) return this.#close("protocol-error");
    this.#sendTermReq(error.fes, error.fei, termReqWaitMs);
  }

  #sendTermReq(fes: number, fei: number, waitMs: number): void {
    const { offendingHeader } = this.#framer;
    this.#outgoing.push(encodePdu({ kind: "c2hTermReq", fes, fei, offendingHeader }));
    this.#deaf = true;
    this.#delayed = [];
    this.#closeAtMs = this.#nowMs + waitMs;
  }

  #handleFrame(frame: Frame): void {
    const pdu = decodePdu(frame);
    switch (pdu.kind) {
      case "icReq":
        return this.#handleIcReq(pdu);
      case "capsuleCmd":
        if (!this.#initialized) throw sequenceError("CapsuleCmd before ICReq");
        return this.#handleCapsule(decodeCommand(pdu.sqe), pdu.data, frame.dataDigestFailed);
      case "h2cTermReq":
        return this.#close("protocol-error");
      default:
        throw sequenceError(`${pdu.kind} that nobody asked for`);
    }
  }

  #handleIcReq({ hpda, digests }: Extract<Pdu, { kind: "icReq" }>): void {
    if (this.#initialized) throw sequenceError("second ICReq");
    const { hpdaMustBeZero, maxh2cdata } = this.#node.quirks;
    if (hpdaMustBeZero && hpda !== 0) throw fieldError(`HPDA is ${hpda}`, 10);
    this.#initialized = true;
    const said = { cpda: hpda, maxh2cdata, digests, ...this.#faults.state("icRespFields") };
    const pdu = encodePdu({
      kind: "icResp",
      cpda: said.cpda,
      digests: said.digests,
      maxh2cdata: said.maxh2cdata,
    });
    this.#send("icResp", (faults) => {
      const odd = faults.some(({ kind }) => oddAnswers.has(kind));
      return odd ? encodeAnswer({}, this.#context(0, faults)) : struckBytes(pdu, faults);
    });
    this.#digests = { ...said.digests };
    this.#framer.setDigests(this.#digests);
  }

  #handleCapsule(command: Command, data: Uint8Array, digestFailed: boolean): void {
    this.#commands++;
    const { badDataDigest } = this.#node.quirks;
    if (digestFailed && badDataDigest === null) return this.#close("data-digest");
    const reply = digestFailed ? { status: badDataDigest! } : this.#perform(command, data);
    if (reply !== null) this.#answer(stepOf(command), command.cid, reply);
  }

  #perform(command: Command, data: Uint8Array): Reply | null {
    const refusal = this.#refusal(command);
    if (refusal !== null) return refusal;
    const isConnect = command.opcode === opcode.fabrics && command.fctype === fabricsType.connect;
    if (this.#controller === null) {
      return isConnect ? this.#connect(command, data) : { status: this.#node.quirks.beforeConnect };
    }
    const reply = this.#controller.handleCommand(this.#nowMs, command);
    // A target that compares no lengths moves what the SGL names.
    if (reply?.data === undefined || reply.data.length === command.sglBytes) return reply;
    const resized = new Uint8Array(command.sglBytes);
    resized.set(reply.data.subarray(0, command.sglBytes));
    return { ...reply, data: resized };
  }

  /** Flags and SGL, judged before the command is. */
  #refusal(command: Command): Reply | null {
    const { badFlags, badSglLength, sglBytesMax, termReq } = this.#node.quirks;
    const isConnect = command.opcode === opcode.fabrics && command.fctype === fabricsType.connect;
    if (badFlags !== null && command.flags !== sqeFlagsSgl) return { status: badFlags };
    if (command.sglType !== (isConnect ? sglType.inCapsule : sglType.transport)) {
      if (termReq) throw fieldError(`SGL type is ${command.sglType}`, 47);
      return { status: { status: 0x011, dnr: true } };
    }
    if (command.sglBytes > sglBytesMax) {
      throw new ProtocolError("sgl-length", `SGL names ${command.sglBytes} bytes`, {
        fes: fatalErrorStatus.limitExceeded,
        fei: 40,
      });
    }
    const expected = isConnect ? connectDataBytes : expectedSglBytes(command);
    const wrong = badSglLength !== null && command.sglBytes !== expected;
    return wrong ? { status: badSglLength } : null;
  }

  #connect(command: Command, data: Uint8Array): Reply {
    const [fabric, node] = [this.#fabric, this.#node];
    const verdict = judgeConnect({ fabric, node, role: this.role }, command, data);
    if (!verdict.ok) return verdict.reply;
    const cntlid = fabric.takeCntlid(node);
    this.#flowControlOff = verdict.flowControlOff;
    this.#controller = new DiscoveryController({
      fabric,
      node,
      hostnqn: verdict.hostnqn,
      cntlid,
      katoMs: verdict.katoMs,
      nowMs: this.#nowMs,
      faults: this.#faults,
      complete: (step, cid, reply) => this.#answer(step, cid, reply),
    });
    const authentication = this.#faults.state("authentication") === undefined ? 0 : 1 << 17;
    return { dw0: cntlid | authentication };
  }

  #answer(step: Step, cid: number, reply: Reply): void {
    this.#send(step, (faults) => encodeAnswer(reply, this.#context(cid, faults)));
  }

  #context(cid: number, faults: readonly WireFault[]) {
    const { successFlag, c2hDataBytesMax } = this.#node.quirks;
    return {
      cid,
      // FFFFh says that flow control is off.
      sqhd: this.#flowControlOff ? 0xffff : this.#commands % 32,
      digests: this.#digests,
      dataBytesMax: c2hDataBytesMax,
      successFlag: successFlag === "always" || (successFlag === "flowControlOff" && this.#flowControlOff),
      faults,
    };
  }

  /** Sends what is due; an answer that goes out takes those along that waited to be overtaken. */
  #sendDelayed(nowMs: number, overtaken = false): void {
    if (this.#delayed.length === 0) return;
    const due = this.#delayed.filter(({ atMs, overtakable }) => atMs <= nowMs || (overtaken && overtakable));
    if (due.length === 0) return;
    this.#delayed = this.#delayed.filter((entry) => !due.includes(entry));
    for (const { bytes } of due) this.#outgoing.push(bytes);
    if (!overtaken && due.some(({ overtakable }) => !overtakable)) this.#sendDelayed(nowMs, true);
  }

  /** Sends the answer, or does what the faults of this step want in its place. */
  #send(step: Step, encode: (faults: readonly WireFault[]) => Uint8Array): void {
    if (this.closed || this.#silent || this.#deaf) return;
    const faults = this.#faults.strike(step);
    let delayMs = 0;
    for (const fault of faults) {
      if (fault.kind === "noAnswer") return;
      if (fault.kind === "close") return this.#close("fault");
      if (fault.kind === "delay") delayMs += fault.ms;
      if (fault.kind === "termReq") {
        const { fes = fatalErrorStatus.invalidHeaderField, fei = 0 } = fault;
        return this.#sendTermReq(fes, fei, faultTermReqWaitMs);
      }
      if (fault.kind === "silent") {
        this.#silent = true;
        return;
      }
    }
    const bytes = encode(faults);
    const overtakable = faults.some(({ kind }) => kind === "reorder");
    const atMs = this.#nowMs + (overtakable ? reorderMsMax : delayMs);
    if (atMs > this.#nowMs) this.#delayed.push({ atMs, bytes, overtakable });
    else {
      this.#outgoing.push(bytes);
      this.#sendDelayed(this.#nowMs, true);
    }
    if (faults.some(({ kind }) => kind === "truncate")) this.#close("fault");
  }
}

/** An answer that waits to be overtaken comes after this, ms, if none overtakes it. */
const reorderMsMax = 200;

/** Faults that put another PDU, or none, where ICResp should be. */
const oddAnswers: ReadonlySet<WireFault["kind"]> = new Set<WireFault["kind"]>(["garbage", "r2t", "status"]);

const stepOfOpcode: Readonly<Record<number, Step>> = {
  [opcode.identify]: "identify",
  [opcode.setFeatures]: "setFeatures",
  [opcode.getFeatures]: "getFeatures",
  [opcode.asyncEventRequest]: "asyncEvent",
  [opcode.keepAlive]: "keepAlive",
};

function stepOf(command: Command): Step {
  if (command.opcode === opcode.getLogPage) return logOffset(command) === 0 ? "logHeader" : "logRecords";
  if (command.opcode !== opcode.fabrics) return stepOfOpcode[command.opcode] ?? "other";
  if (command.fctype === fabricsType.connect) return "connect";
  if (command.fctype === fabricsType.propertyGet) return "propertyGet";
  return command.fctype === fabricsType.propertySet ? "propertySet" : "other";
}

function sequenceError(what: string): ProtocolError {
  return new ProtocolError("pdu-sequence", `Unexpected PDU: ${what}`, {
    fes: fatalErrorStatus.sequenceError,
  });
}

function fieldError(what: string, fei: number): ProtocolError {
  return new ProtocolError("pdu-field", `Bad field: ${what}`, {
    fes: fatalErrorStatus.invalidHeaderField,
    fei,
  });
}

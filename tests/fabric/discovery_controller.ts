/**
 * One discovery controller behind an admin queue: properties, Identify, features, events with masking, keep alive,
 * the discovery log. Commands in, replies out; the connection below is `controller_machine.ts`. Reads no clock.
 */
import type { Command } from "../../src/nvme/command.ts";
import { encodeIdentifyControllerData } from "../../src/nvme/identify.ts";
import {
  discoveryChangeBit,
  discoveryChangeEvent,
  fabricsType,
  feature,
  identifyBytes,
  logPage,
  opcode,
  register,
} from "../../src/nvme/spec.ts";
import type { Reply } from "./answer.ts";
import type { Fabric, FabricNode } from "./fabric.ts";
import { servedLogPage } from "./fabric_log.ts";
import type { FaultSchedule, Step } from "./fault.ts";
import type { Quirks, StatusQuirk } from "./quirks.ts";

export interface DiscoveryControllerOptions {
  readonly fabric: Fabric;
  readonly node: FabricNode;
  readonly hostnqn: string;
  readonly cntlid: number;
  /** As Connect asked, ms. */
  readonly katoMs: number;
  readonly nowMs: number;
  readonly faults: FaultSchedule;
  /** Completes an event request that was left pending. */
  readonly complete: (step: Step, cid: number, reply: Reply) => void;
}

const csts = { ready: 1, fatal: 2, shutdownOccurring: 4, shutdownComplete: 8 } as const;
const cc = { enable: 1, shutdownMask: 0xc000, pageSizeMask: 0x780, arbitrationMask: 0x3800 } as const;
/** CAP dw0: MQES 127, CQR; TO stands above. CAP dw1: CSS, the NVM command set. */
const capLow = 0x0001_007f;
const capHigh = 0x0000_0020;
/** What stands behind the log in a careless target's memory. */
const foreignByte = 0xa5;

const success: Reply = {};
const keepAliveInvalid: StatusQuirk = { status: 0x01a, dnr: false };

export class DiscoveryController {
  readonly hostnqn: string;
  readonly cntlid: number;
  readonly #options: DiscoveryControllerOptions;
  readonly #quirks: Quirks;
  #configuration = 0;
  #status = 0;
  #katoMs: number;
  #expiresAtMs = Infinity;
  #commandSeen = false;
  #eventBits: number;
  #masked = false;
  #eventPending = false;
  readonly #eventRequests: number[] = [];
  #movesLeft: number;

  constructor(options: DiscoveryControllerOptions) {
    this.#options = options;
    this.#quirks = options.node.quirks;
    this.hostnqn = options.hostnqn;
    this.cntlid = options.cntlid;
    const { eventsByDefault, katoZeroMs } = this.#quirks;
    this.#katoMs = options.katoMs === 0 ? katoZeroMs : this.#roundKato(options.katoMs);
    this.#eventBits = eventsByDefault === "onWithKato" && options.katoMs > 0 ? discoveryChangeBit : 0;
    this.#movesLeft = options.faults.state("generationMoves")?.reads ?? 0;
    this.#startKeepAlive(options.nowMs);
  }

  /** Keep alive timeout in force, ms; 0 for none. */
  get katoMs(): number {
    return this.#katoMs;
  }

  /** An event was raised and no log read has cleared it. */
  get masked(): boolean {
    return this.#masked;
  }

  get eventRequests(): number {
    return this.#eventRequests.length;
  }

  /** Null: the completion comes later, or never. */
  handleCommand(nowMs: number, command: Command): Reply | null {
    this.#commandSeen = true;
    if (command.opcode === opcode.fabrics) return this.#handleFabrics(nowMs, command);
    if ((this.#status & csts.ready) === 0) return { status: this.#quirks.notReady };
    if (this.#quirks.badNsid !== null && command.nsid !== 0) return { status: this.#quirks.badNsid };
    switch (command.opcode) {
      case opcode.identify:
        return this.#identify(command);
      case opcode.getLogPage:
        return this.#getLogPage(command);
      case opcode.setFeatures:
        return this.#setFeatures(nowMs, command);
      case opcode.getFeatures:
        return this.#getFeatures(command);
      case opcode.asyncEventRequest:
        return this.#requestEvent(command);
      case opcode.keepAlive:
        return this.#keepAlive(nowMs);
      case opcode.abort:
        // dw0 bit 0: the command was not aborted.
        return { dw0: 1 };
      default:
        return { status: this.#quirks.badOpcode };
    }
  }

  #handleFabrics(nowMs: number, command: Command): Reply {
    switch (command.fctype) {
      case fabricsType.propertyGet:
        return this.#getProperty(command);
      case fabricsType.propertySet:
        return this.#setProperty(nowMs, command);
      case fabricsType.connect:
        return { status: { status: 0x00c, dnr: true } };
      default:
        return { status: this.#quirks.badOpcode };
    }
  }

  /** 8 bytes for CAP alone, 4 bytes for the rest (Linux target/fabrics-cmd.c). */
  #getProperty({ cdw10, cdw11: offset }: Command): Reply {
    const wide = (cdw10 & 7) === 1;
    if (wide !== (offset === register.cap)) return { status: this.#quirks.badField };
    switch (offset) {
      case register.cap:
        return { dw0: (capLow | (this.#quirks.capTimeout << 24)) >>> 0, dw1: capHigh };
      case register.vs:
        return { dw0: this.#quirks.version };
      case register.cc:
        return { dw0: this.#configuration };
      case register.csts:
        return { dw0: this.#status };
      default:
        return { status: this.#quirks.badField };
    }
  }

  #setProperty(nowMs: number, { cdw10, cdw11: offset, cdw12: value }: Command): Reply {
    if ((cdw10 & 7) !== 0 || offset !== register.cc) return { status: this.#quirks.badField };
    const before = this.#configuration;
    this.#configuration = value;
    const rises = (bits: number) => (before & bits) === 0 && (value & bits) !== 0;
    if (rises(cc.enable)) this.#enable(nowMs, value);
    if ((before & cc.enable) !== 0 && (value & cc.enable) === 0) {
      this.#status = 0;
      this.#configuration = 0;
    }
    if (rises(cc.shutdownMask)) {
      const stuck = this.#options.faults.state("neverShutDown") !== undefined;
      this.#status = stuck ? this.#status | csts.shutdownOccurring : csts.shutdownComplete;
    }
    return success;
  }

  #enable(nowMs: number, value: number): void {
    const { faults } = this.#options;
    const unusable = (value & (cc.pageSizeMask | cc.arbitrationMask)) !== 0;
    if (unusable || faults.state("fatalStatus") !== undefined) this.#status = csts.fatal;
    else if (faults.state("neverReady") === undefined) this.#status = csts.ready;
    this.#startKeepAlive(nowMs);
  }

  #identify({ cdw10 }: Command): Reply {
    if ((cdw10 & 0xff) !== 1) return { status: this.#quirks.badField };
    const { node, faults } = this.#options;
    const { sn, mn, version, mdts, aerl, ctratt } = this.#quirks;
    const data = encodeIdentifyControllerData({
      sn,
      mn,
      fr: "1.0",
      mdts,
      aerl,
      ctratt,
      cntlid: faults.state("otherCntlid") === undefined ? this.cntlid : this.cntlid ^ 1,
      ver: version,
      oaes: discoveryChangeBit,
      cntrltype: faults.state("controllerType")?.cntrltype ?? 2,
      lpa: 4,
      maxcmd: 128,
      sgls: 0x0010_0001,
      subnqn: node.discoveryNqn,
    });
    return { data };
  }

  #getLogPage(command: Command): Reply {
    const { cdw10 } = command;
    const isDiscovery = (cdw10 & 0xff) === logPage.discovery;
    const retain = (cdw10 & 0x8000) !== 0;
    const data = isDiscovery ? this.#readLog(command) : null;
    const refused = data === null && !this.#quirks.refusedReadUnmasks;
    if (isDiscovery && !retain && !refused) this.#masked = false;
    if (!isDiscovery) return { status: this.#quirks.badLogPage };
    if (data === null) return { status: this.#quirks.badField };
    if (this.#movesLeft > 0) {
      this.#movesLeft--;
      this.#options.fabric.touch(this.#options.node.id);
    }
    return { data };
  }

  /** Null when the offset is refused. */
  #readLog(command: Command): Uint8Array | null {
    const { fabric, node, faults } = this.#options;
    const offset = logOffset(command);
    const header = {
      numrec: faults.state("recordCount")?.numrec,
      recfmt: faults.state("recordFormat")?.recfmt,
    };
    const page = servedLogPage(fabric, node, this.hostnqn, header);
    const foreign = this.#quirks.logPastEnd === "foreignMemory";
    if (offset % 4 !== 0 || (!foreign && offset >= page.length)) return null;
    const length = logBytes(command);
    // The usual read needs no copy: a page never changes.
    if (offset + length <= page.length) return page.subarray(offset, offset + length);
    const data = new Uint8Array(length).fill(foreign ? foreignByte : 0);
    data.set(page.subarray(offset));
    return data;
  }

  #setFeatures(nowMs: number, { cdw10, cdw11: value }: Command): Reply {
    const { badField, eventBits, katoZeroFeature, katoFeatureResult } = this.#quirks;
    switch (cdw10 & 0xff) {
      case feature.asyncEventConfig:
        if ((value & ~eventBits) !== 0) return { status: badField };
        this.#eventBits = value;
        return success;
      case feature.keepAliveTimer:
        if (value === 0 && katoZeroFeature !== null) return { status: katoZeroFeature };
        this.#katoMs = this.#roundKato(value);
        this.#startKeepAlive(nowMs);
        return { dw0: katoFeatureResult === "seconds" ? this.#katoMs / 1_000 : 0 };
      default:
        return { status: badField };
    }
  }

  #getFeatures({ cdw10 }: Command): Reply {
    switch (cdw10 & 0xff) {
      case feature.asyncEventConfig:
        return { dw0: this.#eventBits };
      case feature.keepAliveTimer:
        return { dw0: this.#katoMs };
      default:
        return { status: this.#quirks.badField };
    }
  }

  #requestEvent({ cid }: Command): Reply | null {
    const { eventRequestsMax, eventLimit } = this.#quirks;
    if (this.#eventRequests.length >= eventRequestsMax) return { status: eventLimit };
    this.#eventRequests.push(cid);
    this.#deliverEvent();
    return null;
  }

  /** After one event further ones are dropped, not queued, until a log read with RAE 0 clears the mask. */
  handleLogChange(): void {
    if ((this.#eventBits & discoveryChangeBit) === 0 || this.#masked) return;
    this.#masked = true;
    this.#eventPending = true;
    this.#deliverEvent();
  }

  #deliverEvent(): void {
    if (!this.#eventPending) return;
    const cid = this.#eventRequests.shift();
    if (cid === undefined) return;
    this.#eventPending = false;
    this.#options.complete("asyncEvent", cid, { dw0: discoveryChangeEvent });
  }

  /** The controller goes; what waits is failed where the target does that. */
  tearDown(): void {
    this.#expiresAtMs = Infinity;
    const { eventsAtTeardown } = this.#quirks;
    for (const cid of this.#eventRequests.splice(0)) {
      if (eventsAtTeardown !== null) {
        this.#options.complete("asyncEvent", cid, { status: eventsAtTeardown });
      }
    }
  }

  #roundKato(ms: number): number {
    const { katoStepMs } = this.#quirks;
    return Math.ceil(ms / katoStepMs) * katoStepMs;
  }

  #startKeepAlive(nowMs: number): void {
    this.#commandSeen = false;
    this.#expiresAtMs = this.#katoMs === 0 ? Infinity : nowMs + this.#katoMs;
  }

  #keepAlive(nowMs: number): Reply {
    if (this.#katoMs === 0) return { status: keepAliveInvalid };
    this.#startKeepAlive(nowMs);
    return success;
  }

  nextTimeoutMs(): number {
    return this.#expiresAtMs;
  }

  /** Whether the keep alive timer has run out. A target that counts any command grants one more period for one. */
  handleTimeout(nowMs: number): "alive" | "expired" {
    if (nowMs < this.#expiresAtMs) return "alive";
    if (this.#quirks.katoResetBy !== "anyCommand" || !this.#commandSeen) return "expired";
    this.#startKeepAlive(nowMs);
    return "alive";
  }
}

/** Bytes that Get Log Page asks for (NUMD is 0-based dwords). */
export function logBytes({ cdw10, cdw11 }: Command): number {
  return ((cdw10 >>> 16) + (cdw11 & 0xffff) * 0x1_0000 + 1) * 4;
}

export function logOffset({ cdw12, cdw13 }: Command): number {
  return cdw12 + cdw13 * 2 ** 32;
}

/** Bytes that a command's SGL must name for a target that compares. */
export function expectedSglBytes(command: Command): number {
  if (command.opcode === opcode.identify) return identifyBytes;
  return command.opcode === opcode.getLogPage ? logBytes(command) : 0;
}

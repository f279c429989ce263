/**
 * From an established connection to an enabled discovery controller: Connect, CAP, CC.EN, CSTS.RDY, Identify, and
 * the event configuration; in the order of NVMe Base 2.1 §3.5.1 and the Linux host. And the way back: CC.SHN.
 *
 * Sans-I/O: it submits to an AdminQueue and is called back. Any error status on the way ends the connection, except
 * for Set Features: a controller without events still has a log.
 */
import { ProtocolError, TimeoutError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import {
  encodeConnect,
  encodeConnectData,
  encodeIdentifyController,
  encodePropertyGet,
  encodePropertySet,
  encodeSetFeatures,
} from "../nvme/command.ts";
import { decodeIdentifyController, type IdentifyController } from "../nvme/identify.ts";
import { controllerConfiguration, discoveryChangeBit, feature, register } from "../nvme/spec.ts";
import type { AdminQueue } from "./admin_queue.ts";

export interface HostParameters {
  readonly hostnqn: string;
  /** 16 bytes. */
  readonly hostid: Uint8Array;
  /** Discovery NQN to connect to. */
  readonly subnqn: string;
  /** Keep Alive Timeout, ms, not zero: it is what makes the connection a persistent one (NVMe Base 2.1 §3.1.3.3). */
  readonly katoMs: number;
  /** False: nobody waits for changes, and no events are asked for. */
  readonly events?: boolean;
}

/** What was answered on the way to an enabled controller. */
export type SetupStep = "icresp" | "connect" | "identify";

export interface ControllerReady {
  readonly cntlid: number;
  readonly identify: IdentifyController;
  /** The controller took the event configuration. */
  readonly eventsConfigured: boolean;
}

/** CSTS bits (NVMe Base 2.1 Figure "Controller Status"). */
const csts = { ready: 1, fatal: 2, shutdownMask: 0xc, shutdownComplete: 0x8 } as const;
/** Of the answer to a Connect, dw0 (Figure "Connect Response"): ATR and ASCR, authentication demanded. */
const authenticationMask = 0x0006_0000;

export function demandsAuthentication(dw0: number): boolean {
  return (dw0 & authenticationMask) !== 0;
}

export class ControllerSetup {
  readonly #queue: AdminQueue;
  readonly #host: HostParameters;
  readonly #onReady: (ready: ControllerReady, nowMs: number) => void;
  readonly #onStep: (step: SetupStep, nowMs: number) => void;
  #cntlid = 0;
  #poll: { atMs: number; delayMs: number; deadlineMs: number; timeoutText: string; done: number } | null =
    null;
  #onShutdown: (() => void) | null = null;

  constructor(
    queue: AdminQueue,
    host: HostParameters,
    onReady: (ready: ControllerReady, nowMs: number) => void,
    onStep: (step: SetupStep, nowMs: number) => void = () => {},
  ) {
    this.#queue = queue;
    this.#host = host;
    this.#onReady = onReady;
    this.#onStep = onStep;
  }

  /** To be called once, when the connection is established. */
  start(nowMs: number): void {
    const { hostnqn, hostid, subnqn, katoMs } = this.#host;
    this.#queue.submit(nowMs, {
      action: `connect to the discovery subsystem as ${hostnqn}`,
      encode: (cid) => encodeConnect({ cid, sqsize: limits.adminQueueEntries - 1, katoMs }),
      data: encodeConnectData({ hostid, subnqn, hostnqn }),
      timeoutMs: limits.commandTimeoutMs,
      onSuccess: ({ dw0 }, _data, at) => {
        if (demandsAuthentication(dw0)) {
          throw new ProtocolError(
            "authentication-required",
            "Controller demands in-band authentication for discovery, which this version does not do",
          );
        }
        this.#onStep("connect", at);
        this.#cntlid = dw0 & 0xffff;
        this.#readCapabilities(at);
      },
    });
  }

  #readCapabilities(nowMs: number): void {
    this.#queue.submit(nowMs, {
      action: "read CAP",
      encode: (cid) => encodePropertyGet({ cid, offset: register.cap, bytes: 8 }),
      timeoutMs: limits.commandTimeoutMs,
      onSuccess: ({ dw0 }, _data, at) => {
        // CAP.TO counts 500 ms; one more unit as the Linux host allows.
        const timeoutMs = Math.min(((dw0 >>> 24) + 1) * 500, limits.readyTimeoutMsMax);
        this.#writeConfiguration(at, "enable the controller", controllerConfiguration.enable, (writtenMs) => {
          const timeoutText = `Controller not ready within ${timeoutMs} ms (CAP.TO)`;
          this.#startPoll(writtenMs, timeoutMs, csts.ready, timeoutText);
        });
      },
    });
  }

  #writeConfiguration(
    nowMs: number,
    action: string,
    value: number,
    onWritten: (nowMs: number) => void,
  ): void {
    this.#queue.submit(nowMs, {
      action,
      encode: (cid) => encodePropertySet({ cid, offset: register.cc, value }),
      timeoutMs: limits.commandTimeoutMs,
      onSuccess: (_completion, _data, at) => onWritten(at),
    });
  }

  #startPoll(nowMs: number, timeoutMs: number, done: number, timeoutText: string): void {
    this.#poll = {
      atMs: Infinity,
      delayMs: limits.statusPollMs,
      deadlineMs: nowMs + timeoutMs,
      timeoutText,
      done,
    };
    this.#readStatus(nowMs);
  }

  #readStatus(nowMs: number): void {
    this.#queue.submit(nowMs, {
      action: "read CSTS",
      encode: (cid) => encodePropertyGet({ cid, offset: register.csts, bytes: 4 }),
      timeoutMs: limits.commandTimeoutMs,
      onSuccess: ({ dw0 }, _data, at) => this.#handleStatus(at, dw0),
    });
  }

  #handleStatus(nowMs: number, status: number): void {
    const poll = this.#poll;
    if (poll === null) return;
    if ((status & csts.fatal) !== 0) {
      throw new ProtocolError("controller-fatal", "Controller reports a fatal error (CSTS.CFS)");
    }
    const mask = poll.done === csts.ready ? csts.ready : csts.shutdownMask;
    if ((status & mask) === poll.done) {
      this.#poll = null;
      return poll.done === csts.ready ? this.#identify(nowMs) : this.#onShutdown?.();
    }
    if (nowMs >= poll.deadlineMs) throw new TimeoutError("ready", poll.timeoutText);
    poll.atMs = Math.min(nowMs + poll.delayMs, poll.deadlineMs);
    poll.delayMs = Math.min(poll.delayMs * 2, limits.statusPollMs * 10);
  }

  #identify(nowMs: number): void {
    this.#queue.submit(nowMs, {
      action: "identify the controller",
      encode: (cid) => encodeIdentifyController({ cid }),
      readBytes: 4096,
      timeoutMs: limits.commandTimeoutMs,
      onSuccess: (_completion, data, at) => {
        if (data.length < 4096) {
          throw new ProtocolError("identify-short", `Identify data is ${data.length} bytes, expected 4096`);
        }
        const identify = decodeIdentifyController(data);
        this.#checkIdentity(identify);
        this.#onStep("identify", at);
        this.#configureEvents(at, identify);
      },
    });
  }

  #checkIdentity(identify: IdentifyController): void {
    if (identify.cntlid !== this.#cntlid) {
      throw new ProtocolError(
        "cntlid-mismatch",
        `Identify says controller ${identify.cntlid}, Connect said ${this.#cntlid}`,
      );
    }
    // 0 is what controllers older than NVMe 1.4 report.
    if (identify.cntrltype !== 2 && identify.cntrltype !== 0) {
      throw new ProtocolError(
        "not-discovery",
        `Controller is of type ${identify.cntrltype}, expected a discovery controller (2)`,
      );
    }
  }

  /** Bit 31 alone: nvmet refuses any other (Base 2.1 §5.1.25.1.5 "Asynchronous Event Configuration"). */
  #configureEvents(nowMs: number, identify: IdentifyController): void {
    const done = (eventsConfigured: boolean, at: number) =>
      this.#onReady({ cntlid: this.#cntlid, identify, eventsConfigured }, at);
    if (this.#host.events === false) return done(false, nowMs);
    this.#queue.submit(nowMs, {
      action: "enable discovery log change events",
      encode: (cid) => encodeSetFeatures({ cid, fid: feature.asyncEventConfig, value: discoveryChangeBit }),
      timeoutMs: limits.commandTimeoutMs,
      onSuccess: (_completion, _data, at) => done(true, at),
      onStatus: (_completion, at) => done(false, at),
    });
  }

  /** Normal shutdown (Base 2.1 §3.6.2); `onDone` once the controller says so. */
  shutdown(nowMs: number, onDone: () => void): void {
    this.#onShutdown = onDone;
    this.#writeConfiguration(
      nowMs,
      "shut the controller down",
      controllerConfiguration.shutdownNormal,
      (writtenMs) => {
        const text = `Controller not shut down within ${limits.shutdownTimeoutMs} ms`;
        this.#startPoll(writtenMs, limits.shutdownTimeoutMs, csts.shutdownComplete, text);
      },
    );
  }

  handleTimeout(nowMs: number): void {
    if (this.#poll === null || nowMs < this.#poll.atMs) return;
    this.#poll.atMs = Infinity;
    this.#readStatus(nowMs);
  }

  nextTimeoutMs(): number {
    return this.#poll?.atMs ?? Infinity;
  }
}

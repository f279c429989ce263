/**
 * Whether a subsystem answers a Connect of this host: ICReq, ICResp, Connect, its completion, done. Asked only where
 * the kernel's own connect has failed, since it takes a controller from the target for that moment. A target that
 * says nothing would hold the kernel for a minute; one that refuses tells us why, where the kernel says EIO. Sans-I/O.
 *
 * It enables nothing, reads nothing and does not authenticate: a demand to authenticate is an answer too, and perhaps
 * what the kernel failed at. The controller goes with the connection (NVMe over Fabrics 1.1 §2.2). It does not judge: the kernel has the last word.
 */
import { AgentError, ProtocolError, TransportError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { encodeConnect, encodeConnectData } from "../nvme/command.ts";
import { statusError } from "../nvme/status.ts";
import { AdminQueue } from "./admin_queue.ts";
import { demandsAuthentication, type HostParameters } from "./controller_setup.ts";

/** `refusal`: NvmeStatusError with the target's status, or what it demands beyond a Connect; null for success. */
export type TrialResult =
  | { readonly ok: true; readonly refusal: AgentError | null }
  | { readonly ok: false; readonly error: Error };

export class ConnectTrial {
  readonly #queue: AdminQueue;
  readonly #host: HostParameters;
  #started = false;
  #result: TrialResult | null = null;

  /** To be made once the connection stands. `host.subnqn` is the subsystem's. */
  constructor(nowMs: number, host: HostParameters) {
    this.#queue = new AdminQueue(nowMs);
    this.#host = host;
  }

  /** The outcome, once there is one. */
  get result(): TrialResult | null {
    return this.#result;
  }

  handleBytes(nowMs: number, chunk: Uint8Array): void {
    this.#guard(() => {
      this.#queue.handleBytes(nowMs, chunk);
      if (this.#queue.established && !this.#started) this.#connect(nowMs);
    });
  }

  handleClose(error: Error | null): void {
    const message = this.#started
      ? "Connection closed instead of an answer to Connect"
      : "Connection closed before ICResp";
    this.#result ??= { ok: false, error: error ?? new TransportError("closed", message) };
  }

  handleTimeout(nowMs: number): void {
    this.#guard(() => this.#queue.handleTimeout(nowMs));
  }

  nextTimeoutMs(): number {
    return this.#result === null ? this.#queue.nextTimeoutMs() : Infinity;
  }

  takeBytes(): Uint8Array | null {
    return this.#result?.ok === true ? null : this.#queue.takeBytes();
  }

  #connect(nowMs: number): void {
    this.#started = true;
    const { hostnqn, hostid, subnqn, katoMs } = this.#host;
    this.#queue.submit(nowMs, {
      action: `connect to ${subnqn} as ${hostnqn}`,
      encode: (cid) => encodeConnect({ cid, sqsize: limits.adminQueueEntries - 1, katoMs }),
      data: encodeConnectData({ hostid, subnqn, hostnqn }),
      timeoutMs: limits.commandTimeoutMs,
      onSuccess: ({ dw0 }) => {
        this.#result = { ok: true, refusal: demandsAuthentication(dw0) ? authenticationDemand() : null };
      },
      onStatus: (completion) => {
        const refusal = statusError("The target refuses our own Connect", completion);
        this.#result = { ok: true, refusal };
      },
    });
  }

  #guard(step: () => void): void {
    if (this.#result !== null) return;
    try {
      step();
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#result = { ok: false, error };
    }
  }
}

function authenticationDemand(): AgentError {
  const message = "The target demands DH-CHAP authentication: host and target need the same secrets";
  return new ProtocolError("authentication-required", message);
}

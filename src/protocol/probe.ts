/**
 * Whether an NVMe/TCP controller answers at an I/O port: ICReq, ICResp, done. It takes no queue and no controller
 * from the target, and tells a dead address, a foreign service and a frozen target from a living one before the
 * kernel, which performs its connects one after the other, is asked. Sans-I/O.
 */
import { AgentError, TimeoutError, TransportError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { Transport } from "./transport.ts";

export interface ProbeOptions {
  /** A port that wants TLS does not answer a plain ICReq: that it is open must do, and nothing is asked. */
  readonly openPortSuffices?: boolean;
}

export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly error: Error };

export class Probe {
  readonly #transport = new Transport();
  readonly #deadlineMs: number;
  #result: ProbeResult | null = null;

  /** To be made once the connection stands. */
  constructor(nowMs: number, { openPortSuffices = false }: ProbeOptions = {}) {
    this.#deadlineMs = nowMs + limits.icrespTimeoutMs;
    if (openPortSuffices) this.#result = { ok: true };
  }

  /** The outcome, once there is one. */
  get result(): ProbeResult | null {
    return this.#result;
  }

  handleBytes(_nowMs: number, chunk: Uint8Array): void {
    if (this.#result !== null) return;
    try {
      this.#transport.handleBytes(chunk, () => {});
      if (this.#transport.established) this.#result = { ok: true };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#result = { ok: false, error };
    }
  }

  handleClose(error: Error | null): void {
    this.#result ??= {
      ok: false,
      error: error ?? new TransportError("closed", "Connection closed before ICResp"),
    };
  }

  handleTimeout(nowMs: number): void {
    if (nowMs < this.#deadlineMs || this.#result !== null) return;
    const message = `No ICResp within ${limits.icrespTimeoutMs} ms`;
    this.#result = { ok: false, error: new TimeoutError("icresp", message) };
  }

  nextTimeoutMs(): number {
    return this.#result === null ? this.#deadlineMs : Infinity;
  }

  takeBytes(): Uint8Array | null {
    return this.#result?.ok === true ? null : this.#transport.takeBytes();
  }
}

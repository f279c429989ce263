/**
 * Whether an NVMe/TCP controller answers at an I/O port: ICReq, ICResp, done. It takes no queue and no controller
 * from the target, and tells a dead address, a foreign service and a frozen target from a living one before the
 * kernel, which performs its connects one after the other, is asked. Sans-I/O.
 */
import { TimeoutError, TransportError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { Transport } from "./transport.ts";

export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly error: Error };

export class Probe {
  readonly #transport = new Transport();
  readonly #deadlineMs: number;
  #result: ProbeResult | null = null;

  constructor(nowMs: number) {
    this.#deadlineMs = nowMs + limits.icrespTimeoutMs;
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
      if (!(error instanceof Error) || !("code" in error)) throw error;
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
    return this.#transport.takeBytes();
  }
}

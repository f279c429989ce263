/**
 * When to try again: the one place that turns a failure into a delay. Retrying never ends; a refusal with Do Not
 * Retry ("not this attempt") or by configuration only slows it down, because access lists and settings change.
 */
import { backoffDelayMs } from "../base/backoff.ts";
import { errorCode, errorText, KernelError, NvmeStatusError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import type { Failure } from "./facts.ts";

/** Connect Controller Busy. */
const statusControllerBusy = 0x181;

export function toFailure(error: unknown, nowMs: number): Failure {
  return { code: errorCode(error), message: errorText(error), atMs: nowMs };
}

/** Delay before the next session attempt, ms; `failures` counts this one, from 1. */
export function sessionRetryDelayMs(
  options: { error: unknown; failures: number; reconnectIntervalMs: number; random: Random },
): number {
  const { error, failures, reconnectIntervalMs, random } = options;
  const maxMs = limits.sessionRetryMsMax;
  const delayMs = backoffDelayMs({ failures, baseMs: reconnectIntervalMs, maxMs, random });
  // nvmet sets Do Not Retry on "busy" too, when its controller ids are used up: that passes by itself.
  const refused = error instanceof NvmeStatusError && error.dnr && error.status !== statusControllerBusy;
  return refused ? Math.max(delayMs, limits.refusedRetryMsMin) : delayMs;
}

/** Delay before the next connect of a path, ms. */
export function connectRetryDelayMs(options: { error: unknown; failures: number; random: Random }): number {
  const { error, failures, random } = options;
  const baseMs = limits.connectRetryMsBase;
  const delayMs = backoffDelayMs({ failures, baseMs, maxMs: limits.connectRetryMsMax, random });
  // EINVAL is about options and identities: it changes when somebody changes them, not by itself.
  const settled = error instanceof KernelError && error.code === "EINVAL";
  return settled ? Math.max(delayMs, limits.refusedRetryMsMin) : delayMs;
}

/** Delay before the next probe of an address or look-up of a name, ms. */
export function probeRetryDelayMs(options: { failures: number; random: Random }): number {
  const baseMs = limits.connectRetryMsBase;
  return backoffDelayMs({ ...options, baseMs, maxMs: limits.connectRetryMsMax / 2 });
}

const addressFailures = new Set([
  "ECONNREFUSED",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ECONNRESET",
  "ENOTCONN",
]);

/** Whether a failed connect says something about the address rather than about the subsystem. */
export function isAddressFailure(error: unknown): boolean {
  return error instanceof KernelError && addressFailures.has(error.code);
}

const unreachableCodes = new Set([
  "ECONNREFUSED",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ETIMEDOUT",
  "dial",
  "icresp",
]);

/** Whether nobody answered at all: another answer of the same host makes it worth asking again. */
export function isUnreachable({ code }: Failure): boolean {
  return unreachableCodes.has(code);
}

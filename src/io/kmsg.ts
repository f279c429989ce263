/**
 * The kernel's log (/dev/kmsg): what it says about NVMe from a moment on. Opened without waiting, read without
 * waiting. Where it is not to be had (a container without the device, no permission, no FFI) there is none, silently:
 * it explains, nothing depends on it.
 */
import { KernelError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { KernelLog, KernelLogTail, KernelMessage } from "../model/world.ts";
import { joinKmsgRecords, type KmsgRecord, parseKmsgRecord } from "./kmsg_record.ts";
import { closeDescriptor, openAtEnd, openAtStart, readNow } from "./libc.ts";

/** What the C library does for us; tests bring another. */
export interface KmsgCalls {
  /** A descriptor that reads what is written from now on. Throws KernelError. */
  open(path: string): number;
  /** One record; null when there is none. Throws KernelError: `EPIPE` when records were overwritten meanwhile. */
  read(fd: number, buffer: Uint8Array<ArrayBuffer>): number | null;
  close(fd: number): void;
}

const realCalls: KmsgCalls = { open: openAtEnd, read: readNow, close: closeDescriptor };

export class Kmsg implements KernelLog {
  readonly #path: string;
  readonly #calls: KmsgCalls;

  constructor(path = "/dev/kmsg", calls = realCalls) {
    this.#path = path;
    this.#calls = calls;
  }

  listen(): KernelLogTail | null {
    const calls = this.#calls;
    let fd: number;
    try {
      fd = calls.open(this.#path);
    } catch {
      return null;
    }
    let isOpen = true;
    return {
      take: () => isOpen ? readMessages(calls, fd) : [],
      close(): void {
        if (isOpen) calls.close(fd);
        isOpen = false;
      },
    };
  }
}

/** What nvme-fabrics, nvme-tcp and their controllers say; not the target, which may be in the same kernel. */
function isAboutHost(text: string): boolean {
  return /^(nvme|nvme[_-](core|fabrics|tcp|auth|keyring))\b/.test(text);
}

function readMessages(calls: KmsgCalls, fd: number): readonly KernelMessage[] {
  const buffer = new Uint8Array(limits.kmsgRecordBytesMax);
  const records: KmsgRecord[] = [];
  for (let count = 0; count < limits.kmsgRecordsMax; count++) {
    let length: number | null;
    try {
      length = calls.read(fd, buffer);
    } catch (error) {
      // The next read goes on with the oldest record that is left.
      if (error instanceof KernelError && error.code === "EPIPE") continue;
      break;
    }
    if (length === null || length === 0) break;
    const record = parseKmsgRecord(buffer.subarray(0, length));
    if (record !== null) records.push(record);
    if (records.length > 2 * limits.kmsgRecordsKept) records.splice(0, limits.kmsgRecordsKept);
  }
  return joinKmsgRecords(records).filter(({ text }) => isAboutHost(text)).slice(-limits.kmsgRecordsKept);
}

/**
 * What the kernel's log still has about NVMe, host and target, oldest first, each line with the seconds since the
 * kernel's start; the last `limits.kernelLinesKept`. Throws KernelError where it cannot be read: often root alone may.
 */
export function readKernelLines(
  path = "/dev/kmsg",
  calls: KmsgCalls = { ...realCalls, open: openAtStart },
): string[] {
  const fd = calls.open(path);
  try {
    const buffer = new Uint8Array(limits.kmsgRecordBytesMax);
    const lines: string[] = [];
    for (let count = 0; count < limits.kernelRecordsMax; count++) {
      const length = readRecord(calls, fd, buffer);
      if (length === null || length === 0) break;
      const record = parseKmsgRecord(buffer.subarray(0, Math.max(0, length)));
      if (record === null || !/nvme/i.test(record.text)) continue;
      lines.push(
        `[${(record.atUs / 1_000_000).toFixed(6).padStart(12)}] <${record.severity}> ${record.text}`,
      );
      if (lines.length > 2 * limits.kernelLinesKept) lines.splice(0, limits.kernelLinesKept);
    }
    return lines.slice(-limits.kernelLinesKept);
  } finally {
    calls.close(fd);
  }
}

/** -1 where records were overwritten meanwhile: the next read goes on with the oldest that is left. */
function readRecord(calls: KmsgCalls, fd: number, buffer: Uint8Array<ArrayBuffer>): number | null {
  try {
    return calls.read(fd, buffer);
  } catch (error) {
    if (error instanceof KernelError && error.code === "EPIPE") return -1;
    throw error;
  }
}

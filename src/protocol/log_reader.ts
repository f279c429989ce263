/**
 * The safe read of the discovery log (NVMe Base 2.1 §5.1.12.3.1): header, records, header again; start over when the
 * generation moved. Sans-I/O.
 *
 * Every read but the last keeps the event (RAE = 1); the last one, the header again, clears it (RAE = 0) even when
 * the log is empty, else the controller never reports another change. No read passes the end that the header told:
 * nvmet answers those with foreign memory.
 */
import { ProtocolError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { encodeGetLogPage } from "../nvme/command.ts";
import {
  decodeLogHeader,
  decodeLogRecords,
  type DiscoveryRecord,
  type LogHeader,
} from "../nvme/discovery_log.ts";
import { logPage } from "../nvme/spec.ts";
import { statusError } from "../nvme/status.ts";
import type { AdminQueue } from "./admin_queue.ts";
import { GrowingBytes } from "./growing_bytes.ts";

export interface DiscoveryLog {
  readonly genctr: bigint;
  readonly records: readonly DiscoveryRecord[];
}

const headerBytes = 1024;
const recordBytes = 1024;
/** "Discovery Information Changed while reading": the controller itself asks for a new start. */
const statusDiscoveryRestart = 0x190;

export class LogReader {
  readonly #queue: AdminQueue;
  readonly #chunkBytes: number;
  readonly #onLog: (log: DiscoveryLog, nowMs: number) => void;
  #reading = false;
  #again = false;
  #restarts = 0;
  #startAtMs = Infinity;
  /** Ends of the last two reads. */
  #endsMs: readonly [number, number] = [-Infinity, -Infinity];
  #stopped = false;

  /** `chunkBytes`: bytes of one Get Log Page, a multiple of 1024, within the controller's MDTS. */
  constructor(queue: AdminQueue, chunkBytes: number, onLog: (log: DiscoveryLog, nowMs: number) => void) {
    this.#queue = queue;
    this.#chunkBytes = chunkBytes;
    this.#onLog = onLog;
  }

  get reading(): boolean {
    return this.#reading;
  }

  /** Asks for a read; during one, for another after it: what changed meanwhile is never missed. */
  requestRead(nowMs: number): void {
    if (this.#reading) this.#again = true;
    else if (this.#startAtMs === Infinity && !this.#stopped) this.#startSpaced(nowMs);
  }

  /** Begins no further read; answers under way are dropped. */
  stop(): void {
    this.#stopped = true;
    this.#startAtMs = Infinity;
  }

  /** At once, but two in the gap at most: a controller may raise events as fast as we read. */
  #startSpaced(nowMs: number): void {
    const earliestMs = this.#endsMs[0] + limits.logReadGapMs;
    if (nowMs >= earliestMs) this.#start(nowMs);
    else this.#startAtMs = earliestMs;
  }

  #start(nowMs: number): void {
    this.#reading = true;
    this.#again = false;
    this.#startAtMs = Infinity;
    this.#read(nowMs, 0, headerBytes, true, (bytes, at) => {
      const header = checkHeader(decodeLogHeader(bytes));
      this.#readRecords(at, header, new GrowingBytes(header.numrec * recordBytes));
    });
  }

  #readRecords(nowMs: number, header: LogHeader, records: GrowingBytes): void {
    const { length } = records;
    const bytes = Math.min(this.#chunkBytes, header.numrec * recordBytes - length);
    if (bytes === 0) return this.#readHeaderAgain(nowMs, header, records);
    this.#read(nowMs, headerBytes + length, bytes, true, (chunk, at) => {
      records.append(chunk);
      this.#readRecords(at, header, records);
    });
  }

  #readHeaderAgain(nowMs: number, header: LogHeader, records: GrowingBytes): void {
    this.#read(nowMs, 0, headerBytes, false, (bytes, at) => {
      const after = checkHeader(decodeLogHeader(bytes));
      // Compared with ≠ only: the counter restarts with the target.
      if (after.genctr !== header.genctr || after.numrec !== header.numrec) return this.#restart(at);
      this.#restarts = 0;
      this.#reading = false;
      const log = { genctr: header.genctr, records: decodeLogRecords(records.bytes, header.numrec) };
      this.#endsMs = [this.#endsMs[1], at];
      // Changes that came while reading: once more.
      if (this.#again) this.#startSpaced(at);
      this.#onLog(log, at);
    });
  }

  #restart(nowMs: number): void {
    this.#restarts++;
    if (this.#restarts < limits.logRestartsMax) return this.#start(nowMs);
    this.#restarts = 0;
    this.#reading = false;
    this.#startAtMs = nowMs + limits.logRestartPauseMs;
  }

  #read(
    nowMs: number,
    offset: number,
    bytes: number,
    retainAsyncEvent: boolean,
    onBytes: (bytes: Uint8Array, nowMs: number) => void,
  ): void {
    const action = `read the discovery log (bytes ${offset} to ${offset + bytes})`;
    this.#queue.submit(nowMs, {
      action,
      encode: (cid) => encodeGetLogPage({ cid, lid: logPage.discovery, offset, bytes, retainAsyncEvent }),
      readBytes: bytes,
      timeoutMs: limits.commandTimeoutMs,
      onSuccess: (_completion, data, at) => {
        if (this.#stopped) return;
        if (data.length < bytes) {
          throw new ProtocolError("log-short", `Cannot ${action}: only ${data.length} bytes came`);
        }
        onBytes(data, at);
      },
      onStatus: (completion, at) => {
        // A shutdown overtakes commands; what becomes of them is nobody's concern.
        if (this.#stopped) return;
        if (completion.status !== statusDiscoveryRestart) throw statusError(`Cannot ${action}`, completion);
        this.#restart(at);
      },
    });
  }

  handleTimeout(nowMs: number): void {
    if (nowMs >= this.#startAtMs) this.#start(nowMs);
  }

  nextTimeoutMs(): number {
    return this.#startAtMs;
  }
}

function checkHeader(header: LogHeader): LogHeader {
  if (header.recfmt !== 0) {
    throw new ProtocolError("log-format", `Discovery log has record format ${header.recfmt}, expected 0`);
  }
  if (header.numrec > limits.logRecordsMax) {
    throw new ProtocolError(
      "log-too-long",
      `Discovery log has ${header.numrec} records, more than the ${limits.logRecordsMax} we hold`,
    );
  }
  return header;
}

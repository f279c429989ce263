/**
 * The log: lines on stderr, written before the call returns, and in a file, where there is one, as soon as the disk
 * takes them. The only file that knows the logging library. Never throws: a reader that is gone costs lines, not the
 * agent. How a line looks, `log_line.ts` says.
 */
// The build for browsers: it hands records over as objects, in the same call, and loads no node built-ins, which would
// cost a third of the start.
import pino from "pino";
import type { Clock } from "../base/clock.ts";
import type { Log, LogFields } from "../model/world.ts";
import { errnoOf } from "./io_errors.ts";
import { callerOf } from "./log_caller.ts";
import { LogFile } from "./log_file.ts";
import { formatLogLine, type LogFormat, type LogLevel, type LogLook, type LogRecord } from "./log_line.ts";
import { RealClock } from "./real_clock.ts";

export type { LogFormat, LogLevel };

/** What can be changed while it is written. */
export interface LogTuning {
  readonly level?: LogLevel;
  readonly format?: LogFormat;
  /** Lines name the source line that wrote them. */
  readonly reportCaller?: boolean;
  /** A file that gets every line too. */
  readonly file?: LogFileTuning;
}

export interface LogFileTuning {
  readonly path: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

export interface LogSinkOptions extends LogTuning {
  /** Lines for the journal; left out, JOURNAL_STREAM tells. */
  readonly journal?: boolean;
  /** Colours; left out, the terminal and NO_COLOR tell. */
  readonly colours?: boolean;
  /** Writes some bytes now and answers how many; may throw as the runtime does. */
  readonly write?: (bytes: Uint8Array) => number;
  readonly clock?: Clock;
}

/** What the library hands over. */
interface Told {
  readonly level: number;
  readonly message: string;
  readonly fields?: LogFields;
}

/** A full pipe is tried again this often, with a pause, ms; then the line is lost. */
const writeRetriesMax = 20;
const writeRetryMs = 1;

export class LogSink implements Log {
  readonly #logger: ReturnType<typeof pino>;
  readonly #write: (bytes: Uint8Array) => number;
  readonly #look: LogLook;
  readonly #clock: Clock;
  #tuning: LogTuning;
  #file: LogFile | null = null;
  /** Files given up for others. */
  #closing: Promise<unknown> = Promise.resolve();
  #lostLines = 0;

  constructor(options: LogSinkOptions = {}) {
    const { journal = isJournal(), colours = hasColours(), clock = new RealClock() } = options;
    this.#write = options.write ?? ((bytes) => Deno.stderr.writeSync(bytes));
    this.#look = journal ? "journal" : colours ? "terminal" : "plain";
    this.#clock = clock;
    this.#logger = pino({ browser: { write: (told: unknown) => this.#take(told as Told) } });
    this.#tuning = {};
    this.reconfigure(options);
  }

  /** Other settings count from now on; what is left out goes back to its default. */
  reconfigure({ level = "info", format, reportCaller, file }: LogTuning): void {
    const before = this.#tuning.file;
    this.#tuning = { level, format, reportCaller, file };
    this.#logger.level = level;
    if (
      before?.path === file?.path && before?.maxBytes === file?.maxBytes &&
      before?.maxAgeMs === file?.maxAgeMs
    ) {
      return;
    }
    this.#closing = Promise.all([this.#closing, this.#file?.close()]);
    this.#file = file === undefined ? null : this.#openFile(file);
  }

  #openFile(file: LogFileTuning): LogFile {
    return new LogFile({
      ...file,
      clock: this.#clock,
      onTrouble: (message) => this.#writeLine(this.#recordOf("warn", message)),
      onRecovery: (message) => this.#writeLine(this.#recordOf("info", message)),
      formatNotice: (message) => this.#fileLine(this.#recordOf("warn", message)),
    });
  }

  #recordOf(level: LogLevel, message: string): LogRecord {
    return { level, message, atMs: this.#clock.wallMs() };
  }

  debug(message: string, fields?: LogFields): void {
    this.#logger.debug({ message, fields });
  }

  info(message: string, fields?: LogFields): void {
    this.#logger.info({ message, fields });
  }

  warn(message: string, fields?: LogFields): void {
    this.#logger.warn({ message, fields });
  }

  error(message: string, fields?: LogFields): void {
    this.#logger.error({ message, fields });
  }

  /** Who rotates logs from outside has moved the file. */
  reopen(): void {
    this.#file?.reopen();
  }

  /** The file has all lines, or its time is up (`limits.logCloseMs`); what is logged later is on stderr alone. */
  async close(): Promise<void> {
    await Promise.all([this.#closing, this.#file?.close()]);
  }

  /** Brings what the file lacks there at once: the process ends next. */
  flushNow(): void {
    this.#file?.flushNow();
  }

  /** A line for the file alone: stderr is told in another way. */
  noteInFile(level: LogLevel, message: string): void {
    this.#file?.write(this.#fileLine(this.#recordOf(level, message)));
  }

  #take({ level: number, message, fields }: Told): void {
    const level = (pino.levels.labels[number] ?? "info") as LogLevel;
    const caller = this.#tuning.reportCaller ? callerOf(this[level]) : undefined;
    const record = { level, message, fields, caller, atMs: this.#clock.wallMs() };
    this.#writeLine(record);
    this.#file?.write(this.#fileLine(record));
  }

  #fileLine(record: LogRecord): string {
    return `${formatLogLine(record, this.#tuning.format ?? "text", "plain")}\n`;
  }

  #writeLine(record: LogRecord): void {
    const { message } = record;
    const lost = this.#lostLines === 0 ? "" : ` (${this.#lostLines} lines before this were lost)`;
    const line = formatLogLine(
      { ...record, message: `${message}${lost}` },
      this.#tuning.format ?? "text",
      this.#look,
    );
    if (this.#writeAll(new TextEncoder().encode(`${line}\n`))) this.#lostLines = 0;
    else this.#lostLines++;
  }

  /** False when the reader is gone or does not keep up. */
  #writeAll(bytes: Uint8Array): boolean {
    let retries = 0;
    for (let at = 0; at < bytes.length;) {
      try {
        at += this.#write(bytes.subarray(at));
      } catch (error) {
        if (errnoOf(error) !== "EAGAIN" || ++retries > writeRetriesMax) return false;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, writeRetryMs);
      }
    }
    return true;
  }
}

/** On a terminal that has them, unless the user objects (no-color.org). */
function hasColours(): boolean {
  const { NO_COLOR = "", TERM } = { NO_COLOR: Deno.env.get("NO_COLOR"), TERM: Deno.env.get("TERM") };
  return Deno.stderr.isTerminal() && NO_COLOR === "" && TERM !== "dumb";
}

/**
 * Whether stderr is the journal's socket. The variable alone does not say so: whoever we are started by may have
 * put stderr elsewhere and left it (systemd.exec(5), JOURNAL_STREAM).
 */
function isJournal(): boolean {
  const stream = Deno.env.get("JOURNAL_STREAM");
  if (stream === undefined) return false;
  try {
    const { dev, ino } = Deno.statSync("/proc/self/fd/2");
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

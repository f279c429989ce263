/**
 * The log as lines on stderr, written before the call returns: the last line before any exit is there. The only file
 * that knows the logging library. Never throws: a reader that is gone costs lines, not the agent.
 *
 *     2026-08-01T12:00:00.000Z WARN Cannot connect endpoint=10.0.0.1:8009 error="no route"
 *     <4>Cannot connect endpoint=10.0.0.1:8009 error="no route"            (to the journal, which has its own clock)
 */
// The build for browsers: it hands records over as objects, in the same call, and loads no node built-ins, which would
// cost a third of the start.
import pino from "pino";
import { limits } from "../base/limits.ts";
import type { Log, LogFields } from "../model/world.ts";
import { errnoOf } from "./io_errors.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogSinkOptions {
  readonly level?: LogLevel;
  /** Lines for the journal; left out, JOURNAL_STREAM tells. */
  readonly journal?: boolean;
  /** Writes some bytes now and answers how many; may throw as the runtime does. */
  readonly write?: (bytes: Uint8Array) => number;
  /** Milliseconds since 1970. */
  readonly wallMs?: () => number;
}

/** What the library hands over. */
interface LogRecord {
  readonly level: number;
  readonly message: string;
  readonly fields?: LogFields;
}

/** syslog priorities as the journal reads them at the start of a line (sd-daemon(3)). */
const journalPrefix: Readonly<Record<string, string>> = {
  debug: "<7>",
  info: "<6>",
  warn: "<4>",
  error: "<3>",
};

/** A full pipe is tried again this often, with a pause, ms; then the line is lost. */
const writeRetriesMax = 20;
const writeRetryMs = 1;

export class LogSink implements Log {
  readonly #logger: ReturnType<typeof pino>;
  readonly #write: (bytes: Uint8Array) => number;
  #lostLines = 0;

  constructor(options: LogSinkOptions = {}) {
    const { journal = isJournal(), wallMs = Date.now } = options;
    this.#write = options.write ?? ((bytes) => Deno.stderr.writeSync(bytes));
    this.#logger = pino({
      level: options.level ?? "info",
      browser: {
        write: (record: unknown) => {
          const { level, message, fields } = record as LogRecord;
          const name = pino.levels.labels[level] ?? "info";
          const start = journal
            ? journalPrefix[name]
            : `${new Date(wallMs()).toISOString()} ${name.toUpperCase()} `;
          this.#writeLine(`${start}${formatLine(message, fields)}`);
        },
      },
    });
  }

  setLevel(level: LogLevel): void {
    this.#logger.level = level;
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

  #writeLine(line: string): void {
    const lost = this.#lostLines === 0 ? "" : ` (${this.#lostLines} lines before this were lost)`;
    if (this.#writeAll(new TextEncoder().encode(`${line}${lost}\n`))) this.#lostLines = 0;
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

/** `message key=value key="value with spaces"`, on one line whatever the values hold. */
function formatLine(message: string, fields: LogFields = {}): string {
  const parts = [escapeControls(message)];
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) parts.push(`${escapeControls(key)}=${formatValue(value)}`);
  }
  const line = parts.join(" ");
  const excess = line.length - limits.logLineCharsMax;
  return excess <= 0 ? line : `${line.slice(0, limits.logLineCharsMax)}… (${excess} characters more)`;
}

function formatValue(value: unknown): string {
  const text = escapeControls(String(value));
  return text === "" || /[\s"=]/.test(text) ? `"${text.replaceAll('"', '\\"')}"` : text;
}

// deno-lint-ignore no-control-regex
const controls = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Line breaks forge lines, escape sequences drive terminals, direction marks turn text around: shown, not obeyed. */
function escapeControls(text: string): string {
  return text.replace(controls, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, "0")}`;
  });
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

/**
 * Collects log lines and watches them: a secret in one, or a message that breaks the form (capital first, no full
 * stop, one line), is a violation. It throws nothing while the agent logs; the test asks at the end.
 */
import type { Clock } from "../../src/base/clock.ts";
import type { Log, LogFields } from "../../src/model/world.ts";

export interface LogLine {
  readonly atMs: number;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: LogFields;
}

export class MemoryLog implements Log {
  readonly lines: LogLine[] = [];
  readonly violations: string[] = [];
  readonly #clock: Clock;
  readonly #secrets = new Set<string>();
  readonly #linesMax: number;

  /** Keeps the last `linesMax` lines, and a little more. */
  constructor(clock: Clock, linesMax = 10_000) {
    this.#clock = clock;
    this.#linesMax = linesMax;
  }

  /** This text must appear nowhere. */
  forbid(secret: string): void {
    this.#secrets.add(secret);
  }

  /** Checks any other output too: status, metrics, state files. */
  checkText(where: string, text: string): void {
    if (/DHHC-1:\d\d:[A-Za-z0-9+/]/.test(text)) this.violations.push(`${where} shows a DH-CHAP secret`);
    // The secret itself is not repeated here.
    for (const secret of this.#secrets) {
      if (text.includes(secret)) this.violations.push(`${where} shows a secret`);
    }
  }

  /** Messages of a level and above that contain the text. */
  find(part: string, level: LogLine["level"] = "debug"): LogLine[] {
    const levels = ["debug", "info", "warn", "error"];
    const least = levels.indexOf(level);
    return this.lines.filter((line) => levels.indexOf(line.level) >= least && line.message.includes(part));
  }

  /** For people: one line a line. */
  text(): string {
    return this.lines.map(({ atMs, level, message, fields }) => {
      const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`).join("");
      return `${atMs.toFixed(1)} ${level} ${message}${shown}\n`;
    }).join("");
  }

  debug(message: string, fields?: LogFields): void {
    this.#add("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#add("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#add("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#add("error", message, fields);
  }

  #add(level: LogLine["level"], message: string, fields: LogFields = {}): void {
    this.lines.push({ atMs: this.#clock.nowMs(), level, message, fields });
    if (this.lines.length > 2 * this.#linesMax) this.lines.splice(0, this.#linesMax);
    this.checkText(`Log line "${message.slice(0, 40)}"`, `${message} ${JSON.stringify(fields)}`);
    if (/^[a-z]/.test(message) && !/^[\w.-]+:/.test(message)) this.violations.push(`No capital: ${message}`);
    if (message.endsWith(".") || /[\n\r]/.test(message)) {
      this.violations.push(`Full stop or line end: ${message}`);
    }
  }
}

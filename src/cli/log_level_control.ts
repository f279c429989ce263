/**
 * The log's level of a running agent: that of the settings, or the one that somebody asked for at run time, which
 * counts until the settings name another level than before.
 */
import { ConfigError } from "../base/errors.ts";
import { quoteText } from "../base/quote.ts";
import { logLevel } from "../config/setting_kind.ts";
import type { LogLevel, LogSink, LogTuning } from "../io/log_sink.ts";
import type { LevelControl } from "../report/control_site.ts";

export class LogLevelControl implements LevelControl {
  readonly #log: Pick<LogSink, "info" | "reconfigure">;
  #tuning: LogTuning;
  #asked: LogLevel | null = null;

  /** `tuning` is what the log has now. */
  constructor(log: Pick<LogSink, "info" | "reconfigure">, tuning: LogTuning) {
    this.#log = log;
    this.#tuning = tuning;
  }

  level(): LogLevel {
    return this.#asked ?? this.#tuning.level ?? "info";
  }

  /** The settings changed. */
  reconfigure(tuning: LogTuning): void {
    if (tuning.level !== this.#tuning.level) this.#asked = null;
    this.#tuning = tuning;
    this.#log.reconfigure({ ...tuning, level: this.level() });
  }

  /** Throws ConfigError `log-level`. */
  setLevel(text: string): void {
    const level = logLevel.parse(text);
    if (level === undefined) {
      throw new ConfigError("log-level", `Cannot log at ${quoteText(text)}: expected ${logLevel.expected}`);
    }
    const before = this.level();
    const tell = () => this.#log.info(`The log's level is ${this.level()} from now on, it was ${before}`);
    const isHidden = before === "warn" || before === "error";
    this.#asked = level === "fatal" ? "error" : level;
    // Said while the log still has it, or has it again.
    if (!isHidden) tell();
    this.#log.reconfigure({ ...this.#tuning, level: this.#asked });
    if (isHidden) tell();
  }
}

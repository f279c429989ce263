/** The log of `serve`: which lines of it are written. */
import { type LogLevel, LogSink } from "../io/log_sink.ts";
import type { EffectiveSettings } from "./effective_settings.ts";
import type { ServeOptions } from "./serve_options.ts";

/** A dry run prints what matters itself; only who asks for more on the spot gets more beside it. */
export function openAgentLog(effective: EffectiveSettings, serveOptions: ServeOptions): LogSink {
  return new LogSink({ level: logLevel(effective, serveOptions) });
}

export function logLevel({ settings, sources }: EffectiveSettings, { isDryRun }: ServeOptions): LogLevel {
  const from = sources.get("logging.level")?.from;
  if (isDryRun && from !== "flag" && from !== "environment") return "warn";
  const { level } = settings.logging;
  return level === "fatal" ? "error" : level;
}

/** The log of `serve`: which lines of it are written, how, and where. */
import { type LogFileTuning, type LogLevel, LogSink, type LogTuning } from "../io/log_sink.ts";
import type { EffectiveSettings } from "./effective_settings.ts";
import type { ServeOptions } from "./serve_options.ts";

const bytesPerMegabyte = 1024 * 1024;
const standardSizeMb = 100;

export function openAgentLog(effective: EffectiveSettings, serveOptions: ServeOptions): LogSink {
  return new LogSink(logTuning(effective, serveOptions));
}

export function logTuning(effective: EffectiveSettings, serveOptions: ServeOptions): LogTuning {
  const { format, reportCaller } = effective.settings.logging;
  return {
    level: logLevel(effective, serveOptions),
    format,
    reportCaller,
    file: logFile(effective, serveOptions),
  };
}

/** A dry run prints what matters itself; only who asks for more on the spot gets more beside it. */
function logLevel(effective: EffectiveSettings, { isDryRun }: ServeOptions): LogLevel {
  if (isDryRun && !isAskedOnTheSpot(effective, "logging.level")) return "warn";
  const { level } = effective.settings.logging;
  return level === "fatal" ? "error" : level;
}

/** Who runs without a trace does not write into the file of the agent of this host either. */
function logFile(effective: EffectiveSettings, { isEphemeral }: ServeOptions): LogFileTuning | undefined {
  const { filename, maxSizeMb, maxAgeMs } = effective.settings.logging;
  if (filename === "" || (isEphemeral && !isAskedOnTheSpot(effective, "logging.filename"))) return undefined;
  return { path: filename, maxBytes: (maxSizeMb || standardSizeMb) * bytesPerMegabyte, maxAgeMs };
}

function isAskedOnTheSpot({ sources }: EffectiveSettings, path: string): boolean {
  const from = sources.get(path)?.from;
  return from === "flag" || from === "environment";
}

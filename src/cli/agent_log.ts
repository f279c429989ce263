/** The log of `serve`: where it goes and what of it is written. */
import type { Log, LogFields } from "../model/world.ts";
import type { EffectiveSettings } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import type { ServeOptions } from "./serve_options.ts";

export function openAgentLog(
  environment: Environment,
  _effective: EffectiveSettings,
  _options: ServeOptions,
): Log {
  const line = (level: string) => (message: string, fields: LogFields = {}) =>
    environment.stderr.write(`${level} ${message} ${JSON.stringify(fields)}\n`);
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}

/** The settings of a command: the file that `--config` names or the default one, the environment, the flags. */
import { ConfigError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type LoadedSettings, loadSettings, SettingsError, type SettingsInput } from "../config/settings.ts";
import { settingKeys } from "../config/settings_table.ts";
import { absolutePath, readTextFile } from "../io/host_files.ts";
import { type OptionValues, UsageError } from "./command.ts";
import type { Environment } from "./environment.ts";
import { defaultSettingsFile } from "./setting_options.ts";

export interface EffectiveSettings extends LoadedSettings {
  /** The file read; undefined when there is none. */
  readonly file?: string;
  /** What was in it; null when there is none. */
  readonly text: string | null;
}

/** Where settings are read from, whether the file is there or not; absolute. */
export function settingsPath(options: OptionValues): string {
  return absolutePath(options.text("config") ?? defaultSettingsFile);
}

/**
 * Paths in it are absolute. A missing default file counts as empty, a missing file that `--config` names does not.
 * Throws UsageError for flags, ConfigError (SettingsError for values), KernelError.
 */
export async function loadEffectiveSettings(
  environment: Environment,
  options: OptionValues,
): Promise<EffectiveSettings> {
  const wanted = options.text("config");
  const file = wanted ?? defaultSettingsFile;
  const text = await readTextFile(file, limits.settingsBytesMax);
  if (text === null && wanted !== undefined) {
    throw new ConfigError("ENOENT", `Cannot read the settings ${file}: there is no such file`, { file });
  }
  return settingsFromText(environment, options, { file, text });
}

/** The same, where what the file holds is known. Throws UsageError for flags, ConfigError. */
export function settingsFromText(
  { env }: Environment,
  options: OptionValues,
  { file, text }: { readonly file: string; readonly text: string | null },
): EffectiveSettings {
  const flags = Object.fromEntries(settingKeys.map(({ path }) => [path, options.raw(path)]));
  const loaded = loadChecked({ ...(text === null ? {} : { yaml: { text, file } }), env, flags });
  const settings = {
    ...loaded.settings,
    clientConfigDir: absolutePath(loaded.settings.clientConfigDir),
    internalDir: absolutePath(loaded.settings.internalDir),
  };
  return { ...loaded, settings, text, ...(text === null ? {} : { file }) };
}

/** What is wrong with the command line alone is its user's mistake, not the host's. */
function loadChecked(input: SettingsInput): LoadedSettings {
  try {
    return loadSettings(input);
  } catch (error) {
    const isUsage = error instanceof SettingsError &&
      error.problems.every(({ source }) => source.from === "flag");
    throw isUsage ? new UsageError(error.message) : error;
  }
}

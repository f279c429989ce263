/** Command line options that stand for settings, one for each row of the settings table. */
import { assert } from "../base/assert.ts";
import { quoteText } from "../base/quote.ts";
import { logLevels } from "../config/setting_kind.ts";
import { type SettingKey, settingKeys } from "../config/settings_table.ts";
import { type OptionSpec, type OptionValues, UsageError } from "./command.ts";

export const defaultSettingsFile = "/etc/discovery-client/discovery-client.yaml";

/** Short names that the predecessor gave them. */
const shortNames: Readonly<Record<string, string>> = {
  "autoDetectEntries.enabled": "e",
  "autoDetectEntries.filename": "f",
  "autoDetectEntries.discoveryServicePort": "p",
};

export const configOption: OptionSpec = {
  long: "config",
  value: "FILE",
  names: "file",
  about: "Settings file",
  standard: defaultSettingsFile,
};

/** The options of the settings named; of all of them when none is. None for secrets: anybody can read arguments. */
export function settingOptions(paths?: readonly string[]): OptionSpec[] {
  return settingKeys.filter(({ path, setting }) =>
    (paths === undefined || paths.includes(path)) && setting.kind.secret !== true
  ).map(settingOption);
}

function settingOption({ path, envName, setting }: SettingKey): OptionSpec {
  const { kind, standard, about } = setting;
  const short = shortNames[path];
  return {
    long: path,
    ...(short === undefined ? {} : { short }),
    value: kind.name.replaceAll(" ", "-"),
    valueOptional: kind.name === "boolean",
    ...choicesOf(kind.name),
    ...(kind.name === "path" ? { names: path.endsWith("Dir") ? "directory" : "file" } : {}),
    // A list given twice is united; its items are parted by commas in one word too.
    many: kind.name.startsWith("list"),
    about,
    ...(kind.format(standard) === "" ? {} : { standard: kind.format(standard) }),
    envName,
  };
}

function choicesOf(kindName: string): Pick<OptionSpec, "choices"> {
  if (kindName === "boolean") return { choices: ["true", "false"] };
  return kindName === "level" ? { choices: logLevels } : {};
}

/**
 * One setting from flag, environment or default alone: for commands that need no settings file. Throws UsageError.
 */
export function settingValue(
  path: string,
  options: OptionValues,
  env: Readonly<Record<string, string>>,
): unknown {
  const key = settingKeys.find((known) => known.path === path);
  assert(key !== undefined, `No setting is called ${path}`);
  const { kind, standard } = key.setting;
  const flag = options.text(path);
  const variable = env[key.envName] ?? "";
  const [text, name] = flag !== undefined ? [flag, `--${path}`] : [variable, key.envName];
  if (flag === undefined && variable === "") return standard;
  const value = kind.parse(text);
  if (value === undefined) {
    throw new UsageError(`Cannot use ${name} ${quoteText(text)}: expected ${kind.expected}`);
  }
  return value;
}

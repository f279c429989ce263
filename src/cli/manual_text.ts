/** What the manual says beside the table of commands: files and exit statuses. */
import { settingKeys } from "../config/settings_table.ts";
import { defaultSettingsFile } from "./setting_options.ts";

/** Path, and what it is for. */
export const filesText: readonly (readonly [path: string, about: string])[] = [
  [defaultSettingsFile, "Settings; each has an environment variable and a flag of serve too"],
  ...settingKeys.flatMap(({ path, setting }) => {
    const { kind, standard, about } = setting;
    const text = kind.name === "path" ? kind.format(standard) : "";
    return text === "" ? [] : [[text, `${about} (setting ${path})`] as const];
  }),
  [
    "hostnqn, beside the host identifier",
    "NQN of the host. Both are made by serve, as root, where they are missing and their directory is there",
  ],
  ["remembered-hostid, in internalDir", "Identifier drawn for a host that has none"],
];

export const statusText: readonly (readonly [status: string, about: string])[] = [
  ["0", "Success"],
  ["1", "A failure, told in one line on standard error; or what the command looked at is not well"],
  ["2", "The command line makes no sense; or the agent that the command asks does not answer"],
];

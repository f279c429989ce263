/** discovery-client.yaml(5): the settings, made of the table that reads them. */
import { logLevels } from "../config/setting_kind.ts";
import { type SettingKey, settingKeys } from "../config/settings_table.ts";
import { defaultSettingsFile } from "./setting_options.ts";
import {
  bold,
  escaped,
  exampleLines,
  italic,
  seeAlsoLines,
  termLines,
  titleLines,
  troffPage,
} from "./troff.ts";

/** Loads without a warning: a test reads it. */
export const settingsExample: readonly string[] = [
  "ctrlLossTMO: -1",
  "logging:",
  "  filename: /var/log/discovery-client.log",
  "  level: warn",
  "debug:",
  '  endpoint: "[::]:6060"',
  "clusterSecrets:",
  "  nqn.2024-01.io.example:cluster:",
  "    nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff:",
  "      dhChapSecretFile: /etc/discovery-client/secrets/cluster-host",
];

export function settingsManPage(): string {
  return troffPage([
    ...titleLines("discovery-client.yaml", 5, "settings of discovery-client"),
    ".SH SYNOPSIS",
    `.I ${escaped(defaultSettingsFile)}`,
    ".SH DESCRIPTION",
    escaped(
      "Settings of the agent in YAML. Every key is optional, and so is the file. A value that cannot be used is refused " +
        "with its place; an unknown key is a warning that names the nearest known one. A dot in a name below leads into a " +
        "mapping.",
    ),
    ".P",
    "The environment overrides the file, and the flags of",
    ".BR discovery\\-client\\-serve (8)",
    "override both.",
    ".B discovery\\-client config check",
    escaped("tells every problem,"),
    ".B discovery\\-client config show",
    escaped("prints the settings in force, each with where it comes from, secrets as set."),
    ".P",
    escaped(
      "Changes take effect while the agent runs, within about a second of the last write, or at once when it is told to " +
        "reload. Where a setting takes a restart, it says so below, and the log does when it changes. A file that cannot be " +
        "used is told and changes nothing.",
    ),
    ".SH SETTINGS",
    ...settingKeys.flatMap(settingLines),
    ...termLines(
      `${bold("clusterSecrets")} (${italic("mapping")})`,
      "Secrets by the NQN of the cluster, as entries name it, then by the NQN of the host: dhChapSecret, " +
        "dhChapCtrlSecret or the files of these, as above. They count before those that hold for all, and what an entry " +
        "line says before both. Environment and flags cannot say them.",
    ),
    ".SH SECRETS",
    escaped(
      "No secret is ever printed, logged or remembered, and none has a flag. A file with secrets that other users can read " +
        "is warned about. Of a secret and its file, the one nearer to the command line counts; both in one place are refused.",
    ),
    ".SH EXAMPLES",
    ...exampleLines(settingsExample),
    ...seeAlsoLines([
      ["discovery-client", 8],
      ["discovery-client-serve", 8],
      ["discovery-client-config-check", 8],
      ["discovery.d", 5],
    ]),
  ]);
}

function settingLines({ path, envName, setting }: SettingKey): string[] {
  const { kind, standard, about, live } = setting;
  const text = kind.format(standard);
  return termLines(
    `${bold(path)} (${italic(kind.name)})`,
    about,
    kind.name === "level" ? `One of ${logLevels.join(", ")}.` : "",
    text === "" ? "" : `Default: ${text}.`,
    `Environment: ${envName}.`,
    live === true ? "" : "Takes a restart.",
  );
}

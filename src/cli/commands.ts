/** Every subcommand: its words, options, help and where its code is. Only the code of the one called is loaded. */
import type { CommandSpec, CommandTable } from "./command.ts";
import { controlCommands } from "./control_commands.ts";
import { kernelCommands } from "./kernel_commands.ts";
import { configOption, settingOptions } from "./setting_options.ts";
import {
  addressesOption,
  hostidOption,
  hostnqnOption,
  nqnOption,
  outputOption,
  traceOptions,
  transportOption,
} from "./shared_options.ts";

export const programAbout =
  "Keeps this host connected to its NVMe/TCP volumes, whatever the storage cluster does";

/** What the words that only lead to other commands mean. */
export const commandGroups: Readonly<Record<string, string>> = {
  list: "List what this host has",
  config: "Check and show the settings",
  completion: "Print a script that has a shell complete this program's command line",
  gen: "Write the manual, made of the same table as the help texts",
};

const directoryOptions = [configOption, ...settingOptions(["clientConfigDir"])];

const serve: CommandSpec = {
  words: ["serve"],
  about: "Run the agent in the foreground",
  details:
    "Discovers what the entry files in clientConfigDir name, has the kernel connect every path found, and " +
    "keeps it so until SIGTERM or SIGINT. The flags below override the settings file, which the environment " +
    "overrides too.",
  options: [
    configOption,
    {
      long: "ephemeral",
      about:
        "Keep all state in a temporary directory and leave /etc alone; with -a, that is all the configuration",
    },
    {
      long: "dry-run",
      about:
        "Connect nothing in the kernel, print what would be connected; implies --ephemeral, needs no root",
    },
    {
      long: "once",
      about: "With --dry-run: end after the first whole picture, with status 0 if all is reachable",
    },
    { ...addressesOption, about: `With --ephemeral: ${addressesOption.about}` },
    { ...hostnqnOption, about: "With -a: NQN that this host calls itself" },
    { ...nqnOption, about: "With -a: NQN of the subsystem" },
    { ...hostidOption, about: "With -a: identifier of this host" },
    { ...outputOption("table"), about: "With --dry-run: table, or json with one line a picture" },
    ...traceOptions,
    ...settingOptions(),
  ],
  examples: [
    "discovery-client serve --config /etc/discovery-client/discovery-client.yaml",
    "discovery-client serve --dry-run --once -a 10.0.0.1:8009 -q nqn.2014-08.org.example:host1 " +
    "-n nqn.2016-01.com.example:volumes",
  ],
  run: async (environment, options) => (await import("./serve.ts")).serve(environment, options),
};

const discover: CommandSpec = {
  words: ["discover"],
  about: "Read the discovery log of one discovery controller",
  options: [
    {
      long: "traddr",
      short: "a",
      value: "ADDRESS",
      required: true,
      about: "Discovery endpoint: address or host name, with or without a port",
    },
    { long: "trsvcid", short: "s", value: "PORT", about: "Its port", standard: "8009" },
    { ...hostnqnOption, required: true },
    {
      ...hostidOption,
      standard: "the one in use with this NQN, the one in nvmeHostIDPath, or one derived from the NQN",
    },
    transportOption,
    {
      long: "host-traddr",
      short: "w",
      value: "ADDRESS",
      about: "Address of this host to leave by",
    },
    {
      long: "persistent",
      short: "p",
      aliases: ["persistant"],
      about:
        "Stay connected, and print the log again at each change, one line of JSON each, until interrupted",
    },
    {
      long: "timeout",
      value: "DURATION",
      about: "Longest time the whole may take; not with --persistent",
      standard: "10s",
    },
    outputOption("json"),
    ...traceOptions,
    ...settingOptions(["nvmeHostIDPath", "kato", "reconnectInterval"]),
  ],
  examples: [
    "discovery-client discover -a 10.0.0.1:8009 -q nqn.2014-08.org.example:host1 -o table",
    "discovery-client discover -p -a 10.0.0.1 -q nqn.2014-08.org.example:host1",
    "discovery-client discover -a 10.0.0.1 -q nqn.2014-08.org.example:host1 --trace discovery.pcapng",
  ],
  run: async (environment, options) => (await import("./discover.ts")).discover(environment, options),
};

const addHostnqn: CommandSpec = {
  words: ["add-hostnqn"],
  about: "Write an entry file, so that the agent connects a cluster",
  options: [
    { long: "name", value: "NAME", required: true, about: "Name of the file in clientConfigDir" },
    { ...addressesOption, required: true },
    { ...hostnqnOption, required: true },
    { ...nqnOption, required: true },
    { ...hostidOption, standard: "the host's own" },
    transportOption,
    ...directoryOptions,
  ],
  examples: [
    "discovery-client add-hostnqn --name volumes -a 10.0.0.1,10.0.0.2:8009 -q nqn.2014-08.org.example:host1 " +
    "-n nqn.2016-01.com.example:volumes",
  ],
  run: async (environment, options) => (await import("./add_hostnqn.ts")).addHostnqn(environment, options),
};

const removeHostnqn: CommandSpec = {
  words: ["remove-hostnqn"],
  about: "Remove an entry file; controllers that the kernel has stay connected",
  options: [
    { long: "name", short: "n", value: "NAME", required: true, about: "Name of the file in clientConfigDir" },
    ...directoryOptions,
  ],
  examples: ["discovery-client remove-hostnqn --name volumes"],
  run: async (environment, options) =>
    (await import("./remove_hostnqn.ts")).removeHostnqn(environment, options),
};

const listCtrl: CommandSpec = {
  words: ["list", "ctrl"],
  about: "List the NVMe controllers of this host",
  options: [
    { long: "discovery", short: "d", about: "Only controllers of discovery services" },
    outputOption("json"),
  ],
  examples: ["discovery-client list ctrl -o table", "discovery-client list ctrl -d"],
  run: async (environment, options) => (await import("./list_ctrl.ts")).listCtrl(environment, options),
};

const autoDetect: CommandSpec = {
  words: ["auto-detect"],
  about: "Deduce entries from the I/O controllers that this host has, and print them",
  details: "The agent does this by itself when it starts with neither entry files nor a remembered list.",
  options: [
    { long: "write", about: "Write them to the file autoDetectEntries.filename in clientConfigDir" },
    configOption,
    ...settingOptions([
      "clientConfigDir",
      "autoDetectEntries.filename",
      "autoDetectEntries.discoveryServicePort",
      "autoDetectEntries.subsystemMatch",
    ]),
  ],
  examples: ["discovery-client auto-detect", "discovery-client auto-detect --write"],
  run: async (environment, options) => (await import("./auto_detect.ts")).autoDetect(environment, options),
};

const configFileOption = { ...configOption, operand: true };

const configCheck: CommandSpec = {
  words: ["config", "check"],
  about: "Check the settings: file, environment, and the files with secrets that they name",
  details:
    "Prints every problem with its place and ends with status 1 when there is one. Warnings do not count. " +
    "No secret is shown.",
  options: [configFileOption, outputOption("table"), ...settingOptions()],
  examples: [
    "discovery-client config check",
    "discovery-client config check /tmp/new.yaml && mv /tmp/new.yaml /etc/discovery-client/discovery-client.yaml",
  ],
  run: async (environment, options) => (await import("./config_check.ts")).configCheck(environment, options),
};

const configShow: CommandSpec = {
  words: ["config", "show"],
  about: "Print the settings in force and where each comes from",
  details: "Of a secret, only that it is set.",
  options: [configFileOption, outputOption("table"), ...settingOptions()],
  examples: ["discovery-client config show", "discovery-client config show -o json"],
  run: async (environment, options) => (await import("./config_show.ts")).configShow(environment, options),
};

const completionExamples = {
  bash: "discovery-client completion bash > /usr/share/bash-completion/completions/discovery-client",
  zsh: "discovery-client completion zsh > /usr/local/share/zsh/site-functions/_discovery-client",
  fish: "discovery-client completion fish > /usr/share/fish/vendor_completions.d/discovery-client.fish",
} as const;

const completions = (["bash", "zsh", "fish"] as const).map((shell): CommandSpec => ({
  words: ["completion", shell],
  about: `Print the completion script for ${shell}`,
  options: [],
  examples: [completionExamples[shell]],
  run: async (environment) =>
    (await import("./completion.ts")).completion(environment, shell, commandTable()),
}));

const documents = (["man", "markdown"] as const).map((format): CommandSpec => ({
  words: ["gen", format],
  about: format === "man" ? "Write the manual pages" : "Write the manual as Markdown",
  details: format === "man"
    ? "discovery-client(8) with every command in it goes to standard output. Into a directory go discovery-client(8), " +
      "one page for each command, discovery-client.yaml(5) and discovery.d(5)."
    : "One document with everything goes to standard output; with --output, one for each command.",
  options: [{
    long: "output",
    short: "o",
    value: "DIR",
    names: "directory",
    operand: true,
    about: "Directory that the documents go to, one file each; made where it is missing",
  }],
  examples: format === "man"
    ? [
      "discovery-client gen man | man -l -",
      "discovery-client gen man /tmp/discovery-client-pages",
    ]
    : ["discovery-client gen markdown > discovery-client.md"],
  run: async (environment, options) =>
    (await import("./gen.ts")).gen(environment, format, options, commandTable()),
}));

export const commands: readonly CommandSpec[] = [
  serve,
  ...controlCommands,
  discover,
  ...kernelCommands,
  addHostnqn,
  removeHostnqn,
  listCtrl,
  autoDetect,
  configCheck,
  configShow,
  ...completions,
  ...documents,
];

/** What documents are made of. */
function commandTable(): CommandTable {
  return { about: programAbout, groups: commandGroups, commands };
}

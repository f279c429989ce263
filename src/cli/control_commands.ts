/** The subcommands that ask a running agent, as rows of the table of commands. */
import { limits } from "../base/limits.ts";
import { logLevels } from "../config/setting_kind.ts";
import type { CommandSpec, OptionSpec } from "./command.ts";
import { configOption, settingOptions } from "./setting_options.ts";

const controlOptions: readonly OptionSpec[] = [
  {
    long: "socket",
    value: "PATH",
    names: "file",
    about: "Socket of the agent, where it is not that of the settings",
  },
  configOption,
];

function formatOption(...choices: readonly string[]): OptionSpec {
  const about = choices.slice(0, -1).join(", ") + ` or ${choices.at(-1)}`;
  return { long: "output", short: "o", value: "FORMAT", choices, about, standard: choices[0] };
}

const asked = "It takes root, or a member of the group that control.group names.";

const status: CommandSpec = {
  words: ["status"],
  about: "Show every cluster, discovery endpoint and path of the running agent, and why one is not live",
  details:
    "Ends with status 0 when every path is live, 1 when one is missing or cannot be known, and 2 when the " +
    `agent is not running. ${asked}`,
  options: [
    { long: "all", about: "Show what is well too, where it is many: every path, record and problem" },
    formatOption("text", "json", "yaml"),
    ...controlOptions,
  ],
  examples: ["discovery-client status", "discovery-client status -o json | jq '.summary'"],
  run: async (environment, options) => (await import("./status.ts")).status(environment, options),
};

const watch: CommandSpec = {
  words: ["watch"],
  about: "Print what happens in the running agent, one line each, as it happens",
  details:
    "Entry files, sessions, events, logs with what changed in them, connects, controllers of the kernel. " +
    `Ends with status 1 when the agent stops, with 2 when it is not running. ${asked}`,
  options: [formatOption("text", "json"), ...controlOptions],
  examples: ["discovery-client watch", "discovery-client watch -o json"],
  run: async (environment, options) => (await import("./watch.ts")).watch(environment, options),
};

const rescan: CommandSpec = {
  words: ["rescan"],
  about: "Have the running agent read files and controllers again, and retry at once what waits",
  details: `Ends with status 2 when the agent is not running. ${asked}`,
  options: controlOptions,
  examples: ["discovery-client rescan"],
  run: async (environment, options) => (await import("./rescan.ts")).rescan(environment, options),
};

const logLevel: CommandSpec = {
  words: ["log-level"],
  about: "Set the log level of the running agent, until it restarts or its settings change it; or print it",
  details: `Ends with status 2 when the agent is not running. ${asked}`,
  options: [
    {
      long: "level",
      value: "LEVEL",
      choices: logLevels,
      operand: true,
      about: `One of ${logLevels.join(", ")}`,
    },
    ...controlOptions,
  ],
  examples: ["discovery-client log-level debug", "discovery-client log-level"],
  run: async (environment, options) => (await import("./log_level.ts")).setLogLevel(environment, options),
};

const trace: CommandSpec = {
  words: ["trace"],
  about: "Record what the running agent's discovery connections carry, for Wireshark and tshark",
  details:
    "From now on, until it is interrupted, for as long as --duration says, or to its limit; connections that are " +
    "open already are recorded too. The file is pcapng, and is whole wherever it breaks off. Ends with status 1 when " +
    `the agent refuses, as it does while another trace is running, and with 2 when it is not running. ${asked}`,
  options: [
    {
      long: "file",
      value: "FILE",
      names: "file",
      operand: true,
      about: "File to write, - for standard output; what stands in it is lost",
    },
    {
      long: "endpoint",
      value: "ADDR[:PORT]",
      many: true,
      about: "Only connections to this IP address, with or without a port",
    },
    { long: "duration", value: "DURATION", about: "The trace ends after so long, such as 30s or 5m" },
    {
      long: "limit",
      value: "MB",
      about: "The trace ends when it has so many megabytes",
      standard: `${limits.traceMegabytes}`,
    },
    ...controlOptions,
  ],
  examples: [
    "discovery-client trace discovery.pcapng --duration 1m",
    "discovery-client trace - --endpoint 10.0.0.1 | tshark -r - -d tcp.port==8009,nvme-tcp",
  ],
  run: async (environment, options) => (await import("./trace.ts")).trace(environment, options),
};

const doctor: CommandSpec = {
  words: ["doctor"],
  about:
    "Check this host, its settings and entry files, the agent, every endpoint and every path, and say what to do",
  details:
    "Needs no running agent and no root; what is for root alone is named. It changes nothing; where a path is not " +
    "live, its target is asked with a Connect of its own, which takes a controller there for a moment. Ends with " +
    "status 0 when nothing fails, though there may be warnings, and with 1 when something does.",
  options: [
    {
      long: "address",
      value: "ADDRESS",
      operand: true,
      about:
        "Go to this endpoint and what its log names alone, or to this referral or path, with or without :port",
    },
    { long: "all", about: "Show what is well too, where it is many" },
    {
      long: "bundle",
      value: "FILE",
      names: "file",
      about: "Collect all of it in a tar.gz archive for a support ticket, without secrets",
    },
    formatOption("text", "json", "yaml"),
    ...controlOptions,
    ...settingOptions(["clientConfigDir", "internalDir", "nvmeHostIDPath", "nvmeDiscoveryConf", "kato"]),
  ],
  examples: [
    "discovery-client doctor",
    "discovery-client doctor 10.0.0.1",
    "discovery-client doctor --bundle ticket.tar.gz",
  ],
  run: async (environment, options) => (await import("./doctor.ts")).doctor(environment, options),
};

export const controlCommands: readonly CommandSpec[] = [status, doctor, watch, trace, rescan, logLevel];

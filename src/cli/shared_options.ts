/** Options that several commands have, so that they look and read the same everywhere. */
import { limits } from "../base/limits.ts";
import type { OptionSpec } from "./command.ts";

export const transportOption: OptionSpec = {
  long: "transport",
  short: "t",
  value: "NAME",
  choices: ["tcp"],
  about: "Transport; tcp is the only one",
  standard: "tcp",
};

export const addressesOption: OptionSpec = {
  long: "addresses",
  short: "a",
  value: "ADDRESS",
  many: true,
  about: "Discovery endpoints, as ip, ip:port, [ipv6]:port or name:port; port 8009 when left out",
};

export const hostnqnOption: OptionSpec = {
  long: "hostnqn",
  short: "q",
  value: "NQN",
  about: "NQN that this host calls itself",
};

export const hostidOption: OptionSpec = {
  long: "hostid",
  short: "I",
  value: "UUID",
  about: "Identifier of this host",
};

export const nqnOption: OptionSpec = { long: "nqn", short: "n", value: "NQN", about: "NQN of the subsystem" };

export function outputOption(standard: "json" | "table"): OptionSpec {
  const choices = ["json", "table"];
  return { long: "output", short: "o", value: "FORMAT", choices, about: "json or table", standard };
}

export const traceOptions: readonly OptionSpec[] = [
  {
    long: "trace",
    value: "FILE",
    names: "file",
    about: "Record the PDUs of its own connections to a pcapng file, as Wireshark and tshark read it",
  },
  {
    long: "trace-endpoint",
    value: "ADDRESS",
    many: true,
    about: "With --trace: only connections to this IP address, with or without a port",
    standard: "all",
  },
  {
    long: "trace-limit",
    value: "MB",
    about: "With --trace: the trace ends when the file has so many megabytes",
    standard: `${limits.traceMegabytes}`,
  },
];

/** The commands that change the kernel's controllers, as rows of the table of commands. */
import type { CommandSpec, OptionSpec } from "./command.ts";
import { connectAllSpellings, connectOptionSpecs } from "./connect_options.ts";
import { configOption, settingOptions } from "./setting_options.ts";
import {
  hostidOption,
  hostnqnOption,
  nqnOption,
  outputOption,
  traceOptions,
  transportOption,
} from "./shared_options.ts";

const ownHostOptions: readonly OptionSpec[] = [
  { ...hostnqnOption, standard: "the host's own, as the file hostnqn beside nvmeHostIDPath tells it" },
  {
    ...hostidOption,
    standard: "the one in use with this NQN, the one in nvmeHostIDPath, or one derived from the NQN",
  },
];

const connect: CommandSpec = {
  words: ["connect"],
  about: "Have the kernel connect one controller",
  details:
    "Prints the controller. One that is connected already is named and left as it is, with status 0. " +
    "A host name is looked up; the first of its addresses that can be connected counts. " +
    "Secrets that no option gives are those of the settings, as for the agent.",
  options: [
    {
      long: "traddr",
      short: "a",
      value: "ADDRESS",
      required: true,
      about: "Address or host name of the controller, with or without a port",
    },
    { long: "trsvcid", short: "s", value: "PORT", about: "Its port", standard: "4420" },
    { ...nqnOption, required: true },
    ...ownHostOptions,
    transportOption,
    ...connectOptionSpecs({ taken: "asnqIto" }),
    outputOption("json"),
    configOption,
    ...settingOptions(["internalDir", "nvmeHostIDPath"]),
  ],
  examples: [
    "discovery-client connect -a 10.0.0.1 -n nqn.2016-01.com.example:volumes " +
    "-q nqn.2014-08.org.example:host1 --ctrl-loss-tmo 600",
  ],
  run: async (environment, options) => (await import("./connect.ts")).connect(environment, options),
};

const connectAll: CommandSpec = {
  words: ["connect-all"],
  about: "Have the kernel connect everything that discovery logs name, once",
  details:
    "Reads the log, follows its referrals, connects every path and prints the controllers. What fails is named " +
    "with its reason, with status 1. It ends when everything was tried once: staying connected is the agent's work. Secrets that no option " +
    "gives are those of the settings; clusterSecrets count by the NQN of the subsystem.",
  options: [
    {
      long: "traddr",
      short: "a",
      value: "ADDRESS",
      many: true,
      required: true,
      about: "Discovery endpoints, as ip, ip:port, [ipv6]:port or name:port",
    },
    { long: "trsvcid", short: "s", value: "PORT", about: "Their port", standard: "8009" },
    ...ownHostOptions,
    transportOption,
    ...connectOptionSpecs({ spelt: connectAllSpellings, taken: "asqItpo" }),
    { long: "no-referrals", about: "Read the logs of the endpoints given alone" },
    {
      long: "persistent",
      short: "p",
      aliases: ["persistant"],
      about: "Understood and without effect: the agent (serve) is what keeps sessions",
    },
    { long: "timeout", value: "DURATION", about: "Longest time the whole may take", standard: "1m" },
    outputOption("json"),
    ...traceOptions,
    configOption,
    ...settingOptions(["internalDir", "nvmeHostIDPath"]),
  ],
  examples: ["discovery-client connect-all -a 10.0.0.1 -q nqn.2014-08.org.example:host1 -m 4 -o table"],
  run: async (environment, options) => (await import("./connect_all.ts")).connectAll(environment, options),
};

const forceOption: OptionSpec = {
  long: "force",
  about: "Take away the last path to a device that is mounted, used for swap or otherwise held, too",
};

const keeping =
  "A controller that is the last path to a device which is mounted, used for swap, held by another " +
  "device or open in a process is named and kept, with status 1. An agent that runs connects again what its entry " +
  "files lead to: remove those first (remove-hostnqn).";

const disconnect: CommandSpec = {
  words: ["disconnect"],
  about: "Take NVMe over Fabrics controllers away from the kernel",
  details: keeping,
  options: [
    {
      long: "device",
      short: "d",
      value: "DEVICE",
      names: "device",
      many: true,
      about: "The controller, as nvme0 or /dev/nvme0",
    },
    { ...nqnOption, about: "All controllers of the subsystem with this NQN" },
    forceOption,
    outputOption("json"),
  ],
  examples: [
    "discovery-client disconnect -d nvme0",
    "discovery-client disconnect -n nqn.2016-01.com.example:volumes",
  ],
  run: async (environment, options) => (await import("./disconnect.ts")).disconnect(environment, options),
};

const disconnectAll: CommandSpec = {
  words: ["disconnect-all"],
  about: "Take all NVMe over Fabrics controllers away from the kernel; PCIe controllers stay",
  details: `Asks first when it runs on a terminal. ${keeping}`,
  options: [
    { long: "yes", short: "y", about: "Do not ask" },
    forceOption,
    outputOption("json"),
  ],
  examples: ["discovery-client disconnect-all --yes"],
  run: async (environment, options) =>
    (await import("./disconnect_all.ts")).disconnectAll(environment, options),
};

export const kernelCommands: readonly CommandSpec[] = [connect, connectAll, disconnect, disconnectAll];

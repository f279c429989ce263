/** discovery.d(5): entry files, their options made of the table that reads them. */
import { discoveryPort } from "../nvme/spec.ts";
import { limits } from "../base/limits.ts";
import { type EntryOption, entryOptions, refusedOptions } from "../config/entry_options.ts";
import { settingsTable } from "../config/settings_table.ts";
import { reservedNamePrefix } from "../model/entry_file_name.ts";
import { entryOptionRange, entryOptionText } from "./entry_option_text.ts";
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

/** Read without a complaint: a test does. */
export const entriesExample: readonly string[] = [
  "# two endpoints of one cluster",
  "-t tcp -a 10.0.0.1 -s 8009 -q nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff -n nqn.2024-01.io.example:cluster",
  "-a 10.0.0.2 -q nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff -n nqn.2024-01.io.example:cluster",
];

export function entriesManPage(): string {
  return troffPage([
    ...titleLines("discovery.d", 5, "discovery endpoints that discovery-client keeps sessions to"),
    ".SH SYNOPSIS",
    `.I ${escaped(settingsTable.clientConfigDir.standard)}*`,
    ".SH DESCRIPTION",
    escaped(
      "Every file in this directory (setting clientConfigDir) is an entry file, whatever it is called, and every line of it " +
        "is one discovery endpoint, as nvme-cli's discovery.conf has them. A line is made of options: long names with one " +
        "or two words (--traddr=ADDRESS, --traddr ADDRESS), letters (-a ADDRESS). Quotes hold a word together. What " +
        "follows # at the start of a word is a comment.",
    ),
    ".P",
    escaped(
      "The endpoints are the union of all files. Files may come, change and go at any time: changes take effect within " +
        "about a second. Removing the last line of a cluster ends its discovery sessions and leaves its volumes connected. " +
        "A bad line is told with file, line and column and costs only itself. Files are never changed by the agent; " +
        `it reads at most ${limits.entryFileBytesMax} bytes of each.`,
    ),
    ".P",
    escaped(
      `Not read are names that start with ${reservedNamePrefix}, for files that are being written, and those that editors ` +
        "leave: .name, name~ and #name#. So write a file under such a name, and then rename it.",
    ),
    ".P",
    escaped(
      `The options -a, -q and -n are mandatory. The port is ${discoveryPort} where none is given, the transport tcp. ` +
        "What a line says about connections goes into the kernel's connects of its own cluster and of no other. " +
        "What a kernel does not know is left out with one warning, but for what secures a connection: the path then waits.",
    ),
    ".SH OPTIONS",
    ...entryOptions.flatMap(optionLines),
    ".P",
    escaped(
      `Refused: ${
        [...refusedOptions].filter(([name]) => name.length > 1).map(([name, why]) =>
          `--${name}, since ${why}`
        )
          .join("; ")
      }.`,
    ),
    ".SH FILES",
    ...termLines(
      ".I /etc/nvme/discovery.conf",
      "nvme-cli's own file, read beside the directory where the setting nvmeDiscoveryConf names it. There -n is the NQN of " +
        "the discovery controller, -q may be left out, and lines of other transports are passed over",
    ),
    ...termLines(
      `.I ${escaped(settingsTable.autoDetectEntries.filename.standard)}`,
      "Written by the agent where no endpoint is known at all and the kernel has controllers to deduce some from " +
        "(setting autoDetectEntries)",
    ),
    ".SH EXAMPLES",
    ...exampleLines(entriesExample),
    ".P",
    ".BR discovery\\-client\\-add\\-hostnqn (8)",
    "writes such a file,",
    ".BR discovery\\-client\\-remove\\-hostnqn (8)",
    "removes it.",
    ...seeAlsoLines([
      ["discovery-client", 8],
      ["discovery-client-add-hostnqn", 8],
      ["discovery-client.yaml", 5],
    ]),
  ]);
}

function optionLines(option: EntryOption): string[] {
  const { names, short, read } = option;
  const { value, about } = entryOptionText(option);
  const shown = [...short === undefined ? [] : [`-${short}`], ...names.map((name) => `--${name}`)].map(bold);
  const range = entryOptionRange(option);
  return termLines(
    `${shown.join(", ")}${read === undefined ? "" : ` ${italic(value)}`}`,
    about,
    range === "" ? "" : `From ${range}.`,
  );
}

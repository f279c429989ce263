/** The completion script for fish: one `complete` line a word or option. */
import type { CommandSpec, CommandTable, OptionSpec } from "./command.ts";
import { type CommandWord, firstWords, secondWords } from "./command_words.ts";
import { helpOption, programOptions } from "./option_text.ts";

const head = `# fish completion for discovery-client, made by: discovery-client completion fish

# Whether the command line so far is exactly these words.
function __discovery_client_at
    set -l words (commandline -opc)
    set -e words[1]
    test "$words" = "$argv"
end

# Whether the command line starts with these words.
function __discovery_client_in
    set -l words (commandline -opc)
    set -e words[1]
    test (count $words) -ge (count $argv); or return 1
    set -l start $words[1..(count $argv)]
    test "$start" = "$argv"
end

complete -c discovery-client -f
`;

export function fishCompletion(table: CommandTable): string {
  const words = firstWords(table);
  const lines = [
    ...wordLines("", [...words, { word: "help", about: "Explain a command" }]),
    ...wordLines("help", words),
    ...words.flatMap(({ word }) => wordLines(word, secondWords(table, word))),
    ...programOptions.map((option) => optionLine("__discovery_client_at", option)),
    ...table.commands.flatMap(commandLines),
  ];
  return `${head}${lines.join("\n")}\n`;
}

function wordLines(before: string, words: readonly CommandWord[]): string[] {
  const condition = quote(`__discovery_client_at ${before}`.trimEnd());
  return words.map(({ word, about }) =>
    `complete -c discovery-client -n ${condition} -a ${quote(word)} -d ${quote(about)}`
  );
}

function commandLines({ words, options }: CommandSpec): string[] {
  const condition = `__discovery_client_in ${words.join(" ")}`;
  const operands = options.filter(({ operand }) => operand).map((option) => operandLine(condition, option));
  return [...[...options, helpOption].map((option) => optionLine(condition, option)), ...operands];
}

/** Files are off for the program as a whole: where a word may be one, that is said. */
function operandLine(condition: string, option: OptionSpec): string {
  return `complete -c discovery-client -n ${quote(condition)}${valueWords(option).replace(/^ -[rx]/, "")}`;
}

function optionLine(condition: string, option: OptionSpec): string {
  const short = option.short === undefined ? "" : ` -s ${option.short}`;
  const names = `${short} -l ${option.long}${valueWords(option)}`;
  return `complete -c discovery-client -n ${quote(condition)}${names} -d ${quote(option.about)}`;
}

function valueWords({ value, valueOptional, choices, names }: OptionSpec): string {
  // A value that may be left out stands behind `=`, which fish completes by its own means.
  if (value === undefined || valueOptional) return "";
  if (choices !== undefined) return ` -x -a ${quote(choices.join(" "))}`;
  switch (names) {
    case "file":
      return " -r -F";
    case "directory":
      return ` -x -a '(__fish_complete_directories)'`;
    case "device":
      return ` -x -a '(path basename /sys/class/nvme/nvme*)'`;
    default:
      return " -x";
  }
}

/** In single quotes fish knows two escapes. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

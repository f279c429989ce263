/** The completion script for zsh: one `_arguments` call a command. */
import type { CommandSpec, CommandTable, OptionSpec } from "./command.ts";
import { type CommandWord, firstWords, secondWords } from "./command_words.ts";
import { helpOption, programOptions } from "./option_text.ts";

export function zshCompletion(table: CommandTable): string {
  const words = firstWords(table);
  return [
    "#compdef discovery-client",
    "# zsh completion for discovery-client, made by: discovery-client completion zsh",
    "",
    "_discovery_client() {",
    "  # After help stand the same words as without it.",
    "  if [[ $words[2] == help ]] && (( CURRENT > 2 )); then shift words; (( CURRENT-- )); fi",
    "  if (( CURRENT == 2 )); then",
    ...wordLines([...words, { word: "help", about: "Explain a command" }], "    "),
    ...argumentLines(programOptions, "    "),
    "    return",
    "  fi",
    "  local command=$words[2]",
    "  shift words; (( CURRENT-- ))",
    '  case "$command" in',
    ...words.flatMap(({ word }) => firstWordCase(table, word)),
    "  esac",
    "}",
    "",
    "# Autoloaded it is called at once, sourced it is made known.",
    'if [[ $funcstack[1] == _discovery_client ]]; then _discovery_client "$@"; else compdef _discovery_client discovery-client; fi',
    "",
  ].join("\n");
}

function firstWordCase(table: CommandTable, first: string): string[] {
  const seconds = secondWords(table, first);
  const specs = table.commands.filter(({ words }) => words[0] === first);
  if (seconds.length === 0) {
    return [`    ${quote(first)})`, ...specs.flatMap((spec) => commandLines(spec, "      ")), "      ;;"];
  }
  return [
    `    ${quote(first)})`,
    "      if (( CURRENT == 2 )); then",
    ...wordLines(seconds, "        "),
    "        return",
    "      fi",
    "      command=$words[2]",
    "      shift words; (( CURRENT-- ))",
    '      case "$command" in',
    ...specs.flatMap((spec) => [
      `        ${quote(spec.words[1] ?? "")})`,
      ...commandLines(spec, "          "),
      "          ;;",
    ]),
    "      esac",
    "      ;;",
  ];
}

function wordLines(words: readonly CommandWord[], indent: string): string[] {
  const items = words.map(({ word, about }) => quote(`${word}:${about}`));
  return [
    `${indent}local -a choices=(`,
    ...items.map((item) => `${indent}  ${item}`),
    `${indent})`,
    `${indent}_describe -t commands command choices`,
  ];
}

function commandLines({ options }: CommandSpec, indent: string): string[] {
  return argumentLines([...options, helpOption], indent);
}

function argumentLines(options: readonly OptionSpec[], indent: string): string[] {
  const operands = options.filter(({ operand }) => operand).map((option) => quote(`::${argumentOf(option)}`));
  const specs = [...options.flatMap(argumentSpecs), ...operands].map((spec) => `${indent}  ${spec}`);
  return [`${indent}_arguments -s -S \\`, specs.join(" \\\n")];
}

/** `'(-o --output)-o+[json or table]:FORMAT:(json table)'`, and the same for `--output=`. */
function argumentSpecs(option: OptionSpec): string[] {
  const { long, short, about, value, valueOptional, many } = option;
  const all = [...short === undefined ? [] : [`-${short}`], `--${long}`];
  const exclusion = many ? "*" : `(${all.join(" ")})`;
  const text = `[${about.replace(/[\\[\]]/g, "\\$&")}]`;
  if (value === undefined) return all.map((name) => quote(`${exclusion}${name}${text}`));
  const argument = argumentOf(option);
  if (!valueOptional) {
    return all.map((name) => {
      const mark = name.startsWith("--") ? "=" : "+";
      return quote(`${exclusion}${name}${mark}${text}:${argument}`);
    });
  }
  // A value that may be left out stands behind `=`; the short form is completed without one.
  return all.map((name) =>
    quote(`${exclusion}${name.startsWith("--") ? `${name}=-${text}::${argument}` : `${name}${text}`}`)
  );
}

/** `FORMAT:(json table)`. */
function argumentOf({ value = "", choices, names }: OptionSpec): string {
  const action = choices !== undefined ? `(${choices.join(" ")})` : actions[names ?? "text"];
  return `${value.replaceAll(":", "\\:")}:${action}`;
}

const actions = {
  file: "_files",
  directory: "_files -/",
  device: "(/sys/class/nvme/nvme*(N:t))",
  // Nothing is known about it: a blank says so.
  text: " ",
} as const;

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The completion script for bash; needs nothing beside bash 4, bash-completion's own functions included. */
import type { CommandSpec, CommandTable, OptionSpec } from "./command.ts";
import { firstWords, secondWords } from "./command_words.ts";
import { helpOption, programOptions } from "./option_text.ts";

export function bashCompletion(table: CommandTable): string {
  return [
    "# bash completion for discovery-client, made by: discovery-client completion bash",
    "",
    "# What may follow these words of the command line.",
    "_discovery_client_words() {",
    '  case "$1" in',
    ...wordCases(table),
    "  esac",
    "}",
    "",
    "# What an option's value is: words, or <file>, <directory>, <device>, <text>; nothing for a flag.",
    "_discovery_client_value() {",
    '  case "$1" in',
    ...table.commands.flatMap(valueCases),
    "  esac",
    "}",
    "",
    mainFunction,
    "",
  ].join("\n");
}

function wordCases(table: CommandTable): string[] {
  const words = firstWords(table).map(({ word }) => word);
  const groups = words.filter((word) => secondWords(table, word).length > 0);
  return [
    wordCase("", [...words, "help", ...programOptions.flatMap(spellings)]),
    wordCase("help", words),
    ...groups.map((group) =>
      wordCase(group, [...secondWords(table, group).map(({ word }) => word), ...spellings(helpOption)])
    ),
    ...groups.map((group) => wordCase(`help ${group}`, secondWords(table, group).map(({ word }) => word))),
    ...table.commands.map(({ words, options }) =>
      wordCase(words.join(" "), [...options, helpOption].flatMap(spellings))
    ),
  ];
}

function wordCase(words: string, replies: readonly string[]): string {
  return `    ${quote(words)}) echo ${quote(replies.join(" "))} ;;`;
}

function spellings({ long, short }: OptionSpec): string[] {
  return [`--${long}`, ...short === undefined ? [] : [`-${short}`]];
}

function valueCases({ words, options }: CommandSpec): string[] {
  return options.filter(({ value }) => value !== undefined).map((option) => {
    const names = [...spellings(option), ...option.operand ? ["<operand>"] : []];
    const patterns = names.map((name) => quote(`${words.join(" ")} ${name}`)).join(" | ");
    return `    ${patterns}) echo ${quote(valueText(option))} ;;`;
  });
}

function valueText({ choices, names }: OptionSpec): string {
  return choices?.join(" ") ?? `<${names ?? "text"}>`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// Bash parts words at `=` too, unless the user says otherwise: `--output=js` comes as three words or as one.
const mainFunction = String.raw`_discovery_client() {
  local current=${"$"}{COMP_WORDS[COMP_CWORD]} previous=${"$"}{COMP_WORDS[COMP_CWORD-1]} prefix= command= next at value
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    next=${"$"}{command:+$command }${"$"}{COMP_WORDS[at]}
    [[ -n $(_discovery_client_words "$next") ]] || break
    command=$next
  done
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=${"$"}{COMP_WORDS[COMP_CWORD-2]}
  elif [[ $current == -*=* ]]; then
    previous=${"$"}{current%%=*} prefix=${"$"}{current%%=*}= current=${"$"}{current#*=}
  elif [[ $current == -* ]]; then
    previous=
  fi
  value=
  [[ $previous == -* ]] && value=$(_discovery_client_value "$command $previous")
  [[ -n $value || $current == -* ]] || value=$(_discovery_client_value "$command <operand>")
  case "$value" in
    '<file>') compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    '<directory>') compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    '<device>') mapfile -t COMPREPLY < <(compgen -W "$(cd /sys/class/nvme 2>/dev/null && compgen -G 'nvme*')" -- "$current") ;;
    '<text>') ;;
    '') mapfile -t COMPREPLY < <(compgen -W "$(_discovery_client_words "$command")" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$value" -- "$current") ;;
  esac
  [[ -z $prefix ]] || COMPREPLY=("${"$"}{COMPREPLY[@]/#/$prefix}")
}

complete -F _discovery_client discovery-client`;

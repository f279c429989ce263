/** The manual as man pages: the program and its commands. The pages of its files are made beside it. */
import type { CommandSpec, CommandTable, OptionSpec } from "./command.ts";
import { entriesManPage } from "./entries_man_page.ts";
import { filesText, statusText } from "./manual_text.ts";
import { helpOption, optionHelp, programOptions } from "./option_text.ts";
import { settingsManPage } from "./settings_man_page.ts";
import {
  bold,
  escaped,
  exampleLines,
  italic,
  quoted,
  seeAlsoLines,
  sentence,
  termLines,
  titleLines,
  troffPage,
} from "./troff.ts";

const filePages = [["discovery-client.yaml", 5], ["discovery.d", 5]] as const;

/** discovery-client(8) with every command in it. */
export function wholeManPage(table: CommandTable): string {
  return troffPage([
    ...titleLines("discovery-client", 8, table.about),
    ...overviewLines(table),
    ".SH COMMANDS",
    ...table.commands.flatMap((spec) => [
      `.SS ${quoted(spec.words.join(" "))}`,
      ...aboutLines(spec),
      ...spec.options.flatMap(optionLines),
      ...spec.examples.length === 0 ? [] : [".P", ...exampleLines(spec.examples)],
    ]),
    ...endLines(),
    ...seeAlsoLines(filePages),
  ]);
}

/** discovery-client(8) as an overview, a page for each command, and those of the files. */
export function manPages(table: CommandTable): { fileName: string; text: string }[] {
  const overview = troffPage([
    ...titleLines("discovery-client", 8, table.about),
    ...overviewLines(table),
    ".SH COMMANDS",
    ...table.commands.flatMap((spec) => termLines(`.B ${escaped(spec.words.join(" "))}`, spec.about)),
    ...endLines(),
    ...seeAlsoLines([...table.commands.map((spec) => [pageName(spec), 8] as const), ...filePages]),
  ]);
  const pages = table.commands.map((spec) => ({ fileName: `${pageName(spec)}.8`, text: commandPage(spec) }));
  return [
    { fileName: "discovery-client.8", text: overview },
    ...pages,
    { fileName: "discovery-client.yaml.5", text: settingsManPage() },
    { fileName: "discovery.d.5", text: entriesManPage() },
  ];
}

function commandPage(spec: CommandSpec): string {
  return troffPage([
    ...titleLines(pageName(spec), 8, spec.about),
    ".SH SYNOPSIS",
    ".B discovery\\-client",
    `.B ${escaped(spec.words.join(" "))}`,
    "[options]",
    ...spec.options.filter(({ operand }) => operand).map(({ value = "" }) => `[${italic(value)}]`),
    ".SH DESCRIPTION",
    ...aboutLines(spec),
    ".SH OPTIONS",
    ...[...spec.options, helpOption].flatMap(optionLines),
    ".SH EXAMPLES",
    ...exampleLines(spec.examples),
    ...endLines(),
    ...seeAlsoLines([["discovery-client", 8], ...filePages]),
  ]);
}

function pageName({ words }: CommandSpec): string {
  return ["discovery-client", ...words].join("-");
}

function overviewLines(table: CommandTable): string[] {
  return [
    ".SH SYNOPSIS",
    ".B discovery\\-client",
    ".I command",
    "[options]",
    ".SH DESCRIPTION",
    escaped(sentence(table.about)),
    ".SH OPTIONS",
    ...programOptions.flatMap(optionLines),
  ];
}

function aboutLines({ about, details }: CommandSpec): string[] {
  return [escaped(sentence(about)), ...details === undefined ? [] : details.split("\n").map(escaped)];
}

function optionLines(option: OptionSpec): string[] {
  const { long, short, value, valueOptional } = option;
  const names = [...short === undefined ? [] : [`-${short}`], `--${long}`].map(bold);
  const shown = value === undefined ? "" : valueOptional ? ` [${italic(value)}]` : ` ${italic(value)}`;
  return termLines(`${names.join(", ")}${shown}`, optionHelp(option));
}

function endLines(): string[] {
  return [
    ".SH FILES",
    ...filesText.flatMap(([path, about]) => termLines(`.I ${escaped(path)}`, about)),
    ".SH EXIT STATUS",
    ...statusText.flatMap(([status, about]) => termLines(`.B ${status}`, about)),
  ];
}

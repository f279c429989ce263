/** The manual as man pages: troff with the `man` macros (man(7)), for groff and mandoc. */
import { versionText } from "../base/version.ts";
import type { CommandSpec, CommandTable, OptionSpec } from "./command.ts";
import { filesText, statusText } from "./manual_text.ts";
import { helpOption, optionHelp, programOptions } from "./option_text.ts";

/** discovery-client(8) with every command in it. */
export function wholeManPage(table: CommandTable): string {
  return page([
    ...titleLines("discovery-client", table.about),
    ...overviewLines(table),
    ".SH COMMANDS",
    ...table.commands.flatMap((spec) => [
      `.SS ${quoted(spec.words.join(" "))}`,
      ...aboutLines(spec),
      ...spec.options.flatMap(optionLines),
      ...exampleLines(spec, ".P"),
    ]),
    ...endLines(),
  ]);
}

/** discovery-client(8) as an overview, and a page for each command. */
export function manPages(table: CommandTable): { fileName: string; text: string }[] {
  const names = table.commands.map(pageName);
  const overview = page([
    ...titleLines("discovery-client", table.about),
    ...overviewLines(table),
    ".SH COMMANDS",
    ...table.commands.flatMap((
      spec,
    ) => [".TP", `.B ${escape(spec.words.join(" "))}`, escape(sentence(spec.about))]),
    ...endLines(),
    ".SH SEE ALSO",
    names.map((name) => `.BR ${escape(name)} (8)`).join(" ,\n"),
  ]);
  const pages = table.commands.map((spec) => ({ fileName: `${pageName(spec)}.8`, text: commandPage(spec) }));
  return [{ fileName: "discovery-client.8", text: overview }, ...pages];
}

function commandPage(spec: CommandSpec): string {
  return page([
    ...titleLines(pageName(spec), spec.about),
    ".SH SYNOPSIS",
    ".B discovery\\-client",
    `.B ${escape(spec.words.join(" "))}`,
    "[options]",
    ...spec.options.filter(({ operand }) => operand).map(({ value = "" }) => `[\\fI${escape(value)}\\fR]`),
    ".SH DESCRIPTION",
    ...aboutLines(spec),
    ".SH OPTIONS",
    ...[...spec.options, helpOption].flatMap(optionLines),
    ".SH EXAMPLES",
    ...exampleLines(spec, ""),
    ...endLines(),
    ".SH SEE ALSO",
    ".BR discovery\\-client (8)",
  ]);
}

function pageName({ words }: CommandSpec): string {
  return ["discovery-client", ...words].join("-");
}

function page(lines: readonly string[]): string {
  return `${lines.filter((line) => line !== "").join("\n")}\n`;
}

/** No date: the same program gives the same page. */
function titleLines(name: string, about: string): string[] {
  const version = `discovery-client ${versionText()}`;
  return [
    `.TH ${quoted(name.toUpperCase())} 8 "" ${quoted(version)} "System Manager\\(aqs Manual"`,
    // Not stretched: long names leave wide gaps.
    ".ad l",
    ".SH NAME",
    `${escape(name)} \\- ${escape(about)}`,
  ];
}

function overviewLines(table: CommandTable): string[] {
  return [
    ".SH SYNOPSIS",
    ".B discovery\\-client",
    ".I command",
    "[options]",
    ".SH DESCRIPTION",
    escape(sentence(table.about)),
    ".SH OPTIONS",
    ...programOptions.flatMap(optionLines),
  ];
}

function aboutLines({ about, details }: CommandSpec): string[] {
  return [escape(sentence(about)), ...details === undefined ? [] : details.split("\n").map(escape)];
}

function optionLines(option: OptionSpec): string[] {
  const { long, short, value, valueOptional } = option;
  const names = [...short === undefined ? [] : [`-${short}`], `--${long}`].map((name) =>
    `\\fB${escape(name)}\\fR`
  );
  const shown = value === undefined
    ? ""
    : valueOptional
    ? ` [\\fI${escape(value)}\\fR]`
    : ` \\fI${escape(value)}\\fR`;
  return [".TP", `${names.join(", ")}${shown}`, escape(sentence(optionHelp(option)))];
}

function exampleLines({ examples }: CommandSpec, before: string): string[] {
  if (examples.length === 0) return [];
  return [before, ".EX", ...examples.map(escape), ".EE"];
}

function endLines(): string[] {
  return [
    ".SH FILES",
    ...filesText.flatMap(([path, about]) => [".TP", `.I ${escape(path)}`, escape(sentence(about))]),
    ".SH EXIT STATUS",
    ...statusText.flatMap(([status, about]) => [".TP", `.B ${status}`, escape(sentence(about))]),
  ];
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Text that troff prints as it is: no command at the start of a line, no escape, hyphens that can be copied. */
function escape(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("'", "\\(aq").replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha").replaceAll("~", "\\(ti").replace(/[^\x20-\x7e]/gu, codePoint)
    .replace(/^[.']/, "\\&$&");
}

function codePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `\\[u${hex}]`;
}

/** One argument of a macro. */
function quoted(text: string): string {
  return `"${escape(text).replaceAll('"', "\\(dq")}"`;
}

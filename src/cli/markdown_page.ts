/** The manual as Markdown (CommonMark with tables). */
import { versionText } from "../base/version.ts";
import type { CommandSpec, CommandTable, OptionSpec } from "./command.ts";
import { filesText, statusText } from "./manual_text.ts";
import { helpOption, optionTerm, programOptions } from "./option_text.ts";

export function wholeMarkdownPage(table: CommandTable): string {
  return page([
    ...overview(table),
    ...table.commands.flatMap((spec) => commandBlocks(spec, "##")),
    ...endBlocks(),
  ]);
}

/** An overview that leads to a page for each command. */
export function markdownPages(table: CommandTable): { fileName: string; text: string }[] {
  const rows = table.commands.map((
    spec,
  ) => [`[${spec.words.join(" ")}](${fileName(spec)})`, escape(spec.about)]);
  const first = page([...overview(table), formatRows(["command", "what it does"], rows), ...endBlocks()]);
  const pages = table.commands.map((spec) => ({
    fileName: fileName(spec),
    text: page([...commandBlocks(spec, "#"), "[discovery-client](discovery-client.md)"]),
  }));
  return [{ fileName: "discovery-client.md", text: first }, ...pages];
}

function fileName({ words }: CommandSpec): string {
  return `${["discovery-client", ...words].join("_")}.md`;
}

function page(blocks: readonly string[]): string {
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function overview(table: CommandTable): string[] {
  return [
    "# discovery-client",
    `${escape(table.about)}. This is version ${versionText()}.`,
    "```\ndiscovery-client <command> [options]\n```",
    optionRows(programOptions),
  ];
}

function commandBlocks({ words, about, details, options, examples }: CommandSpec, mark: string): string[] {
  return [
    `${mark} discovery-client ${words.join(" ")}`,
    `${escape(about)}.`,
    details === undefined ? "" : escape(details),
    optionRows([...options, helpOption]),
    examples.length === 0 ? "" : `\`\`\`\n${examples.join("\n")}\n\`\`\``,
  ];
}

function endBlocks(): string[] {
  return [
    "## Files",
    formatRows(["file", "what it is"], filesText.map(([path, about]) => [escape(path), escape(about)])),
    "## Exit status",
    formatRows(["status", "meaning"], statusText.map(([status, about]) => [status, escape(about)])),
  ];
}

function optionRows(options: readonly OptionSpec[]): string {
  const rows = options.map((option) => {
    const { about, required, many, operand, standard, envName } = option;
    const notes = [
      required ? "required" : "",
      operand ? "may stand without its name" : "",
      many ? "may be repeated, or a comma list" : "",
    ].filter(Boolean);
    return [
      code(optionTerm(option)),
      escape(notes.length === 0 ? about : `${about} (${notes.join(", ")})`),
      escape(standard ?? ""),
      envName === undefined ? "" : code(envName),
    ];
  });
  return formatRows(["option", "what it does", "default", "environment"], rows);
}

function formatRows(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(heading), line(heading.map(() => "---")), ...rows.map(line)].join("\n");
}

function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

/** Text that stays text, also in a cell of a table. */
function escape(text: string): string {
  return text.replace(/[\\`*_<>[\]|]/g, "\\$&");
}

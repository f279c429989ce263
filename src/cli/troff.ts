/** A manual page's text: troff with the `man` macros (man(7)), for groff and mandoc. Knows no command and no setting. */
import { versionText } from "../base/version.ts";

/** Width that lines of the source are wrapped at; only people who read the source see it. */
const sourceColumns = 78;

/** A page of lines; empty ones are left out. Lines between .EX and .EE stay as they are. */
export function troffPage(lines: readonly string[]): string {
  let isExample = false;
  const wrapped = lines.filter((line) => line !== "").flatMap((line) => {
    if (line === ".EX" || line === ".EE") isExample = line === ".EX";
    return isExample || line.startsWith(".") ? [line] : wrapLine(line);
  });
  return `${wrapped.join("\n")}\n`;
}

/** A sentence begins a line, as mandoc would have it; an end of line is a blank to troff. */
function wrapLine(line: string): string[] {
  return line.split(/(?<=[^.][.!?]\)?) (?=[A-Z\\])/).flatMap((text) => {
    const lines: string[] = [];
    let rest = text;
    while (rest.length > sourceColumns) {
      const at = rest.lastIndexOf(" ", sourceColumns);
      if (at <= 0) break;
      lines.push(rest.slice(0, at));
      rest = rest.slice(at + 1);
    }
    return [...lines, rest].map((part) => part.replace(/^[.']/, "\\&$&"));
  });
}

/** No date: the same program gives the same page. */
export function titleLines(name: string, section: 5 | 8, about: string): string[] {
  const version = `discovery-client ${versionText()}`;
  const manual = section === 8 ? "System Manager\\(aqs Manual" : "File Formats Manual";
  return [
    `.TH ${quoted(name.toUpperCase())} ${section} "" ${quoted(version)} "${manual}"`,
    // Not stretched: long names leave wide gaps.
    ".ad l",
    ".SH NAME",
    `${escaped(name)} \\- ${escaped(about)}`,
  ];
}

/** Something and what it means; `term` is troff already. */
export function termLines(term: string, ...texts: readonly string[]): string[] {
  return [".TP", term, ...texts.filter((text) => text !== "").map((text) => escaped(sentence(text)))];
}

/** Lines to be typed or read as they are. */
export function exampleLines(lines: readonly string[]): string[] {
  return lines.length === 0
    ? []
    : [".EX", ...lines.map((line) => line === "" ? "\\&" : escaped(line)), ".EE"];
}

/** `name(8), other(5)`. */
export function seeAlsoLines(pages: readonly (readonly [name: string, section: number])[]): string[] {
  return [".SH SEE ALSO", pages.map(([name, section]) => `.BR ${escaped(name)} (${section})`).join(" ,\n")];
}

export function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${escaped(text)}\\fR`;
}

export function sentence(text: string): string {
  return /[.!?:]$/.test(text) ? text : `${text}.`;
}

/** Text that troff prints as it is: no command at the start of a line, no escape, hyphens that can be copied. */
export function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("'", "\\(aq").replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha").replaceAll("~", "\\(ti").replace(/[^\x20-\x7e]/gu, codePoint)
    .replace(/^[.']/, "\\&$&");
}

function codePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `\\[u${hex}]`;
}

/** One argument of a macro. */
export function quoted(text: string): string {
  return `"${escaped(text).replaceAll('"', "\\(dq")}"`;
}

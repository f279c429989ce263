/**
 * Indented lines, some with cells in columns before their text: aligned, wrapped where a terminal says how wide it is,
 * coloured where it has colours. Whatever a text holds is printable here. Pure.
 */
import { printable } from "./table.ts";

export interface OutlineLine {
  /** Steps of two blanks. */
  readonly indent?: number;
  /** Aligned with those of the other lines. */
  readonly cells?: readonly string[];
  readonly text: string;
  readonly tone?: Tone;
}

export type Tone = "good" | "bad" | "uncertain" | "faint" | "strong";

export interface OutlineLook {
  /** Width to wrap at; undefined: nothing is wrapped. */
  readonly columns?: number;
  readonly hasColours: boolean;
}

/** SGR codes (ECMA-48): green, red, yellow, dim, bold. */
const colours: Readonly<Record<Tone, string>> = {
  good: "32",
  bad: "31",
  uncertain: "33",
  faint: "2",
  strong: "1",
};

/** Less room than this for a wrapped text, and it goes below its cells. */
const roomMin = 30;

export function formatOutline(lines: readonly OutlineLine[], look: OutlineLook): string {
  const printed = lines.map((line) => ({
    ...line,
    text: printable(line.text),
    cells: line.cells?.map(printable),
  }));
  const widths = columnWidths(printed);
  return printed.map((line) => `${formatLine(line, widths, look)}\n`).join("");
}

function columnWidths(lines: readonly OutlineLine[]): number[] {
  const widths: number[] = [];
  for (const { indent = 0, cells = [] } of lines) {
    for (const [at, cell] of cells.entries()) {
      const width = cell.length + (at === 0 ? indent * 2 : 0);
      widths[at] = Math.max(widths[at] ?? 0, width);
    }
  }
  return widths;
}

function formatLine(
  line: OutlineLine,
  widths: readonly number[],
  { columns, hasColours }: OutlineLook,
): string {
  const { indent = 0, cells, text, tone } = line;
  const paint = (part: string, inTone = tone) =>
    hasColours && inTone !== undefined && part !== "" ? `\x1b[${colours[inTone]}m${part}\x1b[0m` : part;
  const blanks = "  ".repeat(indent);
  if (cells === undefined) {
    return wrap(text, columns === undefined ? Infinity : columns - blanks.length)
      .map((part) => `${blanks}${paint(part)}`.trimEnd()).join(`\n  `);
  }
  const padded = cells.map((cell, at) => cell.padEnd((widths[at] ?? 0) - (at === 0 ? blanks.length : 0)));
  const start = `${blanks}${padded.join("  ")}  `;
  // The second cell is the state: it alone has the colour, so that the rest can be read.
  const painted = `${blanks}${padded.map((cell, at) => at === 1 ? paint(cell) : cell).join("  ")}  `;
  const room = columns === undefined ? Infinity : columns - start.length;
  if (room >= roomMin) {
    return wrap(text, room).map((part, at) => at === 0 ? painted + part : " ".repeat(start.length) + part)
      .map((part) => part.trimEnd()).join("\n");
  }
  const below = `${blanks}    `;
  const parts = wrap(text, Math.max(roomMin, (columns ?? 0) - below.length));
  return [painted.trimEnd(), ...parts.filter((part) => part !== "").map((part) => below + part)].join("\n");
}

/** Breaks at blanks; a word that is too long stays whole. */
function wrap(text: string, width: number): string[] {
  if (text.length <= width) return [text];
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

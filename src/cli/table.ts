/** Plain tables: columns as wide as their widest cell, two blanks between, no lines, nothing cut. */

/**
 * Each row ends with a newline. Columns in which no row has anything are left out. Cells are made printable: what
 * comes from the network shall not steer a terminal.
 */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const isFilled = (column: number) => rows.length === 0 || rows.some((row) => (row[column] ?? "") !== "");
  const columns = header.map((_, column) => column).filter(isFilled);
  const table = [header, ...rows].map((row) => columns.map((column) => printable(row[column] ?? "")));
  const widths = columns.map((_, column) => Math.max(...table.map((row) => [...row[column] ?? ""].length)));
  return table.map((row) => {
    const cells = row.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - [...cell].length));
    return `${cells.join("  ").trimEnd()}\n`;
  }).join("");
}

/** The text with everything that is no printable character as `\xNN` or `\u{N}`. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

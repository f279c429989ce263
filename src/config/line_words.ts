/**
 * A line of text taken apart into words, like a shell does for simple cases: words stand between blanks, quotes hold
 * a word together (`'…'` as it is, `"…"` with `\"` and `\\`), `#` at the start of a word begins a comment. Expands
 * nothing.
 */
export interface LineWord {
  readonly text: string;
  /** 1-based column of its first character. */
  readonly column: number;
}

/** The words, or the column of a quote that nobody closes. */
export function splitLineWords(line: string): LineWord[] | { readonly unclosedQuoteColumn: number } {
  const words: LineWord[] = [];
  let at = 0;
  while (true) {
    while (isBlank(line.charCodeAt(at))) at++;
    if (at >= line.length || line[at] === "#") return words;
    const start = at;
    let text = "";
    while (at < line.length && !isBlank(line.charCodeAt(at))) {
      const plainStart = at;
      while (at < line.length && isPlain(line.charCodeAt(at))) at++;
      text += line.slice(plainStart, at);
      if (line[at] !== '"' && line[at] !== "'") continue;
      const quoted = readQuoted(line, at);
      if (quoted === null) return { unclosedQuoteColumn: at + 1 };
      text += quoted.text;
      at = quoted.end;
    }
    words.push({ text, column: start + 1 });
  }
}

/** One word as `splitLineWords` reads it back; `text` has no control characters. */
export function quoteLineWord(text: string): string {
  if (text !== "" && !/[\s"'#]/.test(text)) return text;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function readQuoted(line: string, start: number): { text: string; end: number } | null {
  const quote = line[start];
  let text = "";
  for (let at = start + 1; at < line.length; at++) {
    const char = line[at];
    if (char === quote) return { text, end: at + 1 };
    const next = line[at + 1];
    if (quote === '"' && char === "\\" && (next === '"' || next === "\\")) {
      text += next;
      at++;
    } else text += char;
  }
  return null;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d;
}

function isPlain(code: number): boolean {
  return !isBlank(code) && code !== 0x22 && code !== 0x27;
}

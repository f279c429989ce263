/**
 * Foreign text made fit for a message: printable ASCII on one line, in double quotes, of bounded length. What cannot
 * be printed comes as `\xNN` or `\u{N}`. Keeps no secrets: callers do not pass any.
 */
export function quoteText(text: string, charsMax = 80): string {
  const clipped = text.length > charsMax;
  const shown = (clipped ? text.slice(0, charsMax) : text).replace(/[^\x20-\x7e]|["\\]/gu, escapeChar);
  return clipped ? `"${shown}…" (${text.length} characters)` : `"${shown}"`;
}

function escapeChar(char: string): string {
  if (char === '"' || char === "\\") return `\\${char}`;
  const code = char.codePointAt(0) ?? 0;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

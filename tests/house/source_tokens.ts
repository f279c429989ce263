/**
 * Splits TypeScript into tokens, just well enough for the house rules: words, strings, templates, regular
 * expressions and comments are told apart, so that a rule never mistakes a word in a comment for code.
 * Checks no syntax; text that is no TypeScript gives tokens too, never an error or an endless loop.
 */

export interface Token {
  readonly kind: "word" | "string" | "template" | "regex" | "comment" | "mark";
  /** As written; for a string without its quotes. */
  readonly text: string;
  /** 1-based. */
  readonly line: number;
}

/** After these a slash begins a regular expression, not a division. */
const wordsBeforeRegex = new Set(
  "return typeof case in of instanceof new delete void throw else do yield await default extends".split(" "),
);

/** The comments are among the tokens; `codeTokens` leaves them out. */
export function sourceTokens(source: string): Token[] {
  return new Lexer(source).run();
}

export function codeTokens(tokens: readonly Token[]): Token[] {
  return tokens.filter((token) => token.kind !== "comment");
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  /** For every template that is open: how many braces are open inside its `${`. */
  readonly #templateBraces: number[] = [];
  #at = 0;
  #line = 1;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#step();
    return this.#tokens;
  }

  #step(): void {
    const source = this.#source;
    const at = this.#at;
    const character = source[at]!;
    if (/\s/.test(character)) this.#skip(1);
    else if (source.startsWith("#!", at) && at === 0) this.#take("comment", this.#lineEnd());
    else if (source.startsWith("//", at)) this.#take("comment", this.#lineEnd());
    else if (source.startsWith("/*", at)) this.#take("comment", this.#after("*/", at + 2));
    else if (character === '"' || character === "'") this.#takeString(character);
    else if (character === "`") this.#takeTemplate();
    else if (character === "/" && this.#regexMayStart() && this.#regexEnd() > 0) {
      this.#take("regex", this.#regexEnd());
    } else if (/[A-Za-z0-9_$\u0080-\uffff]/.test(character)) this.#takeWord();
    else this.#takeMark(character);
  }

  #takeWord(): void {
    const pattern = /[A-Za-z0-9_$\u0080-\uffff]+/y;
    pattern.lastIndex = this.#at;
    this.#take("word", this.#at + pattern.exec(this.#source)![0].length);
  }

  #takeMark(character: string): void {
    const open = this.#templateBraces.length - 1;
    if (open >= 0 && character === "{") this.#templateBraces[open]!++;
    if (open >= 0 && character === "}" && this.#templateBraces[open]!-- === 0) {
      this.#templateBraces.pop();
      this.#takeTemplate();
      return;
    }
    this.#take("mark", this.#at + (this.#source.startsWith("?.", this.#at) ? 2 : 1));
  }

  #takeString(quote: string): void {
    let end = this.#at + 1;
    while (end < this.#source.length && this.#source[end] !== quote && this.#source[end] !== "\n") {
      end += this.#source[end] === "\\" ? 2 : 1;
    }
    this.#tokens.push({ kind: "string", text: this.#source.slice(this.#at + 1, end), line: this.#line });
    this.#skip(end + 1 - this.#at);
  }

  /** From a backtick, or from the brace that ends `${`, to the next `${` or the closing backtick. */
  #takeTemplate(): void {
    let end = this.#at + 1;
    while (end < this.#source.length && this.#source[end] !== "`" && !this.#source.startsWith("${", end)) {
      end += this.#source[end] === "\\" ? 2 : 1;
    }
    const inner = this.#source.startsWith("${", end);
    if (inner) this.#templateBraces.push(0);
    this.#take("template", end + (inner ? 2 : 1));
  }

  #regexMayStart(): boolean {
    const last = this.#tokens.findLast((token) => token.kind !== "comment");
    if (last === undefined) return true;
    if (last.kind === "word") return wordsBeforeRegex.has(last.text);
    return last.kind === "mark" ? !")]}".includes(last.text) : last.kind === "template";
  }

  /** Position after the regular expression and its flags, or 0 when none stands here. */
  #regexEnd(): number {
    const pattern = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    return match === null ? 0 : this.#at + match[0].length;
  }

  #lineEnd(): number {
    const end = this.#source.indexOf("\n", this.#at);
    return end < 0 ? this.#source.length : end;
  }

  #after(text: string, from: number): number {
    const found = this.#source.indexOf(text, from);
    return found < 0 ? this.#source.length : found + text.length;
  }

  #take(kind: Token["kind"], end: number): void {
    this.#tokens.push({ kind, text: this.#source.slice(this.#at, end), line: this.#line });
    this.#skip(end - this.#at);
  }

  #skip(count: number): void {
    for (let index = 0; index < count; index++) {
      if (this.#source[this.#at++] === "\n") this.#line++;
    }
  }
}

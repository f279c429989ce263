/**
 * The names in a PromQL expression: metrics with the labels they are selected by, and the labels that are grouped by.
 * It knows as much of the language as that takes; whether an expression is right is for promtool to say.
 */
export interface LabelMatch {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

export interface PromqlNames {
  readonly metrics: readonly { readonly name: string; readonly matches: readonly LabelMatch[] }[];
  /** Of `by`, `without`, `on`, `ignoring`, `group_left`, `group_right`. */
  readonly grouping: readonly string[];
}

const tokenPattern =
  /\s*(?:(?<text>"(?:[^"\\]|\\.)*")|(?<range>\[[^\]]*\])|(?<word>[a-zA-Z_:][\w:]*)|(?<number>\d[\w.]*)|(?<sign>=~|!~|[=!<>]=|[-+*/%^=<>(){},]))/y;
const groupingWords = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const operatorWords = ["and", "or", "unless", "bool", "offset"];

/** Throws on what it cannot read. */
export function promqlNames(expression: string): PromqlNames {
  const tokens = tokensOf(expression);
  const metrics: { name: string; matches: LabelMatch[] }[] = [];
  const grouping: string[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const word = tokens[at]!;
    if (!/^[a-zA-Z_:]/.test(word) || operatorWords.includes(word)) continue;
    const next = tokens[at + 1];
    if (groupingWords.includes(word)) {
      if (next !== "(") continue;
      const end = tokens.indexOf(")", at);
      grouping.push(...tokens.slice(at + 2, end).filter((token) => token !== ","));
      at = end;
    } else if (next === "{") {
      const end = tokens.indexOf("}", at);
      if (end < 0) throw new Error(`No end of the selector: ${expression}`);
      metrics.push({ name: word, matches: matchesOf(tokens.slice(at + 2, end), expression) });
      at = end;
    } else if (next !== "(" && !groupingWords.includes(next ?? "")) {
      metrics.push({ name: word, matches: [] });
    }
  }
  return { metrics, grouping };
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  tokenPattern.lastIndex = 0;
  while (expression.slice(tokenPattern.lastIndex).trim() !== "") {
    const at = tokenPattern.lastIndex;
    const groups = tokenPattern.exec(expression)?.groups;
    if (groups === undefined) throw new Error(`Cannot read ${expression} at ${at}`);
    if (groups.range === undefined) {
      tokens.push((groups.text ?? groups.word ?? groups.number ?? groups.sign)!);
    }
  }
  return tokens;
}

function matchesOf(tokens: readonly string[], expression: string): LabelMatch[] {
  const matches: LabelMatch[] = [];
  for (let at = 0; at < tokens.length; at += 4) {
    const [label = "", operator = "", value = "", comma = ","] = tokens.slice(at, at + 4);
    const isMatch = /^\w+$/.test(label) && ["=", "!=", "=~", "!~"].includes(operator) &&
      value.startsWith('"');
    if (!isMatch || comma !== ",") throw new Error(`Cannot read the selector: ${expression}`);
    matches.push({ label, operator, value: JSON.parse(value) });
  }
  return matches;
}

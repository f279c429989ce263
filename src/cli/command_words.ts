/** The words of the command line as a tree of two levels: what may stand first, and what after it. */
import type { CommandTable } from "./command.ts";

export interface CommandWord {
  readonly word: string;
  readonly about: string;
}

/** First words, in the table's order, each once. */
export function firstWords({ groups, commands }: CommandTable): CommandWord[] {
  const words = new Map<string, string>();
  for (const { words: [first = "", second], about } of commands) {
    if (!words.has(first)) words.set(first, second === undefined ? about : groups[first] ?? "");
  }
  return [...words].map(([word, about]) => ({ word, about }));
}

/** Words that may follow `first`; none where it is a command by itself. */
export function secondWords({ commands }: CommandTable, first: string): CommandWord[] {
  return commands.flatMap(({ words, about }) =>
    words[0] === first && words[1] !== undefined ? [{ word: words[1], about }] : []
  );
}

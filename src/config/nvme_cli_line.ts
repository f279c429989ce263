/**
 * What a line of nvme-cli's own discovery.conf means where that differs from an entry file's: a line is the options of
 * `nvme discover`, so `-n` is the NQN of the discovery controller, `-q` may be left out, other transports are as good
 * as tcp, and some options are about what the command prints. Source: nvme-cli 2.x, fabrics.c, nvmf_discover.
 */
import type { LineWord } from "./line_words.ts";

/** The host that lines without `-q` mean. */
export interface NvmeCliHost {
  /** Null where nothing tells it. */
  readonly hostnqn: string | null;
}

/** Options without a meaning to an agent, and whether a value follows. */
const ignoredNames: ReadonlyMap<string, boolean> = new Map([
  ["device", true],
  ["raw", true],
  ["output-format", true],
  ["config", true],
  ["context", true],
  ["nbft-path", true],
  ["nbft", false],
  ["no-nbft", false],
  ["dump-config", false],
  ["matching", false],
  ["quiet", false],
  ["force", false],
  ["verbose", false],
]);
const ignoredLetters: ReadonlyMap<string, boolean> = new Map([
  ["d", true],
  ["r", true],
  ["o", true],
  ["J", true],
  ["O", false],
  ["m", false],
  ["v", false],
]);

/** How many words, from this one on, are an option of these; 0 for none. */
export function ignoredWords(text: string, next: string | undefined): number {
  const long = /^--([^=]+)(=?)/.exec(text);
  if (long !== null) {
    const takesValue = ignoredNames.get(long[1]!.replaceAll("_", "-"));
    if (takesValue === undefined) return 0;
    return takesValue && long[2] === "" ? 2 : 1;
  }
  // For years `-S` was --quiet there; a secret tells the later meaning.
  if (text === "-S") return next?.startsWith("DHHC-1:") ? 0 : 1;
  const letter = /^-([a-zA-Z])/.exec(text)?.[1] ?? "";
  const takesValue = ignoredLetters.get(letter);
  if (takesValue === undefined) return 0;
  if (takesValue) return text.length === 2 ? 2 : 1;
  return text.length === 2 ? 1 : 0;
}

/** The transport that the line names, unless that is tcp; its addresses may be of any form. */
export function otherTransport(words: readonly LineWord[]): string | null {
  for (const [at, { text }] of words.entries()) {
    const inWord = /^(?:-t=?|--transport=)(.+)$/.exec(text)?.[1];
    const value = text === "-t" || text === "--transport" ? words[at + 1]?.text : inWord;
    if (value !== undefined && value !== "tcp" && !value.startsWith("-")) return value;
  }
  return null;
}

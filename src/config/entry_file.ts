/**
 * Entry files: `discovery.conf` lines as nvme-cli writes them, one discovery endpoint a line. A line that cannot be
 * used is told with file, line and column, and costs only itself. Never throws on what a file holds, never shows a
 * secret, reads no file itself.
 */
import { endpointKey } from "../model/endpoint.ts";
import type { Entry, LineError } from "../model/entry.ts";
import { limits } from "../base/limits.ts";
import { nearestWord } from "../base/nearest_word.ts";
import { quoteText } from "../base/quote.ts";
import {
  combinationProblem,
  type EntryDraft,
  type EntryOption,
  entryOptionNames,
  optionNamed,
  optionOfLetter,
  refusedOptions,
  shownText,
  valueProblem,
} from "./entry_options.ts";
import { type LineWord, splitLineWords } from "./line_words.ts";
import { ignoredWords, type NvmeCliHost, otherTransport } from "./nvme_cli_line.ts";
import { discoveryNqn, discoveryPort } from "../nvme/spec.ts";
import { parseBoolean } from "./setting_kind.ts";

export interface ParsedFile {
  readonly name: string;
  readonly entries: readonly Entry[];
  /** The first `limits.lineErrorsPerFileMax` of them, and one more that counts the rest. */
  readonly errors: readonly LineError[];
  readonly badLines: number;
  /** Why the file as a whole is no entry file (too large, not text); then it has no entries. */
  readonly unreadable?: string;
}

/**
 * Entries and complaints of one file; `name` is the file's name inside clientConfigDir. With `nvmeCli` the lines mean
 * what nvme-cli has them mean: see `nvme_cli_line.ts`.
 */
export function parseEntryFile(
  name: string,
  bytes: Uint8Array,
  nvmeCli: NvmeCliHost | null = null,
): ParsedFile {
  if (bytes.length > limits.entryFileBytesMax) {
    return unusableContent(
      name,
      `it has ${bytes.length} bytes, at most ${limits.entryFileBytesMax} are read`,
    );
  }
  const text = new TextDecoder().decode(bytes);
  const collector = new Collector(name, hostileInFile.test(text), nvmeCli);
  let start = 0;
  for (let line = 1; start <= text.length; line++) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    collector.handleLine(text.slice(start, end), line);
    start = end + 1;
  }
  return collector.finish();
}

/** What stands for a file whose content cannot be used at all; `message` says all of it. */
export function unreadableFile(name: string, message: string): ParsedFile {
  const error: LineError = { file: name, line: 0, column: 0, message };
  return { name, entries: [], errors: [error], badLines: 0, unreadable: message };
}

/** The same, for what its bytes are. */
function unusableContent(name: string, reason: string): ParsedFile {
  return unreadableFile(name, `Cannot use entry file ${quoteText(name)}: ${reason}`);
}

/**
 * Why a line cannot be used; thrown inside this file only. No Error, and worded only when it is told: a file may have
 * a million bad lines, and stacks and suggestions cost a thousand times more than the lines.
 */
class LineProblem {
  constructor(readonly column: number, readonly message: () => string) {}
}

/** Control characters but tab and CR, which are blanks; U+FFFD stands where the bytes were no UTF-8. */
const hostileInLine = /[^\P{Cc}\t\r]|\ufffd/u;
const hostileInFile = /[^\P{Cc}\t\r\n]|\ufffd/u;

class Collector {
  readonly #name: string;
  readonly #entries: Entry[] = [];
  readonly #errors: LineError[] = [];
  readonly #lineOfKey = new Map<string, number>();
  readonly #hostileSomewhere: boolean;
  readonly #nvmeCli: NvmeCliHost | null;
  #badLines = 0;
  #binary = false;
  #passedOver: { readonly line: number; readonly transport: string; count: number } | null = null;

  constructor(name: string, hostileSomewhere: boolean, nvmeCli: NvmeCliHost | null) {
    this.#name = name;
    this.#hostileSomewhere = hostileSomewhere;
    this.#nvmeCli = nvmeCli;
  }

  handleLine(text: string, line: number): void {
    try {
      const entry = this.#parseLine(text, line);
      if (entry !== null) this.#add(entry);
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error;
      this.#report(line, error);
    }
  }

  #parseLine(text: string, line: number): Entry | null {
    if (/^\s*(#|$)/.test(text)) return null;
    const hostile = this.#hostileSomewhere ? text.search(hostileInLine) : -1;
    if (hostile >= 0) {
      this.#binary = true;
      throw new LineProblem(hostile + 1, () => "Cannot use line: it holds a byte that is not text");
    }
    if (text.length > limits.entryLineCharsMax) {
      const reason = `it has ${text.length} characters, at most ${limits.entryLineCharsMax} are read`;
      throw new LineProblem(1, () => `Cannot use line: ${reason}`);
    }
    const words = splitLineWords(text);
    if (!Array.isArray(words)) {
      throw new LineProblem(words.unclosedQuoteColumn, () => "Cannot use line: a quote is not closed");
    }
    const origin = { file: this.#name, line };
    if (this.#nvmeCli === null) return entryOf(parseWords(words), origin);
    const transport = otherTransport(words);
    if (transport !== null) {
      this.#passedOver ??= { line, transport, count: 0 };
      this.#passedOver.count++;
      return null;
    }
    return nvmeCliEntryOf(parseWords(words, ignoredWords), origin, this.#nvmeCli);
  }

  #add(entry: Entry): void {
    const key = endpointKey(entry);
    const first = this.#lineOfKey.get(key);
    if (first !== undefined) {
      throw new LineProblem(
        1,
        () => `Cannot use line: line ${first} names the same endpoint of the same cluster`,
      );
    }
    this.#lineOfKey.set(key, entry.origin.line);
    this.#entries.push(entry);
  }

  #report(line: number, { column, message }: LineProblem): void {
    this.#badLines++;
    if (this.#errors.length >= limits.lineErrorsPerFileMax) return;
    this.#errors.push({ file: this.#name, line, column, message: message() });
  }

  finish(): ParsedFile {
    if (this.#binary && this.#entries.length === 0) return unusableContent(this.#name, "it is not text");
    const more = this.#badLines - this.#errors.length;
    if (more > 0) {
      const message = `Cannot use ${more} more ${more === 1 ? "line" : "lines"}`;
      this.#errors.push({ file: this.#name, line: 0, column: 0, message });
    }
    if (this.#passedOver !== null) {
      const { line, transport, count } = this.#passedOver;
      const others = count === 1 ? "" : `, and ${count - 1} more of other transports`;
      const message = `Passed over line: its transport is ${
        shownText(transport)
      }, and only tcp is served${others}`;
      this.#errors.push({ file: this.#name, line, column: 0, message });
    }
    return { name: this.#name, entries: this.#entries, errors: this.#errors, badLines: this.#badLines };
  }
}

/** Options to a draft. Spellings: `--name value`, `--name=value`, `-n value`, `-n=value`, `-nvalue`, `-pgG`. */
function parseWords(
  words: readonly LineWord[],
  /** How many words here mean nothing to us. */
  ignored: (text: string, next: string | undefined) => number = () => 0,
): EntryDraft {
  const draft: EntryDraft = { options: {} };
  const seen: SeenOptions = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === undefined) break;
    const { text } = word;
    const skipped = ignored(text, words[at + 1]?.text);
    if (skipped > 0) at += skipped - 1;
    else if (text.startsWith("--") && text.length > 2) {
      if (takeOption(draft, seen, longOption(word), words[at + 1])) at++;
    } else if (text.startsWith("-") && text.length > 1) {
      if (takeLetters(draft, seen, word, words[at + 1])) at++;
    } else {
      // The word is not shown: it may be a stray piece of a secret.
      throw new LineProblem(
        word.column,
        () => "Cannot use line: a value stands here without an option before it",
      );
    }
  }
  return draft;
}

/** An option as a word names it, with the value that stands in the same word. */
interface NamedOption {
  readonly option: EntryOption;
  readonly shown: string;
  readonly column: number;
  readonly value: string | undefined;
}

/** Options of a line so far, with their values: few enough to look through. */
type SeenOptions = { readonly option: EntryOption; readonly value: string }[];

function longOption({ text, column }: LineWord): NamedOption {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text.slice(2) : text.slice(2, equals);
  const option = optionNamed(name);
  if (option === undefined) {
    const refused = refusedOptions.get(name.replaceAll("_", "-"));
    if (refused !== undefined) throw new LineProblem(column, () => `Cannot use --${name}: ${refused}`);
    throw new LineProblem(column, () => {
      const nearest = nearestWord(name, entryOptionNames);
      const hint = nearest === null ? "" : `; did you mean --${nearest}?`;
      return `Unknown option ${shownText(`--${name}`)}${hint}`;
    });
  }
  const value = equals < 0 ? undefined : text.slice(equals + 1);
  return { option, shown: `--${name}`, column, value };
}

/** Answers whether the next word was a value of these letters. */
function takeLetters(
  draft: EntryDraft,
  seen: SeenOptions,
  { text, column }: LineWord,
  next: LineWord | undefined,
): boolean {
  for (let at = 1; at < text.length; at++) {
    const letter = text[at] ?? "";
    const option = optionOfLetter(letter);
    if (option === undefined) {
      const refused = refusedOptions.get(letter);
      throw new LineProblem(
        column + at - 1,
        () =>
          refused === undefined
            ? `Unknown option ${quoteText(`-${letter}`)}`
            : `Cannot use -${letter}: ${refused}`,
      );
    }
    const shown = `-${letter}`;
    const last = at === text.length - 1;
    if (!last && (option.read !== undefined || text[at + 1] === "=")) {
      const value = text.slice(text[at + 1] === "=" ? at + 2 : at + 1);
      return takeOption(draft, seen, { option, shown, column, value }, next);
    }
    if (last) return takeOption(draft, seen, { option, shown, column, value: undefined }, next);
    takeOption(draft, seen, { option, shown, column, value: undefined }, undefined);
  }
  return false;
}

/** Answers whether the next word was its value. */
function takeOption(
  draft: EntryDraft,
  seen: SeenOptions,
  named: NamedOption,
  next: LineWord | undefined,
): boolean {
  const { option, shown, column } = named;
  const value = named.value ?? (option.read === undefined ? "true" : nextValue(named, next));
  if (seen.some((earlier) => earlier.option === option && earlier.value !== value)) {
    throw new LineProblem(column, () => `Cannot use ${shown}: the line gives it twice with different values`);
  }
  seen.push({ option, value });
  const expected = valueProblem(value) ?? putValue(draft, option, value);
  if (expected !== null) {
    throw new LineProblem(column, () => {
      const given = option.secret ? "[secret]" : shownText(value);
      return `Cannot use ${shown} ${given}: expected ${expected}`;
    });
  }
  return named.value === undefined && option.read !== undefined;
}

function nextValue({ shown, column }: NamedOption, next: LineWord | undefined): string {
  // No value starts with a dash but negative numbers do.
  if (next === undefined || /^-\D/.test(next.text)) {
    throw new LineProblem(column, () => `Cannot use ${shown}: its value is missing`);
  }
  return next.text;
}

function putValue(draft: EntryDraft, option: EntryOption, value: string): string | null {
  if (option.read !== undefined) return option.read(draft, value);
  const flag = parseBoolean(value);
  if (flag === undefined) return "true or false";
  option.set?.(draft, flag);
  return null;
}

/**
 * Nothing for a line of defaults, which names neither transport nor address. The cluster has no name there: the
 * well-known discovery NQN stands for that, and what the logs say parts such endpoints (plan/unnamed_clusters.ts).
 */
function nvmeCliEntryOf(draft: EntryDraft, origin: Entry["origin"], host: NvmeCliHost): Entry | null {
  const { transport, traddr, hostnqn = host.hostnqn, subsysnqn = discoveryNqn } = draft;
  if (transport === undefined && traddr === undefined) return null;
  if (transport === undefined) throw new LineProblem(1, () => "Cannot use line: missing --transport");
  if (hostnqn === null) {
    throw new LineProblem(1, () => "Cannot use line: missing --hostnqn, and no file says who this host is");
  }
  const entry = entryOf({ ...draft, hostnqn, subsysnqn: discoveryNqn }, origin);
  return subsysnqn === discoveryNqn ? entry : { ...entry, discoveryNqn: subsysnqn };
}

function entryOf(draft: EntryDraft, origin: Entry["origin"]): Entry {
  const { traddr, hostnqn, subsysnqn, traddrPort, trsvcid, options } = draft;
  if (traddr === undefined || hostnqn === undefined || subsysnqn === undefined) {
    const missing = (["traddr", "hostnqn", "subsysnqn"] as const).filter((name) => draft[name] === undefined);
    throw new LineProblem(
      1,
      () => `Cannot use line: missing ${missing.map((name) => `--${name}`).join(", ")}`,
    );
  }
  if (traddrPort !== undefined && trsvcid !== undefined && traddrPort !== trsvcid) {
    throw new LineProblem(
      1,
      () => `Cannot use line: --traddr says port ${traddrPort}, --trsvcid says ${trsvcid}`,
    );
  }
  const combination = combinationProblem(options);
  if (combination !== null) throw new LineProblem(1, () => combination);
  return {
    cluster: { subsysnqn, hostnqn },
    transport: draft.transport ?? "tcp",
    traddr,
    trsvcid: trsvcid ?? traddrPort ?? discoveryPort,
    ...(draft.hostid === undefined ? {} : { hostid: draft.hostid }),
    persistent: draft.persistent ?? false,
    options,
    origin,
  };
}

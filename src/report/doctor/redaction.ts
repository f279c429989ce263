/**
 * Texts without secrets, for a bundle that leaves the house. What is known to be a secret goes by its value; what looks
 * like one, or stands where one belongs, by its form; of entry lines only what is known to be harmless stays.
 */
import { type EntryOption, entryOptions } from "../../config/entry_options.ts";
import { quoteLineWord, splitLineWords } from "../../config/line_words.ts";
import { looksSecret } from "../../nvme/dhchap_secret.ts";

export const hiddenSecret = "[secret]";
/** Of what nobody knows to be harmless. */
const notShown = "[not shown]";

/** Keys by their form, whoever wrote them; `DHHC-1:hh:` is how our own messages call the form. */
const keyPattern = /(?:DHHC-(?!1:hh:)|NVMeTLSkey)[^\s'"`,;\\<>()]*/gi;
/** `dhchap_secret=…`, `dhChapSecret: …`, `--dhchap-secret …`: what stands there, key or not. */
const namedPatterns = [
  /(dhchap[-_]?(?:ctrl[-_]?)?secret(?:=|:[ \t]*)["']?)(?!\[secret\])[^\s'",{[]+/gi,
  /(--dhchap[-_](?:ctrl[-_])?secret[ \t]+["']?)(?!\[secret\])[^\s'",]+/gi,
];
/** Of command lines and entry lines that somebody has repeated: `-S …`, `-S=…`. */
const letterPattern = /((?:^|\s)-[SC][ \t=]["']?)(?!\[secret\])[^\s'",]+/g;
/** Base64 of a key that was taken out of its form. */
const base64Pattern = /(?<![A-Za-z0-9+/:.-])[A-Za-z0-9+/]{40,}={0,2}(?![A-Za-z0-9+/])/g;

/** `secrets`: values that are known, in any text. */
export function redactText(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (secret !== "") clean = clean.replaceAll(secret, hiddenSecret);
  }
  clean = clean.replace(keyPattern, hiddenSecret);
  for (const pattern of namedPatterns) clean = clean.replace(pattern, `$1${hiddenSecret}`);
  return clean;
}

/** The same for lines that hold what people typed, and what others wrote. */
export function redactLog(text: string, secrets: readonly string[]): string {
  return redactText(text, secrets).replace(letterPattern, `$1${hiddenSecret}`).replace(
    base64Pattern,
    hiddenSecret,
  );
}

/** An entry file line by line, so that places in messages still fit. Comments stay, but for what looks like a key. */
export function redactEntryFile(text: string, secrets: readonly string[]): string {
  return text.split("\n").map((line) => redactEntryLine(line, secrets)).join("\n");
}

function redactEntryLine(line: string, secrets: readonly string[]): string {
  return /^\s*(#|$)/.test(line) ? redactLog(line, secrets) : redactText(redactWords(line), secrets);
}

function redactWords(line: string): string {
  const words = splitLineWords(line);
  if (!Array.isArray(words)) return `[a line of ${line.length} characters with a quote that nobody closes]`;
  const shown: string[] = [];
  let before: EntryOption | undefined;
  for (const { text } of words) {
    const isOption = /^-\D/.test(text) && (before === undefined || isPlainOption(text));
    if (!isOption) {
      shown.push(shownValue(before, text));
      before = undefined;
      continue;
    }
    const taken = text.startsWith("--") ? takeLong(text) : takeLetters(text);
    shown.push(taken.text);
    before = taken.wants;
  }
  return shown.join(" ");
}

function shownValue(option: EntryOption | undefined, text: string): string {
  if (option === undefined) return notShown;
  return option.secret || looksSecret(text) ? hiddenSecret : quoteLineWord(text);
}

/** Nothing but the name of an option: no secret, whatever stood before. */
function isPlainOption(text: string): boolean {
  return text.startsWith("--")
    ? optionNamed(text.slice(2)) !== undefined
    : optionOfLetter(text.slice(1)) !== undefined;
}

interface TakenOption {
  readonly text: string;
  /** Its value is the next word. */
  readonly wants: EntryOption | undefined;
}

function takeLong(text: string): TakenOption {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text.slice(2) : text.slice(2, equals);
  const option = optionNamed(name);
  if (option === undefined) {
    const isName = /^[a-z][a-z_-]{1,40}$/i.test(name) && !looksSecret(name);
    return {
      text: `${isName ? `--${name}` : notShown}${equals < 0 ? "" : `=${notShown}`}`,
      wants: undefined,
    };
  }
  if (equals < 0) return { text, wants: option.read === undefined ? undefined : option };
  return { text: `--${name}=${shownValue(option, text.slice(equals + 1))}`, wants: undefined };
}

/** `-S`, `-SDHHC-1:…`, `-S=…`, `-pgS`. */
function takeLetters(text: string): TakenOption {
  for (let at = 1; at < text.length; at++) {
    const option = optionOfLetter(text[at] ?? "");
    if (option === undefined) return { text: `${text.slice(0, at)}${notShown}`, wants: undefined };
    if (option.read === undefined) continue;
    const rest = text.slice(at + 1);
    if (rest === "") return { text, wants: option };
    const equals = rest.startsWith("=") ? "=" : "";
    return {
      text: `${text.slice(0, at + 1)}${equals}${shownValue(option, rest.slice(equals.length))}`,
      wants: undefined,
    };
  }
  return { text, wants: undefined };
}

function optionNamed(name: string): EntryOption | undefined {
  const plain = name.replaceAll("_", "-");
  return entryOptions.find(({ names }) => names.includes(plain));
}

function optionOfLetter(letter: string): EntryOption | undefined {
  return entryOptions.find(({ short }) => short === letter);
}

/**
 * Brings the spellings that users of the predecessor know into the one that the argument parser understands:
 * `-q=value`, `-qvalue`, `-pq=value`, `--flag=false`, `--Logging.MaxAge=1h`. Values are never looked into, and
 * what is unknown is left for the parser to complain about.
 */
import { parseBoolean } from "../config/setting_kind.ts";
import { type OptionSpec, UsageError } from "./command.ts";

/** `args` stand after the command's words. Throws UsageError for an option that lacks its value. */
export function normalizeArgs(args: readonly string[], options: readonly OptionSpec[]): string[] {
  const normal: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") return [...normal, arg, ...rest];
    if (/^--./.test(arg)) normalizeLong(arg, rest, options, normal);
    else if (/^-./.test(arg)) normalizeShort(arg, rest, options, normal);
    else normal.push(arg);
  }
  return normal;
}

function normalizeLong(
  arg: string,
  rest: string[],
  options: readonly OptionSpec[],
  normal: string[],
): void {
  const equals = arg.indexOf("=");
  const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  const option = findLong(name, options);
  if (option === undefined) normal.push(arg);
  else putOption(option, `--${name}`, equals < 0 ? undefined : arg.slice(equals + 1), rest, normal, options);
}

/** `-q`, `-qvalue`, `-q=value`, and flags before it in one word. */
function normalizeShort(
  arg: string,
  rest: string[],
  options: readonly OptionSpec[],
  normal: string[],
): void {
  for (let at = 1; at < arg.length; at++) {
    const option = options.find(({ short }) => short === arg[at]);
    const after = arg.slice(at + 1);
    if (option === undefined) {
      if (at === 1) checkShort(arg, options);
      // Flags before it were taken; the parser names the unknown rest.
      normal.push(`-${arg.slice(at)}`);
      return;
    }
    const shown = `-${arg[at]}`;
    if (after.startsWith("=")) return putOption(option, shown, after.slice(1), rest, normal, options);
    if (takesValue(option)) {
      return putOption(option, shown, after === "" ? undefined : after, rest, normal, options);
    }
    putOption(option, shown, undefined, rest, normal, options);
  }
}

function findLong(name: string, options: readonly OptionSpec[]): OptionSpec | undefined {
  const wanted = name.toLowerCase();
  return options.find(({ long, aliases = [] }) =>
    [long, ...aliases].some((known) => known.toLowerCase() === wanted)
  );
}

function takesValue(option: OptionSpec): boolean {
  return option.value !== undefined && option.valueOptional !== true;
}

function putOption(
  option: OptionSpec,
  shown: string,
  inWord: string | undefined,
  rest: string[],
  normal: string[],
  options: readonly OptionSpec[],
): void {
  const long = `--${option.long}`;
  if (takesValue(option)) {
    const value = inWord ?? rest.shift();
    if (value === undefined || (inWord === undefined && namesOption(value, options))) {
      throw new UsageError(`Option ${shown} lacks its value: ${long} <${option.value}>`);
    }
    normal.push(`${long}=${value}`);
  } else if (option.value !== undefined) {
    const value = inWord ?? (parseBoolean(rest[0] ?? "") === undefined ? "true" : rest.shift());
    normal.push(`${long}=${value}`);
  } else {
    const value = parseBoolean(inWord ?? "true");
    if (value === undefined) {
      throw new UsageError(`Option ${shown} takes no value, or true or false; found ${inWord}`);
    }
    if (value) normal.push(long);
  }
}

/** An unknown letter that is a long name with one dash, or in the other case. Throws UsageError. */
function checkShort(arg: string, options: readonly OptionSpec[]): void {
  const word = /^-([^=]*)/.exec(arg)?.[1] ?? "";
  const long = word.length > 2 ? findLong(word, options)?.long : undefined;
  const letter = options.find(({ short }) =>
    short !== arg[1] && short?.toLowerCase() === arg[1]?.toLowerCase()
  );
  if (long !== undefined) throw new UsageError(`Unknown option '-${word}'; did you mean --${long}?`);
  if (letter !== undefined) {
    throw new UsageError(`Unknown option '-${arg[1]}'; did you mean -${letter.short} (--${letter.long})?`);
  }
}

/** No value is spelt like an option of the same command; one before it was forgotten. */
function namesOption(word: string, options: readonly OptionSpec[]): boolean {
  return options.some(({ long, short, aliases = [] }) =>
    [long, ...aliases].some((name) => word === `--${name}`) || (short !== undefined && word === `-${short}`)
  );
}

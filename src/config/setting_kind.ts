/**
 * The kinds of values a setting can have: each turns what YAML, the environment or a flag gave into a value, says
 * what it expects, and writes a value back as text. A text is read like the typed value (`"10"` is 10, `a,b` is a
 * list), because the environment knows nothing but text and the predecessor accepted both everywhere.
 */
import { formatHostPort, isHostName, isIpAddress, parsePort, splitHostPort } from "../base/address.ts";
import { formatDurationMs, parseDurationMs } from "../base/duration.ts";
import { entryFileNameProblem } from "../model/entry_file_name.ts";

export type RawValue = string | number | boolean | readonly RawValue[];

export interface SettingKind<T> {
  /** One word for help texts. */
  readonly name: string;
  /** Completes "expected …". */
  readonly expected: string;
  /** The value, or undefined when `raw` is none. */
  parse(raw: RawValue): T | undefined;
  /** Text that `parse` reads back. */
  format(value: T): string;
}

/** What a log line must weigh to be written, lightest first. */
export const logLevels = ["debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = typeof logLevels[number];

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export function wholeNumber(range: { min: number; max: number; what: string }): SettingKind<number> {
  return {
    name: "number",
    expected: range.what,
    parse(raw) {
      const value = numberOf(raw);
      return value !== undefined && value >= range.min && value <= range.max ? value : undefined;
    },
    format: String,
  };
}

function numberOf(raw: RawValue): number | undefined {
  if (typeof raw === "number") return Number.isSafeInteger(raw) ? raw : undefined;
  return typeof raw === "string" && /^[+-]?\d{1,15}$/.test(raw.trim()) ? Number(raw) : undefined;
}

const booleanWords: Readonly<Record<string, boolean>> = {
  "true": true,
  t: true,
  yes: true,
  on: true,
  "1": true,
  "false": false,
  f: false,
  no: false,
  off: false,
  "0": false,
};

/** The boolean a text means, in the spellings of Go and YAML; undefined when it is none. */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  return Object.hasOwn(booleanWords, word) ? booleanWords[word] : undefined;
}

export const boolean: SettingKind<boolean> = {
  name: "boolean",
  expected: "true or false",
  parse: (raw) => typeof raw === "boolean" ? raw : Array.isArray(raw) ? undefined : parseBoolean(String(raw)),
  format: String,
};

/** Milliseconds, written in Go's notation. */
export function duration(range: { minMs: number; maxMs: number; what: string }): SettingKind<number> {
  return {
    name: "duration",
    expected: range.what,
    parse(raw) {
      if (typeof raw !== "string" && raw !== 0) return undefined;
      const value = parseDurationMs(String(raw).trim());
      return value !== null && value >= range.minMs && value <= range.maxMs ? value : undefined;
    },
    format(value) {
      // The short form is rounded; what is written must be read back as the same.
      const short = formatDurationMs(value);
      return parseDurationMs(short) === value ? short : `${value}ms`;
    },
  };
}

/** A path of this host; `optional` ones may be empty. */
export function filePath(options: { optional: boolean }): SettingKind<string> {
  return {
    name: "path",
    expected: options.optional ? "a path, or nothing" : "a path",
    parse(raw) {
      if (typeof raw !== "string" || raw.length > 4096 || /\p{Cc}/u.test(raw)) return undefined;
      return raw === "" && !options.optional ? undefined : raw;
    },
    format: (value) => value,
  };
}

export const entryFileName: SettingKind<string> = {
  name: "name",
  expected: "a file name without a slash that starts with neither a dot nor tmp.dc.",
  parse: (raw) => typeof raw === "string" && entryFileNameProblem(raw) === null ? raw : undefined,
  format: (value) => value,
};

/** The words of the predecessor's log library are understood too. */
const otherLevelNames: Readonly<Record<string, LogLevel>> = {
  trace: "debug",
  warning: "warn",
  panic: "fatal",
};

export const logLevel: SettingKind<LogLevel> = {
  name: "level",
  expected: `one of ${logLevels.join(", ")}`,
  parse(raw) {
    const word = String(raw).trim().toLowerCase();
    return logLevels.find((level) => level === word) ??
      (Object.hasOwn(otherLevelNames, word) ? otherLevelNames[word] : undefined);
  },
  format: (value) => value,
};

export const hostPort: SettingKind<HostPort> = {
  name: "host:port",
  expected: "host:port with a port from 1 to 65535, such as 0.0.0.0:6060 or [::]:6060",
  parse(raw) {
    // `:6060` means every address, as in Go.
    const split = typeof raw === "string" ? splitHostPort(raw.trim().replace(/^:/, "0.0.0.0:")) : null;
    const port = parsePort(split?.port ?? "");
    if (split === null || port === undefined) return undefined;
    return isIpAddress(split.host) || isHostName(split.host) ? { host: split.host, port } : undefined;
  },
  format: (value) => formatHostPort(value.host, value.port),
};

/** Non-empty printable text without commas. */
export const word: SettingKind<string> = {
  name: "text",
  expected: "text without commas, spaces or control characters",
  parse: (raw) => typeof raw === "string" && /^[\x21-\x2b\x2d-\x7e]{1,256}$/.test(raw) ? raw : undefined,
  format: (value) => value,
};

/** In text, items are parted by commas; one item alone is a list too. */
export function listOf<T>(kind: SettingKind<T>, what: string): SettingKind<readonly T[]> {
  return {
    name: `list of ${kind.name}s`,
    expected: what,
    parse(raw) {
      const values: T[] = [];
      for (const item of listItems(raw)) {
        const value = kind.parse(item);
        if (value === undefined) return undefined;
        values.push(value);
      }
      return values;
    },
    format: (values) => values.map((value) => kind.format(value)).join(","),
  };
}

function listItems(raw: RawValue): readonly RawValue[] {
  if (typeof raw === "object") return raw;
  if (typeof raw !== "string") return [raw];
  return raw.trim() === "" ? [] : raw.split(",").map((item) => item.trim());
}

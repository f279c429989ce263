/**
 * The kinds of values a setting can have: each turns what YAML, the environment or a flag gave into a value, says
 * what it expects, and writes a value back as text. A text is read like the typed value (`"10"` is 10, `a,b` is a
 * list), because the environment knows nothing but text and the predecessor accepted both everywhere.
 */
import { formatHostPort, isHostName, isIpAddress, parsePort, splitHostPort } from "../base/address.ts";
import { formatDurationMs, parseDurationMs } from "../base/duration.ts";
import { Secret } from "../base/secret.ts";
import { dhchapSecretShape, isDhchapSecret } from "../nvme/dhchap_secret.ts";
import { entryFileNameProblem } from "../model/entry_file_name.ts";
import * as v from "./schema.ts";

export type RawValue = string | number | boolean | readonly RawValue[];

export interface SettingKind<T> {
  /** One word for help texts. */
  readonly name: string;
  /** Completes "expected …". */
  readonly expected: string;
  readonly schema: v.GenericSchema<unknown, T>;
  /** The value, or undefined when `raw` is none. */
  parse(raw: RawValue): T | undefined;
  /** Text that `parse` reads back; of a secret, only whether there is one. */
  format(value: T): string;
  /** The value shows up in no message and on no command line. */
  readonly secret?: true;
}

/** What a log line must weigh to be written, lightest first. */
export const logLevels = ["debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = typeof logLevels[number];

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

function settingKind<T>(
  name: string,
  expected: string,
  schema: v.GenericSchema<unknown, T>,
  format: (value: T) => string = String,
): SettingKind<T> {
  const parse = (raw: RawValue) => {
    const result = v.safeParse(schema, raw);
    return result.success ? result.output : undefined;
  };
  return { name, expected, schema, parse, format };
}

const numberText = v.pipe(v.string(), v.trim(), v.regex(/^[+-]?\d{1,15}$/), v.transform(Number));
const wholeNumberValue = v.pipe(v.union([v.number(), numberText]), v.safeInteger());

export function wholeNumber({ min, max, what }: { min: number; max: number; what: string }) {
  return settingKind("number", what, v.pipe(wholeNumberValue, v.minValue(min), v.maxValue(max)));
}

/** Reads on where `kind` is done. */
export function converted<T>(kind: SettingKind<T>, convert: (value: T) => T): SettingKind<T> {
  return settingKind(kind.name, kind.expected, v.pipe(kind.schema, v.transform(convert)), kind.format);
}

const booleanWords = new Map([
  ...["true", "t", "yes", "on", "1"].map((word) => [word, true] as const),
  ...["false", "f", "no", "off", "0"].map((word) => [word, false] as const),
]);

/** The boolean a text means, in the spellings of Go and YAML; undefined when it is none. */
export function parseBoolean(text: string): boolean | undefined {
  return booleanWords.get(text.trim().toLowerCase());
}

export const boolean = settingKind(
  "boolean",
  "true or false",
  v.pipe(
    v.unknown(),
    v.check((raw) => !Array.isArray(raw)),
    v.transform((raw) => parseBoolean(String(raw))),
    v.boolean(),
  ),
);

/** Milliseconds, written in Go's notation; `zero`: 0 is allowed beside what lies between the bounds. */
export function duration(
  { minMs, maxMs, what, zero = false }: { minMs: number; maxMs: number; what: string; zero?: boolean },
) {
  const text = v.pipe(v.string(), v.transform((text) => parseDurationMs(text.trim())), v.number());
  const isInside = (value: number) => (zero && value === 0) || (value >= minMs && value <= maxMs);
  return settingKind(
    "duration",
    what,
    v.pipe(v.union([text, v.literal(0)]), v.check(isInside)),
    (value) => {
      // The short form is rounded; what is written must be read back as the same.
      const short = formatDurationMs(value);
      return parseDurationMs(short) === value ? short : `${value}ms`;
    },
  );
}

/** A path of this host; `optional` ones may be empty. */
export function filePath({ optional }: { optional: boolean }) {
  const text = v.pipe(v.string(), v.regex(/^\P{Cc}*$/u), v.maxLength(4096), v.minLength(optional ? 0 : 1));
  return settingKind("path", optional ? "a path, or nothing" : "a path", text);
}

/** A group of this host; empty for none. */
export const groupName = settingKind(
  "group",
  "the name or number of a group, or nothing",
  v.pipe(
    v.union([v.string(), v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.transform(String))]),
    v.regex(/^[\w.$-]{0,32}$/),
  ),
);

export const entryFileName = settingKind(
  "name",
  "a file name without a slash that starts with neither a dot nor tmp.dc.",
  v.pipe(v.string(), v.check((name) => entryFileNameProblem(name) === null)),
);

/** The words of the predecessor's log library are understood too. */
const otherLevelNames = new Map([["trace", "debug"], ["warning", "warn"], ["panic", "fatal"]]);

export const logLevel = settingKind(
  "level",
  `one of ${logLevels.join(", ")}`,
  v.pipe(
    v.unknown(),
    v.transform((raw) => String(raw).trim().toLowerCase()),
    v.transform((word) => otherLevelNames.get(word) ?? word),
    v.picklist(logLevels),
  ),
);

export const logFormat = settingKind(
  "format",
  "text or json",
  v.pipe(
    v.string(),
    v.transform((text) => text.trim().toLowerCase()),
    v.picklist(["text", "json"] as const),
  ),
);

/** Where to listen; null where nobody is to. */
export const hostPort: SettingKind<HostPort | null> = settingKind(
  "host:port",
  "host:port with a port from 1 to 65535, such as 127.0.0.1:6060 or [::]:6060, or nothing",
  v.pipe(
    v.string(),
    v.transform(parseHostPort),
    v.nullable(v.object({ host: v.string(), port: v.number() })),
  ),
  (value) => value === null ? "" : formatHostPort(value.host, value.port),
);

function parseHostPort(text: string): HostPort | null | undefined {
  if (text.trim() === "") return null;
  // `:6060` means every address, as in Go.
  const split = splitHostPort(text.trim().replace(/^:/, "0.0.0.0:"));
  const port = parsePort(split?.port ?? "");
  if (split === null || port === undefined) return undefined;
  return isIpAddress(split.host) || isHostName(split.host) ? { host: split.host, port } : undefined;
}

/** Non-empty printable text without commas. */
export const word = settingKind(
  "text",
  "text without commas, spaces or control characters",
  v.pipe(v.string(), v.regex(/^[\x21-\x2b\x2d-\x7e]{1,256}$/)),
);

/** What follows an NQN after a dot; empty for nothing. */
export const nqnSuffix = settingKind(
  "text",
  "up to 64 letters, digits and the characters .:_- without a dot at either end, or nothing",
  v.pipe(v.string(), v.regex(/^(?:[\w:-]+(?:\.[\w:-]+)*)?$/), v.maxLength(64)),
);

/** A DH-HMAC-CHAP secret; null where none is said. */
export const dhchapSecret: SettingKind<Secret | null> = {
  ...settingKind(
    "secret",
    dhchapSecretShape,
    v.pipe(
      v.string(),
      v.trim(),
      v.check((text) => text === "" || isDhchapSecret(text)),
      v.transform((text) => text === "" ? null : new Secret(text)),
    ),
    (value) => value === null ? "" : "set",
  ),
  secret: true,
};

/** In text, items are parted by commas; one item alone is a list too. */
export function listOf<T>(kind: SettingKind<T>, what: string): SettingKind<readonly T[]> {
  return settingKind(
    `list of ${kind.name}s`,
    what,
    v.pipe(v.unknown(), v.transform(listItems), v.array(kind.schema)),
    (values) => values.map((value) => kind.format(value)).join(","),
  );
}

function listItems(raw: unknown): unknown {
  if (typeof raw === "object") return raw;
  if (typeof raw !== "string") return [raw];
  return raw.trim() === "" ? [] : raw.split(",").map((item) => item.trim());
}

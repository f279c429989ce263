/**
 * One log line as text: for people, for the journal, for programs. Pure. Whatever a message or a value holds, it stays
 * on its line, drives no terminal and is of bounded length.
 *
 *     2026-08-01T12:00:00.000Z WARN Cannot connect endpoint=10.0.0.1:8009 error="no route" caller=src/a.ts:7
 *     <4>Cannot connect endpoint=10.0.0.1:8009 error="no route" caller=src/a.ts:7     (the journal has its own clock)
 *     {"time":"2026-08-01T12:00:00.000Z","level":"warn","message":"Cannot connect","endpoint":"10.0.0.1:8009"}
 */
import { limits } from "../base/limits.ts";
import type { LogFields } from "../model/world.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "text" | "json";

export interface LogRecord {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: LogFields;
  /** Source line that wrote it: `src/agent/agent.ts:99`. */
  readonly caller?: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** How a line begins: with the time and its level, for a terminal with colours, or with a priority for the journal. */
export type LogLook = "plain" | "terminal" | "journal";

/** Syslog priorities as the journal reads them at the start of a line (sd-daemon(3)). */
const journalPrefix: Readonly<Record<LogLevel, string>> = {
  debug: "<7>",
  info: "<6>",
  warn: "<4>",
  error: "<3>",
};

/** SGR codes (ECMA-48): dim, none, yellow, red. */
const levelColour: Readonly<Record<LogLevel, string>> = { debug: "2", info: "", warn: "33", error: "31" };

/** The line without its end. */
export function formatLogLine(record: LogRecord, format: LogFormat, look: LogLook): string {
  const { level } = record;
  if (format === "json") {
    return look === "journal" ? `${journalPrefix[level]}${jsonLine(record, false)}` : jsonLine(record, true);
  }
  const text = formatLogText(record);
  if (look === "journal") return `${journalPrefix[level]}${text}`;
  const name = level.toUpperCase();
  const colour = look === "terminal" ? levelColour[level] : "";
  const shownName = colour === "" ? name : `\x1b[${colour}m${name}\x1b[0m`;
  return `${timeText(record.atMs)} ${shownName} ${text}`;
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** `message key=value key="value with spaces"`: what follows time and level. */
export function formatLogText({ message, fields = {}, caller }: LogRecord): string {
  const parts = [escapeControls(message)];
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) parts.push(`${escapeControls(key)}=${formatValue(value)}`);
  }
  if (caller !== undefined) parts.push(`caller=${formatValue(caller)}`);
  return cut(parts.join(" "), limits.logLineCharsMax);
}

function cut(text: string, charsMax: number): string {
  const excess = text.length - charsMax;
  return excess <= 0 ? text : `${text.slice(0, charsMax)}… (${excess} characters more)`;
}

function formatValue(value: unknown): string {
  const text = escapeControls(String(value));
  return text === "" || /[\s"=]/.test(text) ? `"${text.replaceAll('"', '\\"')}"` : text;
}

const ownKeys = new Set(["time", "level", "message", "caller"]);

/** Numbers and booleans stay what they are; a field named like one of ours gets an underscore before it. */
function jsonLine({ level, message, fields = {}, caller, atMs }: LogRecord, hasTime: boolean): string {
  // What all texts together may have: a line that is cut would be no JSON.
  let room: number = limits.logLineCharsMax;
  const fit = (text: string) => {
    const fitting = cut(text, room);
    room = Math.max(0, room - text.length);
    return fitting;
  };
  const line: Record<string, unknown> = hasTime ? { time: timeText(atMs) } : {};
  line.level = level;
  line.message = fit(message);
  for (const [key, value] of Object.entries(fields)) {
    line[ownKeys.has(key) ? `_${key}` : key] = typeof value === "string" ? fit(value) : value;
  }
  if (caller !== undefined) line.caller = caller;
  return JSON.stringify(line).replace(controls, (character) => `\\u${hexOf(character).padStart(4, "0")}`);
}

// deno-lint-ignore no-control-regex
const controls = /[\x00-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Line breaks forge lines, escape sequences drive terminals, direction marks turn text around: shown, not obeyed. */
function escapeControls(text: string): string {
  return text.replace(controls, (character) => {
    const code = hexOf(character);
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
  });
}

function hexOf(character: string): string {
  return character.charCodeAt(0).toString(16);
}

import { limits } from "../../src/base/limits.ts";
import { formatLogLine, type LogRecord } from "../../src/io/log_line.ts";
import { assert, assertEquals } from "../assert.ts";

const record = (message: string, more: Partial<LogRecord> = {}): LogRecord => ({
  level: "warn",
  message,
  atMs: Date.UTC(2026, 7, 1, 12, 0, 0, 5),
  ...more,
});

Deno.test("formatLogLine() has a look for files, terminals and the journal", () => {
  const line = record("Cannot connect", {
    fields: { endpoint: "10.0.0.1:8009", error: 'no "route"', absent: undefined, entries: 3 },
    caller: "src/agent/agent.ts:9",
  });
  const rest =
    'Cannot connect endpoint=10.0.0.1:8009 error="no \\"route\\"" entries=3 caller=src/agent/agent.ts:9';
  assertEquals(formatLogLine(line, "text", "plain"), `2026-08-01T12:00:00.005Z WARN ${rest}`);
  assertEquals(
    formatLogLine(line, "text", "terminal"),
    `2026-08-01T12:00:00.005Z \x1b[33mWARN\x1b[0m ${rest}`,
  );
  assertEquals(formatLogLine(line, "text", "journal"), `<4>${rest}`);
});

Deno.test("formatLogLine() makes JSON that any reader takes, fields as fields", () => {
  const line = record("Cannot connect", {
    fields: { cluster: "nqn.c", entries: 3, persistent: true, absent: undefined, level: "x", time: "y" },
    caller: "src/agent/agent.ts:9",
  });
  const text = formatLogLine(line, "json", "terminal");
  assertEquals(JSON.parse(text), {
    time: "2026-08-01T12:00:00.005Z",
    level: "warn",
    message: "Cannot connect",
    cluster: "nqn.c",
    entries: 3,
    persistent: true,
    _level: "x",
    _time: "y",
    caller: "src/agent/agent.ts:9",
  });
  const { time: _, ...timeless } = JSON.parse(text);
  const journal = formatLogLine(line, "json", "journal");
  assert(journal.startsWith("<4>{"));
  assertEquals(JSON.parse(journal.slice(3)), timeless);
});

Deno.test("formatLogLine() lets no text forge a line or drive a terminal, in text as in JSON", () => {
  const bad = "a\nb\r\x1b]0;title\x07\u2028\u202e\x9b31m\x7f";
  const line = record(bad, { fields: { endpoint: bad, "k\n": "v" } });
  for (const format of ["text", "json"] as const) {
    const text = formatLogLine(line, format, "plain");
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x1f\x7f-\x9f\u2028\u202e]/.test(text), text);
    if (format === "json") assertEquals(JSON.parse(text).endpoint, bad);
  }
});

Deno.test("formatLogLine() bounds a line, and JSON stays JSON", () => {
  const long = "x".repeat(limits.logLineCharsMax + 7);
  const text = formatLogLine(record(long, { fields: { a: long } }), "text", "journal");
  assert(text.length < limits.logLineCharsMax + 50, `${text.length} characters`);
  const json = formatLogLine(record(long, { fields: { a: long, b: "short" } }), "json", "plain");
  assert(json.length < limits.logLineCharsMax + 300, `${json.length} characters`);
  const { message, a } = JSON.parse(json) as { message: string; a: string };
  assert(message.endsWith("… (7 characters more)"));
  assertEquals(a, `… (${long.length} characters more)`);
});

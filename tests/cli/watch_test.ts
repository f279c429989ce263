import { eventLine } from "../../src/cli/watch.ts";
import { assert, assertEquals } from "../assert.ts";

const event = {
  time: "2026-08-01T12:00:00.000Z",
  kind: "path",
  level: "warn",
  message: "Path lost: why",
  path: "nqn.a at 10.0.0.1:4420",
  hostnqn: "nqn.host",
  ms: 5,
};

Deno.test("eventLine() has time, kind, words and fields, the host NQN left out", () => {
  assertEquals(
    eventLine(event, false),
    '2026-08-01T12:00:00.000Z path       Path lost: why path="nqn.a at 10.0.0.1:4420" ms=5',
  );
});

Deno.test("eventLine() colours what stands out alone", () => {
  assert(eventLine(event, true).includes("\x1b[33mPath lost: why"));
  assertEquals(eventLine({ ...event, level: "info" }, true), eventLine(event, false));
});

Deno.test("eventLine() lets nothing from the network drive the terminal", () => {
  const line = eventLine({ ...event, time: "\x1b[2J", message: "a\nb\x1b[2J", path: "\u202e" }, false);
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x1f\u202e]/.test(line), JSON.stringify(line));
});

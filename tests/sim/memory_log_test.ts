import { assertEquals } from "../assert.ts";
import { MemoryLog } from "./memory_log.ts";
import { VirtualClock } from "./virtual_clock.ts";

Deno.test("MemoryLog keeps lines and finds them by text and level", () => {
  const log = new MemoryLog(new VirtualClock({ nowMs: 7 }));
  log.debug("Opening a session", { endpoint: "10.0.0.1:8009" });
  log.warn("Session failed");
  assertEquals(log.find("ession").length, 2);
  assertEquals(log.find("ession", "info").map(({ message }) => message), ["Session failed"]);
  assertEquals(log.text(), "7.0 debug Opening a session endpoint=10.0.0.1:8009\n7.0 warn Session failed\n");
  assertEquals(log.violations, []);
});

Deno.test("MemoryLog notes secrets anywhere in a line, and never repeats them", () => {
  const log = new MemoryLog(new VirtualClock());
  log.forbid("hunter2");
  log.info("Connecting", { path: "with hunter2" });
  log.info("Connecting with DHHC-1:00:abc");
  log.checkText("The status", "hunter2");
  assertEquals(log.violations.length, 3);
  assertEquals(log.violations.filter((text) => text.includes("hunter2")), []);
});

Deno.test("MemoryLog notes messages that break the form", () => {
  const log = new MemoryLog(new VirtualClock());
  for (const message of ["no capital", "Full stop.", "Two\nlines"]) log.info(message);
  log.info("volumes.conf:3: Unknown option");
  assertEquals(log.violations.length, 3);
});

Deno.test("MemoryLog is bounded", () => {
  const log = new MemoryLog(new VirtualClock(), 10);
  for (let line = 0; line < 1_000; line++) log.info(`Line ${line}`);
  assertEquals([log.lines.length <= 20, log.lines.at(-1)!.message], [true, "Line 999"]);
});

import "./loaded_libc.ts";
import { parseWatchdog, SystemdNotifier } from "../../src/io/systemd_notifier.ts";
import { closeDescriptor, monotonicMicroseconds } from "../../src/io/libc.ts";
import { assert, assertEquals } from "../assert.ts";
import { bindDatagramSocket, receiveTexts } from "./datagram_socket.ts";

Deno.test("SystemdNotifier sends to a path and to an abstract name", async () => {
  const directory = await Deno.makeTempDir();
  for (const name of [`${directory}/notify`, `@notify-test-${crypto.randomUUID()}`]) {
    const fd = bindDatagramSocket(name);
    const notifier = new SystemdNotifier(undefined, { socketPath: name });
    notifier.status("3 endpoints\nREADY=0");
    notifier.status("3 endpoints\nREADY=0");
    notifier.ready();
    notifier.alive();
    notifier.stopping();
    assertEquals(receiveTexts(fd), ["STATUS=3 endpoints READY=0", "READY=1", "WATCHDOG=1", "STOPPING=1"]);
    closeDescriptor(fd);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("SystemdNotifier does nothing without a socket, and only tells when nobody listens", () => {
  const problems: Error[] = [];
  new SystemdNotifier((error) => problems.push(error), { socketPath: "" }).ready();
  assertEquals(problems, []);
  new SystemdNotifier((error) => problems.push(error), { socketPath: "/nowhere/notify" }).ready();
  assertEquals(problems.map(({ message }) => message), ["Cannot send to /nowhere/notify: ENOENT"]);
});

Deno.test("SystemdNotifier says when it reloads by the clock that systemd goes by", async () => {
  const directory = await Deno.makeTempDir();
  const fd = bindDatagramSocket(`${directory}/notify`);
  const before = monotonicMicroseconds();
  new SystemdNotifier(undefined, { socketPath: `${directory}/notify` }).reloading();
  const after = monotonicMicroseconds();
  const [text = ""] = receiveTexts(fd);
  closeDescriptor(fd);
  await Deno.remove(directory, { recursive: true });
  const [, usec = ""] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(text) ?? [];
  assert(usec !== "", text);
  assert(before <= BigInt(usec) && BigInt(usec) <= after, `${before} ${usec} ${after}`);
  // It counts from the start of the machine, as the kernel's own does.
  const uptimeSeconds = Number((await Deno.readTextFile("/proc/uptime")).split(" ")[0]);
  assert(Number(after) / 1e6 <= uptimeSeconds + 1, `${after} µs, up for ${uptimeSeconds} s`);
});

Deno.test("parseWatchdog() takes what systemd says, when it is said to us", () => {
  assertEquals(parseWatchdog("60000000", "42", 42), 60_000);
  assertEquals(parseWatchdog("1500", undefined, 42), 1.5);
  assertEquals(parseWatchdog("60000000", "", 42), 60_000);
  for (const usec of [undefined, "", "0", "-5", "60s", "1e6", "9".repeat(16)]) {
    assertEquals(parseWatchdog(usec, "42", 42), null, usec);
  }
  assertEquals(parseWatchdog("60000000", "41", 42), null);
});

Deno.test("SystemdNotifier has no watchdog without a socket to tell it on", () => {
  assertEquals(new SystemdNotifier(undefined, { watchdogMs: 60_000 }).watchdogMs, null);
  assertEquals(new SystemdNotifier(undefined, { socketPath: "@x", watchdogMs: 60_000 }).watchdogMs, 60_000);
});

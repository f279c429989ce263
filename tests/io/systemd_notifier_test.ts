import "./loaded_libc.ts";
import { SystemdNotifier } from "../../src/io/systemd_notifier.ts";
import { closeDescriptor } from "../../src/io/libc.ts";
import { assertEquals } from "../assert.ts";
import { bindDatagramSocket, receiveTexts } from "./datagram_socket.ts";

Deno.test("SystemdNotifier sends to a path and to an abstract name", async () => {
  const directory = await Deno.makeTempDir();
  for (const name of [`${directory}/notify`, `@notify-test-${crypto.randomUUID()}`]) {
    const fd = bindDatagramSocket(name);
    const notifier = new SystemdNotifier(undefined, name);
    notifier.status("3 endpoints\nREADY=0");
    notifier.status("3 endpoints\nREADY=0");
    notifier.ready();
    notifier.stopping();
    assertEquals(receiveTexts(fd), ["STATUS=3 endpoints READY=0", "READY=1", "STOPPING=1"]);
    closeDescriptor(fd);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("SystemdNotifier does nothing without a socket, and only tells when nobody listens", () => {
  const problems: Error[] = [];
  new SystemdNotifier((error) => problems.push(error), "").ready();
  assertEquals(problems, []);
  new SystemdNotifier((error) => problems.push(error), "/nowhere/notify").ready();
  assertEquals(problems.map(({ message }) => message), ["Cannot send to /nowhere/notify: ENOENT"]);
});

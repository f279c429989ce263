import "./loaded_libc.ts";
import { KernelError } from "../../src/base/errors.ts";
import { openUeventSocket, sendUnixDatagram } from "../../src/io/libc.ts";
import { ueventSubsystem, watchUevents } from "../../src/io/uevents.ts";
import { assertEquals } from "../assert.ts";
import { bindDatagramSocket } from "./datagram_socket.ts";
import { eventually } from "./eventually.ts";

const encode = (text: string) => new TextEncoder().encode(text);

// The shape of lib/kobject_uevent.c, variables in the order of the nvme class.
const nvmeAdd = "add@/devices/virtual/nvme-fabrics/ctl/nvme0\0ACTION=add\0" +
  "DEVPATH=/devices/virtual/nvme-fabrics/ctl/nvme0\0SUBSYSTEM=nvme\0MAJOR=240\0MINOR=0\0DEVNAME=nvme0\0" +
  "NVME_TRTYPE=tcp\0SEQNUM=1234\0";
const blockAdd =
  "add@/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1\0ACTION=add\0SUBSYSTEM=block\0SEQNUM=1\0";

Deno.test("ueventSubsystem() reads kernel events and nothing else", () => {
  assertEquals(ueventSubsystem(encode(nvmeAdd)), "nvme");
  assertEquals(ueventSubsystem(encode(blockAdd)), "block");
  assertEquals(ueventSubsystem(encode("add@/devices/x\0ACTION=add\0")), null);
  assertEquals(ueventSubsystem(encode("libudev\0\xfe\xed\xca\xfeSUBSYSTEM=nvme\0")), null);
  assertEquals(ueventSubsystem(new Uint8Array()), null);
  assertEquals(ueventSubsystem(new Uint8Array(64).fill(0xff)), null);
});

Deno.test("watchUevents() hints at events of its subsystem only", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/events`;
  const problems: Error[] = [];
  let hints = 0;
  const watch = watchUevents({
    onHint: () => hints++,
    onProblem: (error) => problems.push(error),
    openSocket: () => bindDatagramSocket(path),
  });
  sendUnixDatagram(path, encode(nvmeAdd));
  await eventually("a hint at the first event", () => hints === 1);
  sendUnixDatagram(path, encode(blockAdd));
  sendUnixDatagram(path, encode("rubbish"));
  sendUnixDatagram(path, encode(nvmeAdd));
  await eventually("a hint at the second event", () => hints === 2);
  watch.close();
  watch.close();
  await watch.ended;
  assertEquals(problems, []);
  assertEquals(hints, 2);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("watchUevents() listens to the real kernel, and close() ends it", async () => {
  const problems: Error[] = [];
  const watch = watchUevents({
    onHint: () => {},
    onProblem: (error) => problems.push(error),
    openSocket: openUeventSocket,
  });
  watch.close();
  await watch.ended;
  assertEquals(problems, []);
});

Deno.test("watchUevents() tells of a socket that it cannot open, once, and goes on without", async () => {
  const problems: Error[] = [];
  const watch = watchUevents({
    onHint: () => {},
    onProblem: (error) => problems.push(error),
    openSocket: () => {
      throw new KernelError("EPROTONOSUPPORT", "Cannot listen");
    },
  });
  watch.close();
  await watch.ended;
  assertEquals(problems.map(({ message }) => message), ["Cannot listen"]);
});

Deno.test("watchUevents() ends on a broken descriptor instead of spinning", async () => {
  const problems: Error[] = [];
  const watch = watchUevents({
    onHint: () => {},
    onProblem: (error) => problems.push(error),
    openSocket: () => 999_999,
  });
  await watch.ended;
  assertEquals(problems.map((error) => (error as KernelError).code), ["EBADF"]);
  watch.close();
});

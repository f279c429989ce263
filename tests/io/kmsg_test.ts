import "./loaded_libc.ts";
import { KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { Kmsg, type KmsgCalls, readKernelLines } from "../../src/io/kmsg.ts";
import { assertEquals, assertThrows } from "../assert.ts";

/** A device that gives these records, and errors, one a read. */
function scripted(
  ...script: (string | KernelError)[]
): KmsgCalls & { readonly open_: number[]; reads: number } {
  const open_: number[] = [];
  return {
    open_,
    reads: 0,
    open: () => open_.push(open_.length) - 1,
    read(_fd, buffer) {
      this.reads++;
      const next = script.shift();
      if (next === undefined) return null;
      if (next instanceof KernelError) throw next;
      return new TextEncoder().encodeInto(next, buffer).written;
    },
    close: (fd) => void open_.splice(open_.indexOf(fd), 1),
  };
}

const errno = (code: string) => new KernelError(code, `Cannot read: ${code}`);

Deno.test("Kmsg tells what the NVMe host says, and nothing of others", () => {
  const tail = new Kmsg(
    "",
    scripted(
      "3,1,1,-;nvme nvme0: one\n SUBSYSTEM=nvme\n",
      "6,2,1,-;nvmet: creating nvm controller 1",
      "4,3,1,-;EXT4-fs (nvme0n1): mounted",
      "4,4,1,-;nvme0n1: p1",
      "3,5,1,-;nvme_fabrics: two",
      "no record",
    ),
  ).listen();
  assertEquals(tail?.take(), [
    { severity: 3, text: "nvme nvme0: one" },
    { severity: 3, text: "nvme_fabrics: two" },
  ]);
  assertEquals(tail?.take(), []);
});

Deno.test("Kmsg goes on where records were overwritten, and ends at any other failure", () => {
  const calls = scripted(
    "3,1,1,-;nvme: one",
    errno("EPIPE"),
    "3,9,1,-;nvme: two",
    errno("EINVAL"),
    "3,10,1,-;nvme: 3",
  );
  assertEquals(new Kmsg("", calls).listen()?.take().map(({ text }) => text), ["nvme: one", "nvme: two"]);
});

Deno.test("Kmsg bounds what it reads and what it keeps: the last counts most", () => {
  const calls = scripted();
  let sequence = 0;
  calls.read = (_fd, buffer) => {
    calls.reads++;
    return new TextEncoder().encodeInto(`3,1,1,-;nvme: ${sequence++}`, buffer).written;
  };
  const found = new Kmsg("", calls).listen()?.take() ?? [];
  assertEquals(calls.reads, limits.kmsgRecordsMax);
  assertEquals(found.length, limits.kmsgRecordsKept);
  assertEquals(found.at(-1)?.text, `nvme: ${limits.kmsgRecordsMax - 1}`);
});

Deno.test("Kmsg gives its descriptor back, once", () => {
  const calls = scripted("3,1,1,-;nvme: one");
  const tail = new Kmsg("", calls).listen();
  assertEquals(calls.open_.length, 1);
  tail?.close();
  tail?.close();
  assertEquals(calls.open_.length, 0);
  assertEquals([tail?.take(), calls.reads], [[], 0]);
});

Deno.test("Kmsg is none where there is no such device, or nothing to seek in", () => {
  assertEquals(new Kmsg("/nowhere/kmsg").listen(), null);
});

Deno.test("Kmsg reads a real file from its end on", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "3,1,1,-;nvme: before\n");
  const tail = new Kmsg(path).listen();
  assertEquals(tail?.take(), []);
  await Deno.writeTextFile(path, "3,2,1,-;nvme: after\n", { append: true });
  assertEquals(tail?.take(), [{ severity: 3, text: "nvme: after" }]);
  tail?.close();
  await Deno.remove(path);
});

Deno.test("readKernelLines() tells what is left of NVMe, host and target, with its time", () => {
  const calls = scripted(
    "3,1,1500000,-;nvme nvme0: one\n SUBSYSTEM=nvme\n",
    "4,2,1,-;EXT4-fs (sda): mounted",
    errno("EPIPE"),
    "6,3,123456789012,-;nvmet: two",
  );
  assertEquals(readKernelLines("", calls), [
    "[    1.500000] <3> nvme nvme0: one",
    "[123456.789012] <6> nvmet: two",
  ]);
  assertEquals(calls.open_, [], "the descriptor is given back");
});

Deno.test("readKernelLines() keeps the last ones, ends at a failure, and says when it may not look", () => {
  const calls = scripted();
  let sequence = 0;
  const last = 3 * limits.kernelLinesKept;
  calls.read = (_fd, buffer) =>
    sequence > last ? null : new TextEncoder().encodeInto(`3,1,1,-;nvme: ${sequence++}`, buffer).written;
  const lines = readKernelLines("", calls);
  assertEquals(lines.length, limits.kernelLinesKept);
  assertEquals(lines.at(-1), `[    0.000001] <3> nvme: ${last}`);
  const forbidden = scripted(errno("EPERM"));
  assertEquals(assertThrows(() => readKernelLines("", forbidden), KernelError).code, "EPERM");
  assertEquals(forbidden.open_, []);
  assertEquals(assertThrows(() => readKernelLines("/nowhere/kmsg"), KernelError).code, "ENOENT");
});

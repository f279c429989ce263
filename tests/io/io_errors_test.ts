import { assertEquals } from "../assert.ts";
import { errnoOf, kernelError } from "../../src/io/io_errors.ts";

/** As the runtime throws it: it knows no name of this number, so the error has no code. */
function nameless(text: string, number: number): Error {
  return new Error(`${text} (os error ${number}): readfile '/sys/class/nvme/nvme6/state'`);
}

Deno.test("errnoOf() reads the number where the runtime has no name for it", () => {
  assertEquals(errnoOf(nameless("No such device", 19)), "ENODEV");
  assertEquals(errnoOf(nameless("No such device or address", 6)), "ENXIO");
  assertEquals(errnoOf(nameless("Required key not available", 126)), "ENOKEY");
  assertEquals(errnoOf(nameless("No such process", 3)), "ESRCH");
});

Deno.test("errnoOf() takes the runtime's own code before any number, and tells a number it has no name for", () => {
  const coded = Object.assign(nameless("Input/output error", 5), { code: "EIO" });
  assertEquals(errnoOf(coded), "EIO");
  assertEquals(errnoOf(nameless("Something else", 999)), "errno 999");
  assertEquals(errnoOf(new Error("(os error)")), "Error");
  assertEquals(errnoOf(new Deno.errors.NotFound("no (os error 19) here")), "ENOENT");
});

Deno.test("kernelError() names a device that went away while it was read", () => {
  const error = kernelError("Cannot read /sys/class/nvme/nvme6", nameless("No such device", 19));
  assertEquals(error.message, "Cannot read /sys/class/nvme/nvme6: ENODEV (no such device)");
});

Deno.test("the runtime tells an errno's number in its words", async () => {
  // Memory that nothing is mapped to; no device can be made to go away here.
  const thrown = await Deno.readTextFile("/proc/self/mem").then(() => null, (error: Error) => error);
  assertEquals(/\(os error 5\)/.test(thrown?.message ?? ""), true);
});

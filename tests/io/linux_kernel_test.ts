import "./loaded_libc.ts";
import { LinuxKernel } from "../../src/io/linux_kernel.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { KernelError } from "../../src/base/errors.ts";
import { assertEquals, assertRejects } from "../assert.ts";

Deno.test("LinuxKernel works on a machine without NVMe, and says what is missing", async () => {
  const problems: Error[] = [];
  const kernel = new LinuxKernel({
    clock: new RealClock(),
    onProblem: (error) => problems.push(error),
    devicePath: "/nowhere/nvme-fabrics",
    sysfsRoot: "/nowhere/nvme",
  });
  assertEquals(await kernel.controllers(), []);
  assertEquals((await assertRejects(() => kernel.connect("transport=tcp"), KernelError)).code, "ENOENT");
  assertEquals((await assertRejects(() => kernel.supportedOptions(), KernelError)).code, "ENOENT");
  const watch = kernel.watch(() => {});
  watch.close();
  await watch.ended;
  assertEquals(problems, []);
});

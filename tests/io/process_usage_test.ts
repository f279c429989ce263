import { readProcessUsage, runtimeVersion } from "../../src/io/process_usage.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("readProcessUsage() reads what /proc says of this process", async () => {
  const before = await readProcessUsage();
  const file = await Deno.open("/dev/null");
  const { cpuSeconds = 0, residentBytes = 0, virtualBytes = 0, heapBytes = 0, openFiles = 0, ...rest } =
    await readProcessUsage();
  file.close();
  assert(cpuSeconds > 0 && cpuSeconds < 100_000, `${cpuSeconds} s`);
  assert(cpuSeconds >= before.cpuSeconds!);
  assert(residentBytes > 10_000_000 && residentBytes < virtualBytes);
  assert(heapBytes > 100_000 && heapBytes < residentBytes);
  assert(openFiles > 3 && openFiles < rest.openFilesMax!);
  assert(Math.abs(rest.startSeconds! - performance.timeOrigin / 1_000) < 1);
});

Deno.test("runtimeVersion() is a version", () => {
  assertEquals(/^\d+\.\d+\.\d+/.test(runtimeVersion()), true);
});

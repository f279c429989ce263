import { KernelError } from "../../src/base/errors.ts";
import {
  absolutePath,
  makeTemporaryDirectory,
  readTextFile,
  readTextStart,
  readTextTail,
  removeDirectory,
} from "../../src/io/host_files.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

Deno.test("readTextFile() answers text, null for no file, and refuses the rest", async () => {
  const directory = await makeTemporaryDirectory("host-files-");
  try {
    assertEquals((await Deno.stat(directory)).mode! & 0o777, 0o700);
    await Deno.writeTextFile(`${directory}/a`, "text");
    assertEquals(await readTextFile(`${directory}/a`, 4), "text");
    assertEquals(await readTextFile(`${directory}/b`, 4), null);
    await assertRejects(
      () => readTextFile(`${directory}/a`, 3),
      KernelError,
      "it has 4 bytes, at most 3 are read",
    );
    await assertRejects(() => readTextFile(directory, 4), KernelError, "not a regular file");
    await assertRejects(() => readTextFile("/dev/zero", 4), KernelError, "not a regular file");
  } finally {
    await removeDirectory(directory);
  }
  // It may have gone already.
  await removeDirectory(directory);
  assertEquals(await Deno.stat(directory).catch(() => null), null);
});

Deno.test("absolutePath() starts at the working directory, and tidies up", () => {
  assertEquals(absolutePath("/a//b/./c/"), "/a/b/c");
  assertEquals(absolutePath("/"), "/");
  assertEquals(absolutePath("./a/"), `${Deno.cwd()}/a`);
  assert(absolutePath(".").startsWith("/"));
});

Deno.test("readTextTail() answers the last whole lines, and never a piece of one", async () => {
  const directory = await makeTemporaryDirectory("host-files-");
  try {
    const path = `${directory}/log`;
    await Deno.writeTextFile(path, "first line\nsecond line\nthird\n");
    assertEquals(await readTextTail(path, 1_000), "first line\nsecond line\nthird\n");
    assertEquals(await readTextTail(path, 20), "second line\nthird\n");
    assertEquals(await readTextTail(path, 17), "third\n");
    assertEquals(await readTextTail(path, 6), "");
    assertEquals(await readTextTail(`${directory}/none`, 6), null);
    await assertRejects(() => readTextTail("/dev/zero", 4), KernelError, "not a regular file");
  } finally {
    await removeDirectory(directory);
  }
});

Deno.test("readTextStart() reads what has no size, and no more than it may", async () => {
  assertEquals((await Deno.stat("/proc/self/mountinfo")).size, 0);
  const whole = await readTextStart("/proc/self/status", 65_536);
  assert(whole !== null && whole.startsWith("Name:") && whole.endsWith("\n"), `${whole}`);
  assertEquals(await readTextStart("/proc/self/status", 5), "Name:");
  assertEquals(await readTextStart("/proc/none", 5), null);
  await assertRejects(() => readTextStart("/proc", 5), KernelError, "EISDIR");
});

import "./loaded_libc.ts";
import { ConfigError, KernelError } from "../../src/base/errors.ts";
import { lockInternalDir } from "../../src/io/internal_dir_lock.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";

Deno.test("lockInternalDir() refuses the second, naming the first", async () => {
  await withDirectory(async (directory) => {
    const lock = await lockInternalDir(directory);
    const error = await assertRejects(
      () => lockInternalDir(`${directory}/`),
      ConfigError,
      `process ${Deno.pid}, is using it`,
    );
    assertEquals(error.code, "locked");
    lock.unlock();
    (await lockInternalDir(directory)).unlock();
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["lock"]);
  });
});

Deno.test("lockInternalDir() is free again after kill -9 of its owner", async () => {
  await withDirectory(async (directory) => {
    const module = new URL("../../src/io/internal_dir_lock.ts", import.meta.url).href;
    const source = `
      import { lockInternalDir } from ${JSON.stringify(module)};
      await lockInternalDir(${JSON.stringify(directory)});
      console.log("locked");
      setInterval(() => {}, 1000);`;
    await Deno.writeTextFile(`${directory}/owner.ts`, source);
    const owner = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "--allow-all", "--quiet", `${directory}/owner.ts`],
      stdout: "piped",
    }).spawn();
    const output = owner.stdout.getReader();
    const first = await output.read();
    assert(new TextDecoder().decode(first.value).startsWith("locked"));
    await assertRejects(() => lockInternalDir(directory), ConfigError, `process ${owner.pid}, is using it`);
    owner.kill("SIGKILL");
    await owner.status;
    await output.cancel();
    (await lockInternalDir(directory)).unlock();
  });
});

Deno.test("lockInternalDir() tells of a directory that is missing", async () => {
  assertEquals((await assertRejects(() => lockInternalDir("/nowhere"), KernelError)).code, "ENOENT");
});

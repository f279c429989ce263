import "./loaded_libc.ts";
import { ConfigError, KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { lockInternalDir, StateFile } from "../../src/io/state_file.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

const namesIn = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

async function withDirectory(action: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await action(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("StateFile loads what it saved, for root only, and nothing before", async () => {
  await withDirectory(async (directory) => {
    const store = new StateFile(`${directory}/`);
    assertEquals(store.path, `${directory}/internal.json`);
    assertEquals(await store.load(), null);
    await store.save('{"entries":[]}');
    assertEquals(new TextDecoder().decode(await store.load() ?? undefined), '{"entries":[]}');
    assertEquals(((await Deno.stat(store.path)).mode ?? 0) & 0o777, 0o600);
    assertEquals(namesIn(directory), ["internal.json"]);
  });
});

Deno.test("StateFile.save() called many times at once keeps the last", async () => {
  await withDirectory(async (directory) => {
    const store = new StateFile(directory);
    await Promise.all(Array.from({ length: 20 }, (_, at) => store.save(`text ${at}`)));
    assertEquals(await Deno.readTextFile(store.path), "text 19");
    assertEquals(namesIn(directory), ["internal.json"]);
  });
});

Deno.test("StateFile.save() works again after a failure", async () => {
  await withDirectory(async (directory) => {
    const store = new StateFile(`${directory}/internal`);
    const error = await assertRejects(() => store.save("one"), KernelError, store.path);
    assertEquals(error.code, "ENOENT");
    await Deno.mkdir(`${directory}/internal`);
    await store.save("two");
    assertEquals(await Deno.readTextFile(store.path), "two");
  });
});

Deno.test("StateFile.load() refuses a file beyond the bound, and what is no file", async () => {
  await withDirectory(async (directory) => {
    const store = new StateFile(directory);
    await Deno.writeTextFile(store.path, "");
    await Deno.truncate(store.path, limits.stateBytesMax + 1);
    assertEquals((await assertRejects(() => store.load(), ConfigError, "16777217 bytes")).code, "too-large");
    await Deno.remove(store.path);
    await Deno.mkdir(store.path);
    assertEquals((await assertRejects(() => store.load(), KernelError)).code, "EISDIR");
  });
});

Deno.test("StateFile.setAside() keeps so many files, and then gives up the oldest", async () => {
  await withDirectory(async (directory) => {
    const store = new StateFile(directory);
    for (let number = 1; number <= limits.corruptFilesKeptMax; number++) {
      await store.save(`text ${number}`);
      const name = await store.setAside();
      assertEquals(name, `${store.path}.corrupt-${number}`);
      await Deno.utime(name, number === 3 ? 1 : 1000 + number, number === 3 ? 1 : 1000 + number);
    }
    assertEquals(await store.load(), null);
    await store.save("one more");
    assertEquals(await store.setAside(), `${store.path}.corrupt-3`);
    assertEquals(await Deno.readTextFile(`${store.path}.corrupt-3`), "one more");
    assertEquals(namesIn(directory).length, limits.corruptFilesKeptMax);
    assertEquals((await assertRejects(() => store.setAside(), KernelError)).code, "ENOENT");
  });
});

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
    assertEquals(namesIn(directory), ["lock"]);
  });
});

Deno.test("lockInternalDir() is free again after kill -9 of its owner", async () => {
  await withDirectory(async (directory) => {
    const module = new URL("../../src/io/state_file.ts", import.meta.url).href;
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

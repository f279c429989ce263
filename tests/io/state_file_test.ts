import "./loaded_libc.ts";
import { ConfigError, KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { StateFile } from "../../src/io/state_file.ts";
import { assertEquals, assertRejects } from "../assert.ts";

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

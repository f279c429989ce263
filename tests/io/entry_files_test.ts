import { ConfigError, KernelError } from "../../src/base/errors.ts";
import { removeEntryFile, writeEntryFile } from "../../src/io/entry_files.ts";
import { assertEquals, assertRejects } from "../assert.ts";

async function withDirectory(action: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await action(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("writeEntryFile() writes, replaces when told, and refuses otherwise", async () => {
  await withDirectory(async (directory) => {
    const file = { directory: `${directory}/`, name: "volume1", text: "one\n", replace: false };
    assertEquals(await writeEntryFile(file), `${directory}/volume1`);
    assertEquals((await assertRejects(() => writeEntryFile(file), ConfigError, "it exists")).code, "exists");
    await writeEntryFile({ ...file, text: "two\n", replace: true });
    assertEquals(await Deno.readTextFile(`${directory}/volume1`), "two\n");
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["volume1"]);
  });
});

Deno.test("writeEntryFile() refuses bad names, and tells of a missing directory", async () => {
  await withDirectory(async (directory) => {
    const file = { directory, name: "../x", text: "", replace: true };
    assertEquals((await assertRejects(() => writeEntryFile(file), ConfigError, '"../x"')).code, "bad-name");
    assertEquals(
      (await assertRejects(() => writeEntryFile({ ...file, name: "tmp.dc.x" }), ConfigError)).code,
      "bad-name",
    );
    const longest = { ...file, name: "x".repeat(255) };
    assertEquals(await writeEntryFile(longest), `${directory}/${longest.name}`);
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), [longest.name]);
    const elsewhere = { ...file, name: "x", directory: `${directory}/none` };
    assertEquals((await assertRejects(() => writeEntryFile(elsewhere), KernelError)).code, "ENOENT");
  });
});

Deno.test("removeEntryFile() removes a file or symlink, and nothing else", async () => {
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "");
    await Deno.symlink("/nowhere", `${directory}/link`);
    await Deno.mkdir(`${directory}/directory`);
    assertEquals(await removeEntryFile(`${directory}/`, "file"), `${directory}/file`);
    assertEquals(await removeEntryFile(directory, "link"), `${directory}/link`);
    const error = await assertRejects(
      () => removeEntryFile(directory, "file"),
      ConfigError,
      "there is no such file",
    );
    assertEquals(error.code, "not-found");
    assertEquals(
      (await assertRejects(() => removeEntryFile(directory, "directory"), ConfigError)).code,
      "bad-name",
    );
    assertEquals((await assertRejects(() => removeEntryFile(directory, ".."), ConfigError)).code, "bad-name");
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["directory"]);
  });
});

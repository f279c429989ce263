import { KernelError } from "../../src/base/errors.ts";
import { ensureDirectory, parentOf, writeFileAtomically } from "../../src/io/atomic_file.ts";
import { assertEquals, assertRejects } from "../assert.ts";

const namesIn = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

Deno.test("writeFileAtomically() replaces a file as a whole, leaving nothing else", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/file`;
  const write = { path, temporaryPath: `${directory}/tmp`, mode: 0o600, replace: true };
  await Deno.writeTextFile(`${directory}/tmp`, "left by an earlier run", { mode: 0o644 });
  await writeFileAtomically({ ...write, text: "one" });
  const first = await Deno.stat(path);
  await writeFileAtomically({ ...write, text: "two" });
  assertEquals(await Deno.readTextFile(path), "two");
  assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  assertEquals((first.mode ?? 0) & 0o777, 0o600);
  assertEquals(namesIn(directory), ["file"]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("writeFileAtomically() gives the mode that was asked for, whatever the umask", async () => {
  const directory = await Deno.makeTempDir();
  const before = Deno.umask(0o077);
  try {
    for (const mode of [0o644, 0o600, 0o640]) {
      const path = `${directory}/file`;
      await writeFileAtomically({
        path,
        temporaryPath: `${directory}/tmp`,
        text: "one",
        mode,
        replace: true,
      });
      assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, mode);
    }
  } finally {
    Deno.umask(before);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("writeFileAtomically() does not write through a symlink left under the temporary name", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/victim`, "untouched");
  await Deno.symlink(`${directory}/victim`, `${directory}/tmp`);
  const path = `${directory}/file`;
  await writeFileAtomically({
    path,
    temporaryPath: `${directory}/tmp`,
    text: "one",
    mode: 0o600,
    replace: true,
  });
  assertEquals(await Deno.readTextFile(`${directory}/victim`), "untouched");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("writeFileAtomically() refuses to replace when told so, and cleans up", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/file`;
  const write = { path, temporaryPath: `${directory}/tmp`, mode: 0o600, replace: false };
  await writeFileAtomically({ ...write, text: "one" });
  const error = await assertRejects(() => writeFileAtomically({ ...write, text: "two" }), KernelError);
  assertEquals(error.code, "EEXIST");
  assertEquals(await Deno.readTextFile(path), "one");
  assertEquals(namesIn(directory), ["file"]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("writeFileAtomically() names the errno, and leaves the old file as it was", async () => {
  const write = { text: "one", mode: 0o600, replace: true };
  const missing = { ...write, path: "/nowhere/file", temporaryPath: "/nowhere/tmp" };
  const error = await assertRejects(
    () => writeFileAtomically(missing),
    KernelError,
    "Cannot write /nowhere/file",
  );
  assertEquals(error.code, "ENOENT");
  const directory = await Deno.makeTempDir();
  await Deno.mkdir(`${directory}/file`);
  const onto = { ...write, path: `${directory}/file`, temporaryPath: `${directory}/tmp` };
  assertEquals((await assertRejects(() => writeFileAtomically(onto), KernelError)).code, "EISDIR");
  assertEquals(namesIn(directory), ["file"]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("ensureDirectory() makes what is missing, and refuses a file", async () => {
  const directory = await Deno.makeTempDir();
  await ensureDirectory(`${directory}/a/b/`);
  await ensureDirectory(`${directory}/a/b`);
  assertEquals((await Deno.stat(`${directory}/a/b`)).isDirectory, true);
  await Deno.writeTextFile(`${directory}/file`, "");
  const error = await assertRejects(
    () => ensureDirectory(`${directory}/file`),
    KernelError,
    `${directory}/file`,
  );
  assertEquals(error.code, "ENOTDIR");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("parentOf() cuts the last name off", () => {
  const rows = [["/a/b", "/a"], ["/a/b/", "/a"], ["/a", "/"], ["/", "/"], ["a/b", "a"], ["a", "."]];
  for (const [path = "", parent = ""] of rows) assertEquals(parentOf(path), parent, path);
});

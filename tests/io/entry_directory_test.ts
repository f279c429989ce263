import { limits } from "../../src/base/limits.ts";
import { EntryDirectory } from "../../src/io/entry_directory.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import type { ConfigFile } from "../../src/model/world.ts";
import { assert, assertEquals } from "../assert.ts";

/** A clock for which every file is fresh, and one for which none is. */
const clockAt = (wallMs: number) => Object.assign(new RealClock(), { wallMs: () => wallMs });
const early = clockAt(0);
const late = clockAt(8e15);

async function withDirectory(action: (path: string) => Promise<void>): Promise<void> {
  const base = await Deno.makeTempDir();
  await Deno.mkdir(`${base}/d`);
  try {
    await action(`${base}/d`);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

async function filesOf(directory: EntryDirectory): Promise<readonly ConfigFile[]> {
  const scan = await directory.scan();
  assert(scan.ok);
  return scan.files;
}

const textOf = (file: ConfigFile | undefined) =>
  file !== undefined && "bytes" in file ? new TextDecoder().decode(file.bytes) : undefined;
const errorOf = (file: ConfigFile | undefined) =>
  file !== undefined && "error" in file ? file.error : undefined;

Deno.test("scan() reads files and symlinks, sorted, and leaves out everything else", async () => {
  await withDirectory(async (path) => {
    for (const name of ["b", "a", "Z", ".hidden", "tmp.dc.x", "sub"]) {
      if (name === "sub") await Deno.mkdir(`${path}/${name}`);
      else await Deno.writeTextFile(`${path}/${name}`, `text of ${name}`);
    }
    await Deno.symlink(`${path}/.hidden`, `${path}/link`);
    await Deno.symlink(`${path}/sub`, `${path}/link-to-directory`);
    await Deno.symlink("/dev/zero", `${path}/link-to-device`);
    await new Deno.Command("mkfifo", { args: [`${path}/pipe`] }).output();
    assert((await Deno.stat(`${path}/pipe`)).isFifo);
    const files = await filesOf(new EntryDirectory(early, path));
    assertEquals(files.map(({ name }) => name), ["Z", "a", "b", "link"]);
    assertEquals(files.map(textOf), ["text of Z", "text of a", "text of b", "text of .hidden"]);
  });
});

Deno.test("scan() tells of a directory that is missing or a file, and works once it is there", async () => {
  await withDirectory(async (path) => {
    const directory = new EntryDirectory(early, `${path}/later/`);
    assertEquals(directory.path, `${path}/later`);
    const scan = await directory.scan();
    assert(!scan.ok && scan.error.startsWith(`Cannot read the directory ${path}/later: ENOENT`));
    await Deno.writeTextFile(`${path}/later`, "");
    assertEquals((await directory.scan()).ok, false);
    await Deno.remove(`${path}/later`);
    await Deno.mkdir(`${path}/later`);
    assertEquals(await directory.scan(), { ok: true, files: [] });
  });
});

Deno.test("scan() tells of a file that cannot be read, and reads it once it can", async () => {
  await withDirectory(async (path) => {
    await Deno.symlink(`${path}/.target`, `${path}/dangling`);
    await Deno.symlink(`${path}/loop`, `${path}/loop`);
    await Deno.writeTextFile(`${path}/good`, "good");
    // Reads of this one fail for everybody: its memory at address zero is not mapped.
    await Deno.symlink("/proc/self/mem", `${path}/mem`);
    const directory = new EntryDirectory(late, path);
    const [dangling, good, loop, mem] = await filesOf(directory);
    assert(errorOf(dangling)?.startsWith(`Cannot read ${path}/dangling: ENOENT`));
    assertEquals(textOf(good), "good");
    assert(errorOf(loop)?.startsWith(`Cannot read ${path}/loop: `));
    assert(errorOf(mem)?.startsWith(`Cannot read ${path}/mem: EIO`), errorOf(mem));
    await Deno.writeTextFile(`${path}/.target`, "found");
    const again = await filesOf(directory);
    assertEquals(textOf(again[0]), "found");
    assert(again[0]?.version !== dangling?.version);
    assertEquals(again[3]?.version, mem?.version, "The same failure is the same version");
  });
});

Deno.test("scan() tells of a file beyond the bound, without reading it", async () => {
  await withDirectory(async (path) => {
    await Deno.writeTextFile(`${path}/big`, "");
    await Deno.truncate(`${path}/big`, limits.entryFileBytesMax);
    const directory = new EntryDirectory(late, path);
    const [fits] = await filesOf(directory);
    assert(fits !== undefined && "bytes" in fits && fits.bytes.length === limits.entryFileBytesMax);
    await Deno.truncate(`${path}/big`, limits.entryFileBytesMax + 1);
    const [big] = await filesOf(directory);
    assertEquals(errorOf(big), `Cannot read ${path}/big: it has more than 1048576 bytes`);
  });
});

Deno.test("scan() bounds what a file gives that has no end and claims no size", async () => {
  await withDirectory(async (path) => {
    // A regular file of size 0 by stat that grows as it is read.
    await Deno.symlink("/proc/self/maps", `${path}/maps`);
    const [maps] = await filesOf(new EntryDirectory(late, path));
    assert(maps !== undefined);
    const length = "bytes" in maps ? maps.bytes.length : 0;
    assert(errorOf(maps) !== undefined || length > 0 && length < 4096);
  });
});

Deno.test("scan() gives the same version and bytes while nothing changes, another one after each change", async () => {
  for (const clock of [early, late]) {
    await withDirectory(async (path) => {
      const directory = new EntryDirectory(clock, path);
      await Deno.writeTextFile(`${path}/file`, "one");
      const [first] = await filesOf(directory);
      const [second] = await filesOf(directory);
      assert(first === second);
      await Deno.writeTextFile(`${path}/.new`, "two");
      await Deno.rename(`${path}/.new`, `${path}/file`);
      const [third] = await filesOf(directory);
      assertEquals(textOf(third), "two");
      await Deno.writeTextFile(`${path}/file`, "three", { append: true });
      const [fourth] = await filesOf(directory);
      assertEquals(textOf(fourth), "twothree");
      assertEquals(new Set([first, third, fourth].map((file) => file?.version)).size, 3);
      await Deno.remove(`${path}/file`);
      assertEquals(await filesOf(directory), []);
    });
  }
});

Deno.test("scan() sees an edit that size and time stamps do not show, while the file is fresh", async () => {
  await withDirectory(async (path) => {
    // Gives another text to every reader, and always the same stat.
    await Deno.symlink("/proc/sys/kernel/random/uuid", `${path}/file`);
    const directory = new EntryDirectory(early, path);
    const versions = new Set<string>();
    const texts = new Set<string>();
    for (let scans = 0; scans < 3; scans++) {
      const [file] = await filesOf(directory);
      versions.add(file?.version ?? "");
      texts.add(textOf(file) ?? "");
    }
    assertEquals([versions.size, texts.size], [3, 3]);
    const settled = new EntryDirectory(late, path);
    assert((await filesOf(settled))[0] === (await filesOf(settled))[0], "A settled file is not read again");
  });
});

Deno.test("scan() reads so many files, and tells of the rest", async () => {
  await withDirectory(async (path) => {
    const count = limits.entryFilesMax + 3;
    for (let at = 0; at < count; at++) {
      Deno.linkSync(linkTarget(path, at), `${path}/${String(at).padStart(6, "0")}`);
    }
    const files = await filesOf(new EntryDirectory(late, path));
    assertEquals(files.length, limits.entryFilesMax + 1);
    assertEquals(files.at(-1)?.name, "010000");
    assertEquals(
      errorOf(files.at(-1)),
      "Cannot read 3 of 10003 files: at most 10000 are read, in the order of names",
    );
  });
});

/** Hard links are quicker to make than files; a file takes a limited number of them. */
function linkTarget(path: string, at: number): string {
  const target = `${path}/.${Math.floor(at / 1000)}`;
  if (at % 1000 === 0) Deno.writeTextFileSync(target, "x");
  return target;
}

Deno.test("scan() tells which files other users can read", async () => {
  await withDirectory(async (path) => {
    for (const [name, mode] of [["a", 0o600], ["b", 0o640], ["c", 0o604], ["d", 0o400]] as const) {
      await Deno.writeTextFile(`${path}/${name}`, "x\n");
      await Deno.chmod(`${path}/${name}`, mode);
    }
    const directory = new EntryDirectory(late, path);
    const open = async () =>
      (await filesOf(directory)).flatMap((file) => "bytes" in file && file.openToOthers ? [file.name] : []);
    assertEquals(await open(), ["b", "c"]);
    await Deno.chmod(`${path}/b`, 0o600);
    assertEquals(await open(), ["c"]);
  });
});

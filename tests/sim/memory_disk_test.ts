import { seededRandom } from "../../src/base/random.ts";
import { type AtomicFiles, type AtomicWrite, writeFileAtomically } from "../../src/io/atomic_file.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { VirtualClock } from "./virtual_clock.ts";

const path = "/internal/internal.json";
const oldText = "the old content, as it was";
const newText = "the new content, which is longer and holds no zero";

type Writer = (write: AtomicWrite, files: AtomicFiles) => Promise<void>;
type End = "killProcess" | "powerLoss" | "kill, then powerLoss";

function setUp(seed = 1) {
  const clock = new VirtualClock({ nowMs: 0 });
  const disk = new MemoryDisk(clock, seededRandom(seed));
  disk.operationMs = 1;
  disk.syncMs = 1;
  const text = (name = path) => {
    const bytes = disk.read(name);
    return bytes === null ? null : new TextDecoder().decode(bytes);
  };
  return { clock, disk, text };
}

function writeOf(text: string, replace: boolean): AtomicWrite {
  return { path, temporaryPath: `${path}.tmp`, text, mode: 0o600, replace };
}

/** What is read after an end in the `step`th operation, over many seeds. */
async function outcomes(write: Writer, replace: boolean, step: number, end: End) {
  const found = new Set<string | null>();
  let acknowledged = 0;
  const seeds = 100;
  for (let seed = 0; seed < seeds; seed++) {
    const { clock, disk, text } = setUp(seed);
    if (replace) disk.put(path, new TextEncoder().encode(oldText));
    write(writeOf(newText, replace), disk).then(() => acknowledged++);
    await clock.advance(step);
    assertEquals(disk.operations, Math.min(step, replace ? 6 : 7), "Precondition: one operation a ms");
    if (end !== "powerLoss") disk.killProcess();
    if (end !== "killProcess") disk.powerLoss();
    await clock.advance(100);
    found.add(text());
    // The next run is not hindered by what this one left.
    if (replace) {
      const next = writeFileAtomically(writeOf("next", true), disk);
      await clock.advance(6);
      await next;
      disk.powerLoss();
      assertEquals([text(), disk.paths], ["next", [path]]);
    }
  }
  assert(acknowledged === 0 || acknowledged === seeds);
  return { found, acknowledged: acknowledged > 0 };
}

for (const replace of [true, false]) {
  const name = replace ? "replacing" : "making";
  const before = replace ? oldText : null;

  Deno.test(`writeFileAtomically() ${name} a file is old or new after any end at any step, and new once done`, async () => {
    const steps = replace ? 6 : 7;
    const seen = new Set<string>();
    for (const end of ["killProcess", "powerLoss", "kill, then powerLoss"] as const) {
      for (let step = 0; step <= steps; step++) {
        const { found, acknowledged } = await outcomes(writeFileAtomically, replace, step, end);
        const what = `${end} in operation ${step + 1}: ${[...found].join(" | ")}`;
        for (const text of found) assert(text === before || text === newText, what);
        assertEquals(acknowledged, step === steps, what);
        if (acknowledged) assertEquals([...found], [newText], what);
        seen.add(`${found.size}`);
      }
    }
    assertEquals([...seen].sort(), ["1", "2"], "At some steps chance decides");
  });
}

/** Whether any end at any step leaves something torn, or takes back what was acknowledged. */
async function isFoundOut(
  write: (write: AtomicWrite, files: AtomicFiles) => Promise<void>,
): Promise<boolean> {
  let bad = false;
  for (let seed = 0; seed < 100; seed++) {
    for (let step = 0; step <= 6; step++) {
      const { clock, disk, text } = setUp(seed);
      disk.put(path, new TextEncoder().encode(oldText));
      let acknowledged = false;
      write(writeOf(newText, true), disk).then(() => acknowledged = true);
      await clock.advance(step);
      disk.powerLoss();
      if (text() !== newText && (acknowledged || text() !== oldText)) bad = true;
    }
  }
  return bad;
}

Deno.test("MemoryDisk finds out who saves without a flush of the file, or of the directory, or in place", async () => {
  const without = (change: (files: AtomicFiles) => Partial<AtomicFiles>): Writer => (write, files) => {
    const usual: AtomicFiles = {
      create: (path, mode) => files.create(path, mode),
      rename: (from, to) => files.rename(from, to),
      link: (from, to) => files.link(from, to),
      remove: (path) => files.remove(path),
      syncDirectory: (path) => files.syncDirectory(path),
    };
    return writeFileAtomically(write, { ...usual, ...change(files) });
  };
  const noFileSync = without((files) => ({
    create: async (path, mode) => ({ ...await files.create(path, mode), sync: () => Promise.resolve() }),
  }));
  const noDirectorySync = without(() => ({ syncDirectory: () => Promise.resolve() }));
  const inPlace: Writer = (write, files) => writeFileAtomically({ ...write, temporaryPath: path }, files);
  assertEquals(await isFoundOut(without(() => ({}))), false);
  assertEquals(await isFoundOut(noFileSync), true);
  assertEquals(await isFoundOut(noDirectorySync), true);
  assertEquals(await isFoundOut(inPlace), true);
});

Deno.test("writeFileAtomically() keeps the old file whatever operation fails, and leaves nothing else", async () => {
  for (const errno of ["ENOSPC", "EROFS", "EIO"]) {
    for (let step = 0; step < 6; step++) {
      const { clock, disk, text } = setUp();
      disk.put(path, new TextEncoder().encode(oldText));
      let result = "";
      writeFileAtomically(writeOf(newText, true), disk).then(
        () => result = "ok",
        (error) => result = error.code,
      );
      await clock.advance(step);
      disk.error = errno;
      await clock.advance(1);
      disk.error = null;
      await clock.advance(20);
      // The first removes what is not there; an error of the last comes too late to change anything.
      assertEquals(result, step === 0 ? "ok" : errno, `Operation ${step + 1}`);
      assertEquals([text(), disk.paths], [step === 0 || step === 5 ? newText : oldText, [path]]);
    }
  }
});

Deno.test("MemoryDisk runs out of space in the middle of a write", async () => {
  const { clock, disk, text } = setUp();
  disk.put(path, new TextEncoder().encode(oldText));
  disk.spaceBytes = oldText.length + 10;
  const failed = assertRejects(() => writeFileAtomically(writeOf(newText, true), disk), Error, "ENOSPC");
  await clock.advance(3);
  assertEquals(text(`${path}.tmp`), newText.slice(0, 10));
  await clock.advance(20);
  await failed;
  assertEquals([text(), disk.paths], [oldText, [path]]);
  disk.spaceBytes = Infinity;
  const write = writeFileAtomically(writeOf(newText, true), disk);
  await clock.advance(6);
  await write;
  assertEquals(text(), newText);
});

Deno.test("MemoryDisk tears what was not flushed: cut off, or filled with zeros; a killed process loses nothing", async () => {
  const found = new Set<string | null>();
  for (let seed = 0; seed < 200; seed++) {
    const { clock, disk, text } = setUp(seed);
    let file = null as Awaited<ReturnType<AtomicFiles["create"]>> | null;
    disk.create(path, 0o600).then((made) => file = made);
    await clock.advance(1);
    disk.syncDirectory("/internal");
    file!.write(new TextEncoder().encode("ab"));
    await clock.advance(1);
    file!.sync();
    await clock.advance(1);
    file!.write(new TextEncoder().encode("cd"));
    await clock.advance(1);
    disk.killProcess();
    assertEquals(text(), "abcd");
    disk.powerLoss();
    found.add(text());
  }
  assertEquals([...found].sort(), ["ab", "ab\0\0", "abc", "abc\0", "abcd"]);
});

Deno.test("MemoryDisk refuses to make or link what is there, and to move what is not", async () => {
  const { clock, disk } = setUp();
  disk.put(path, new Uint8Array());
  const results: string[] = [];
  for (const one of [disk.create(path, 0), disk.link(path, path), disk.rename("a", "b"), disk.remove("a")]) {
    one.then(() => results.push("ok"), (error) => results.push(error.code));
  }
  await clock.advance(1);
  assertEquals(results, ["EEXIST", "EEXIST", "ENOENT", "ENOENT"]);
});

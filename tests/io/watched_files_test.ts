import { RealClock } from "../../src/io/real_clock.ts";
import { WatchedFiles } from "../../src/io/watched_files.ts";
import { assert, assertEquals } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";
import { eventually } from "./eventually.ts";

Deno.test("WatchedFiles.read() tells contents apart by version, whatever the time stamps say", async () => {
  await withDirectory(async (root) => {
    const files = new WatchedFiles(new RealClock());
    const [path, other, missing] = [`${root}/a`, `${root}/b`, `${root}/none`];
    await Deno.writeTextFile(path, "one");
    await Deno.mkdir(other);
    const versions = async () => (await files.read([path, other, missing])).map(({ version }) => version);
    const [first, unreadable] = await versions();
    assert(first !== undefined && unreadable !== undefined && (await versions()).length === 2);
    assertEquals(await versions(), [first, unreadable]);
    const time = new Date("2026-01-01");
    await Deno.writeTextFile(path, "two");
    await Deno.utime(path, time, time);
    const [second] = await versions();
    assert(second !== first);
    await Deno.writeTextFile(`${root}/tmp`, "two");
    await Deno.rename(`${root}/tmp`, path);
    assertEquals((await versions())[0], second, "The same text again is no change");
    const [file, directory] = await files.read([path, other]);
    assert(file !== undefined && "bytes" in file && new TextDecoder().decode(file.bytes) === "two");
    assert(directory !== undefined && "error" in directory && directory.error.includes(other));
  });
});

Deno.test("WatchedFiles.watch() hints at a rename over the file and at a write in place", async () => {
  await withDirectory(async (root) => {
    const files = new WatchedFiles(new RealClock());
    await Deno.writeTextFile(`${root}/a`, "one");
    let hints = 0;
    const closer = files.watch(`${root}/a`, () => hints++);
    try {
      await Deno.writeTextFile(`${root}/a`, "two");
      await eventually("A hint at the write", () => hints > 0);
      hints = 0;
      await Deno.writeTextFile(`${root}/b`, "three");
      await Deno.rename(`${root}/b`, `${root}/a`);
      await eventually("A hint at the rename", () => hints > 0);
    } finally {
      closer.close();
    }
  });
});

import { limits } from "../../src/base/limits.ts";
import type { ConfigDirScan } from "../../src/model/world.ts";
import { assert, assertEquals } from "../assert.ts";
import { MemoryConfigDir } from "./memory_config_dir.ts";
import { VirtualClock } from "./virtual_clock.ts";

function setUp() {
  const clock = new VirtualClock({ nowMs: 0, wallMs: 5_000 });
  const dir = new MemoryConfigDir(clock);
  let hints = 0;
  const closer = dir.watch(() => hints++);
  return { clock, dir, closer, hints: () => hints };
}

/** `name=content`, or `name!error`. */
function show(scan: ConfigDirScan): string[] {
  if (!scan.ok) return [scan.error];
  return scan.files.map((file) =>
    "error" in file ? `${file.name}!${file.error}` : `${file.name}=${new TextDecoder().decode(file.bytes)}`
  );
}

Deno.test("MemoryConfigDir scans by name and leaves out what is no entry file", async () => {
  const { clock, dir } = setUp();
  for (const name of ["b", "a", ".hidden", "tmp.dc.a"]) dir.write(name, `in ${name}`);
  dir.write("huge", new Uint8Array(limits.entryFileBytesMax + 1));
  assertEquals(show(await dir.scan()).slice(0, 2), ["a=in a", "b=in b"]);
  assert(show(await dir.scan())[2]!.startsWith("huge!1048577 bytes"));
  await clock.advance(100);
  dir.rename("tmp.dc.a", "c");
  dir.setReadError("a", "EACCES");
  dir.remove("huge");
  const scan = await dir.scan();
  assertEquals(show(scan), ["a!EACCES", "b=in b", "c=in tmp.dc.a"]);
  assertEquals(scan.ok && scan.modifiedMs, 5_100);
});

Deno.test("MemoryConfigDir gives a new version with every write, and only then", async () => {
  const { dir } = setUp();
  const versionOf = async () => {
    const scan = await dir.scan();
    assert(scan.ok);
    return scan.files[0]!.version;
  };
  dir.write("a", "same");
  const first = await versionOf();
  assertEquals(await versionOf(), first);
  dir.write("a", "same");
  assert(await versionOf() !== first);
});

Deno.test("MemoryConfigDir merges, delays and loses hints", async () => {
  const { clock, dir, hints, closer } = setUp();
  dir.hintDelayMs = 50;
  dir.write("a", "1");
  dir.write("a", "2");
  await clock.advance(49);
  assertEquals(hints(), 0);
  await clock.advance(1);
  assertEquals(hints(), 1);
  dir.dropHints = true;
  dir.remove("a");
  await clock.advance(100);
  assertEquals(hints(), 1);
  closer.close();
  assertEquals(dir.watchers, 0);
});

Deno.test("MemoryConfigDir hints without a change, at a period, until told not to", async () => {
  const { clock, dir, hints } = setUp();
  dir.spuriousHintsMs = 100;
  await clock.advance(150);
  // Set again to the same it keeps its period.
  dir.spuriousHintsMs = 100;
  await clock.advance(200);
  assertEquals([hints(), dir.scans], [3, 0]);
  dir.spuriousHintsMs = 10;
  await clock.advance(50);
  assertEquals(hints(), 8);
  dir.spuriousHintsMs = 0;
  await clock.advance(1_000);
  assertEquals([hints(), clock.liveTimers()], [8, 0]);
});

Deno.test("MemoryConfigDir goes, comes back, fails and is slow", async () => {
  const { clock, dir } = setUp();
  dir.write("a", "1");
  dir.removeDirectory();
  assert(show(await dir.scan())[0]!.endsWith("ENOENT"));
  dir.createDirectory();
  assertEquals(show(await dir.scan()), []);
  const copy = dir.writeSlowly("a", "abcd", 2, 10);
  assertEquals(dir.read("a"), "");
  await clock.advance(10);
  assertEquals(dir.read("a"), "ab");
  await clock.advance(10);
  await copy;
  assertEquals(dir.read("a"), "abcd");
  dir.scanError = "EIO";
  dir.scanMs = 30;
  const scan = dir.scan();
  await clock.advance(30);
  assertEquals(show(await scan), ["EIO"]);
});

import { limits } from "../../src/base/limits.ts";
import { type Held, settleFiles } from "../../src/config/settling.ts";
import type { ConfigDirScan, ConfigFile } from "../../src/model/world.ts";
import { assertEquals } from "../assert.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const file = (name: string, version: string, text = "x\n"): ConfigFile => ({
  name,
  version,
  bytes: bytes(text),
});
const scan = (...files: ConfigFile[]): ConfigDirScan => ({ ok: true, files });
const none: ReadonlyMap<string, Held> = new Map();
const inForce = (...files: [string, string][]) =>
  new Map(files.map(([name, version]) => [name, { version }]));

/** What counts, as `name version`. */
function counted({ scan }: { scan: ConfigDirScan }): string[] {
  return scan.ok ? scan.files.map(({ name, version }) => `${name} ${version}`) : [scan.error];
}

Deno.test("settleFiles() takes a new file whose last line is finished at once", () => {
  const settled = settleFiles(new Map(), none, scan(file("a", "1"), file("b", "1", "")), 0);
  assertEquals([counted(settled), settled.held.size, settled.againAtMs], [["a 1", "b 1"], 0, Infinity]);
});

Deno.test("settleFiles() holds a changed file until it has stayed so, and one more change begins anew", () => {
  const before = inForce(["a", "1"]);
  let settled = settleFiles(before, none, scan(file("a", "2")), 1_000);
  assertEquals([counted(settled), settled.againAtMs], [["a 1"], 1_000 + limits.fileSettleMs]);
  settled = settleFiles(before, settled.held, scan(file("a", "3")), 1_100);
  assertEquals([counted(settled), settled.againAtMs], [["a 1"], 1_100 + limits.fileSettleMs]);
  settled = settleFiles(before, settled.held, scan(file("a", "3")), 1_099 + limits.fileSettleMs);
  assertEquals(counted(settled), ["a 1"]);
  settled = settleFiles(before, settled.held, scan(file("a", "3")), 1_100 + limits.fileSettleMs);
  assertEquals([counted(settled), settled.held.size], [["a 3"], 0]);
});

Deno.test("settleFiles() holds a file that vanished, and forgets that when it is back", () => {
  const before = inForce(["a", "1"]);
  const gone = settleFiles(before, none, scan(), 0);
  assertEquals(counted(gone), ["a 1"]);
  const back = settleFiles(before, gone.held, scan(file("a", "1")), 100);
  assertEquals([counted(back), back.held.size], [["a 1"], 0]);
  assertEquals(counted(settleFiles(before, gone.held, scan(), limits.fileSettleMs)), []);
});

Deno.test("settleFiles() gives a file without an end of its last line more time, new or changed", () => {
  const unfinished = scan(file("a", "2", "-a 10.0.0.1"), file("new", "1", "-a 10.0.0.1"));
  const settled = settleFiles(inForce(["a", "1"]), none, unfinished, 0);
  assertEquals([counted(settled), settled.againAtMs], [["a 1"], limits.unfinishedFileSettleMs]);
  const later = settleFiles(inForce(["a", "1"]), settled.held, unfinished, limits.unfinishedFileSettleMs);
  assertEquals(counted(later), ["a 2", "new 1"]);
});

Deno.test("settleFiles() passes on what cannot be read, and keeps what it holds when the scan failed", () => {
  const before = inForce(["a", "1"]);
  const unreadable: ConfigFile = { name: "a", version: "2", error: "Cannot read a: EIO" };
  assertEquals(counted(settleFiles(before, none, scan(unreadable), 0)), ["a 2"]);
  const held = settleFiles(before, none, scan(file("a", "2")), 0).held;
  const failed = settleFiles(before, held, { ok: false, error: "EIO" }, 10);
  assertEquals([counted(failed), failed.held], [["EIO"], held]);
});

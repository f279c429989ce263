import { contentDigest } from "../../src/config/content_digest.ts";
import { assert, assertEquals } from "../assert.ts";
import { limits } from "../../src/base/limits.ts";
import {
  configDigest,
  type FileState,
  type FilesUpdate,
  uniteEntries,
  updateFiles,
} from "../../src/config/entries.ts";
import type { ConfigFile } from "../../src/model/world.ts";

const ids = "-q nqn.2014-08.org.example:host -n nqn.2016-01.com.example:sub";
const none: ReadonlyMap<string, FileState> = new Map();

/** A file whose version follows its content. */
function file(name: string, text: string, version = contentDigest(text)): ConfigFile {
  return { name, version, bytes: new TextEncoder().encode(text) };
}
const unreadable = (name: string, error = "Cannot read /d/a: EACCES"): ConfigFile => ({
  name,
  version: "",
  error,
});
const line = (address: string, more = "") => `-a ${address} ${ids} ${more}\n`;
const scan = (previous: ReadonlyMap<string, FileState>, ...files: ConfigFile[]) =>
  updateFiles(previous, { ok: true, files });
const addresses = ({ files }: Pick<FilesUpdate, "files">) =>
  uniteEntries(files.values()).entries.map((entry) => entry.traddr);

Deno.test("updateFiles() takes new, changed and deleted files into account", () => {
  const first = scan(none, file("b", line("10.0.0.2")), file("a", line("10.0.0.1")));
  assertEquals([first.changed, first.problems, addresses(first)], [true, [], ["10.0.0.1", "10.0.0.2"]]);
  const second = scan(first.files, file("a", line("10.0.0.3")), file("b", line("10.0.0.2")));
  assertEquals([second.changed, addresses(second)], [true, ["10.0.0.3", "10.0.0.2"]]);
  const third = scan(second.files, file("b", line("10.0.0.2")));
  assertEquals([third.changed, addresses(third)], [true, ["10.0.0.2"]]);
  const fourth = scan(third.files);
  assertEquals([fourth.changed, addresses(fourth)], [true, []]);
  assertEquals(scan(fourth.files).changed, false);
});

Deno.test("updateFiles() keeps the very objects of files that did not change", () => {
  const first = scan(none, file("a", line("10.0.0.1")), file("b", "nonsense"));
  const again = scan(first.files, file("a", line("10.0.0.1")), file("b", "nonsense"));
  assertEquals([again.changed, again.problems], [false, []]);
  for (const name of ["a", "b"]) assert(again.files.get(name) === first.files.get(name), name);
  // A file that is written again with the same content is not parsed again.
  const rewritten = scan(first.files, file("a", line("10.0.0.1"), "later"), file("b", "nonsense"));
  assertEquals(rewritten.changed, false);
  assert(rewritten.files.get("a")?.parsed === first.files.get("a")?.parsed);
  assertEquals(rewritten.files.get("a")?.version, "later");
});

Deno.test("the last good content of a file that becomes unreadable stays in force", () => {
  const first = scan(none, file("a", line("10.0.0.1")));
  const bad = [
    unreadable("a"),
    file("a", "\0\x01\x02"),
    file("a", "#".repeat(limits.entryFileBytesMax + 1)),
  ];
  for (const content of bad) {
    const broken = scan(first.files, content);
    assertEquals([broken.changed, addresses(broken)], [false, ["10.0.0.1"]]);
    assertEquals(broken.problems.length, 1);
    assert(
      /^Cannot (read \/d\/a|use entry file "a"): /.test(broken.problems[0]?.message ?? ""),
      broken.problems[0]?.message,
    );
    assertEquals(uniteEntries(broken.files.values()).errors, broken.problems);
    assertEquals(configDigest(broken.files), configDigest(first.files));
    const again = scan(broken.files, content);
    assertEquals([again.changed, again.problems.length], [false, 0], "the same failure is told once");
    const same = scan(again.files, file("a", line("10.0.0.1")));
    assertEquals([same.changed, same.problems, uniteEntries(same.files.values()).errors], [false, [], []]);
    const other = scan(again.files, file("a", line("10.0.0.2")));
    assertEquals([other.changed, addresses(other)], [true, ["10.0.0.2"]]);
    assertEquals(scan(again.files).changed, true, "a deleted file leaves, broken or not");
  }
});

Deno.test("a file that was never readable has no entries, is told once, and is taken when it can be read", () => {
  const first = scan(none, unreadable("a"), file("b", line("10.0.0.2")));
  assertEquals([addresses(first), first.problems.length], [["10.0.0.2"], 1]);
  const again = scan(first.files, unreadable("a"), file("b", line("10.0.0.2")));
  assertEquals([again.changed, again.problems.length], [false, 0]);
  assertEquals(uniteEntries(again.files.values()).errors.length, 1);
  const other = scan(again.files, unreadable("a", "Cannot read /d/a: EIO"), file("b", line("10.0.0.2")));
  assertEquals(other.problems.map((problem) => problem.message), ["Cannot read /d/a: EIO"]);
  const good = scan(other.files, file("a", line("10.0.0.1")), file("b", line("10.0.0.2")));
  assertEquals([good.changed, addresses(good)], [true, ["10.0.0.1", "10.0.0.2"]]);
});

Deno.test("a scan that fails changes nothing and is told", () => {
  const first = scan(none, file("a", line("10.0.0.1")));
  const failed = updateFiles(first.files, { ok: false, error: "Cannot read /d: ENOENT" });
  assert(failed.files === first.files);
  assertEquals(failed.changed, false);
  assertEquals(failed.problems.map((problem) => problem.message), [
    "Cannot read /d: ENOENT; what the entry files said before stays in force",
  ]);
});

Deno.test("bad lines are told when they appear, and stay among the errors of the union", () => {
  const first = scan(none, file("a", `${line("10.0.0.1")}nonsense\n`));
  assertEquals(first.problems.map((problem) => [problem.file, problem.line]), [["a", 2]]);
  const again = scan(first.files, file("a", `${line("10.0.0.1")}nonsense\n`));
  assertEquals(again.problems, []);
  assertEquals(uniteEntries(again.files.values()).errors.length, 1);
});

Deno.test("uniteEntries() orders by file name and line, whatever order it is given", () => {
  const { files } = scan(
    none,
    file("b", line("10.0.0.3")),
    file("B", line("10.0.0.1")),
    file("a", line("10.0.0.2")),
  );
  const forward = uniteEntries(files.values());
  assertEquals(forward.entries.map((entry) => entry.traddr), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  assertEquals(uniteEntries([...files.values()].reverse()), forward);
});

Deno.test("uniteEntries() keeps an endpoint that several files name, and tells when they disagree", () => {
  const { files } = scan(none, file("a", line("10.0.0.1", "-l 5")), file("b", line("10.0.0.1", "-l 5")));
  const agreed = uniteEntries(files.values());
  assertEquals([agreed.entries.length, agreed.errors], [2, []]);
  const changed = scan(files, file("a", line("10.0.0.1", "-l 5")), file("b", line("10.0.0.1", "-l 6")));
  const { entries, errors } = uniteEntries(changed.files.values());
  assertEquals(entries.length, 2);
  assertEquals(errors.map(({ file, line, message }) => [file, line, message]), [
    ["b", 1, "Ignored options: a line 1 names the same endpoint with other options"],
  ]);
});

Deno.test("uniteEntries() is bounded and tells what it left out", () => {
  const lines = (from: number) =>
    Array.from({ length: 5_000 }, (_, at) => `-a 10.${from}.${at >> 8}.${at & 255} ${ids}\n`).join("");
  const count = limits.entriesMax / 5_000 + 1;
  const { files } = scan(none, ...Array.from({ length: count }, (_, at) => file(`f${at}`, lines(at))));
  const { entries, errors } = uniteEntries(files.values());
  assertEquals(entries.length, limits.entriesMax);
  assertEquals(errors.map(({ file, line }) => [file, line]), [[`f${count - 1}`, 1]]);
  assert(errors[0]?.message.startsWith("Ignored 5000 entries: "), errors[0]?.message);
});

Deno.test("configDigest() tells content and names apart, and nothing else", () => {
  const digest = (...files: ConfigFile[]) => configDigest(scan(none, ...files).files);
  const base = digest(file("a", line("10.0.0.1")), file("b", line("10.0.0.2")));
  assert(/^[0-9a-f]{16}$/.test(base));
  assertEquals(digest(file("b", line("10.0.0.2"), "x"), file("a", line("10.0.0.1"), "y")), base);
  const others = [
    digest(),
    digest(file("a", line("10.0.0.1"))),
    digest(file("a", line("10.0.0.2")), file("b", line("10.0.0.1"))),
    digest(file("a", line("10.0.0.1")), file("c", line("10.0.0.2"))),
    digest(file("a", `${line("10.0.0.1")}#`), file("b", line("10.0.0.2"))),
    digest(file("a", line("10.0.0.1")), file("b", line("10.0.0.2")), file("c", "")),
  ];
  assertEquals(new Set([base, ...others]).size, others.length + 1);
});

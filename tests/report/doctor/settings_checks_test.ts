import {
  checkConfigDir,
  checkEntries,
  checkInternalDir,
  checkSettings,
  type DirectoryReading,
} from "../../../src/report/doctor/settings_checks.ts";
import { assert, assertEquals } from "../../assert.ts";

const directory: DirectoryReading = {
  path: "/etc/d",
  kind: "directory",
  mode: 0o755,
  uid: 0,
  isReadable: true,
};

Deno.test("checkConfigDir() tells a directory that is missing, none, unreadable, or open to all", () => {
  const verdict = (change: Partial<DirectoryReading>) => checkConfigDir({ ...directory, ...change }).verdict;
  assertEquals(verdict({}), "ok");
  assertEquals(verdict({ kind: "missing" }), "failure");
  assertEquals(verdict({ kind: "no-directory" }), "failure");
  assertEquals(verdict({ isReadable: false }), "skipped");
  assertEquals(verdict({ mode: 0o777 }), "warning");
  assertEquals(verdict({ mode: 0o775 }), "ok", "a group that provisions volumes may write");
});

Deno.test("checkInternalDir() lets it be missing, since the agent makes it", () => {
  const verdict = (change: Partial<DirectoryReading>) =>
    checkInternalDir({ ...directory, ...change }).verdict;
  assertEquals([verdict({}), verdict({ kind: "missing" })], ["ok", "ok"]);
  assertEquals([verdict({ kind: "no-directory" }), verdict({ mode: 0o777 })], ["failure", "warning"]);
});

Deno.test("checkSettings() has one finding for each problem, or one that all is well beside the warnings", () => {
  const file = "/etc/s.yaml";
  const bad = checkSettings({ file, isThere: true, problems: ["a", "b"], warnings: ["c"] });
  assertEquals(bad.map(({ verdict, message }) => `${verdict} ${message}`), ["failure a", "failure b"]);
  const good = checkSettings({ file, isThere: false, problems: [], warnings: ["c"] });
  assertEquals(good.map(({ verdict }) => verdict), ["ok", "warning"]);
  assert(good[0]!.message.includes("defaults count"), good[0]!.message);
});

Deno.test("checkEntries() tells each bad line by its place, open secrets, and that there is nothing", () => {
  const reading = { path: "/etc/d", count: 2, files: 1, problems: [], openFiles: [] };
  assertEquals(checkEntries(reading).map(({ verdict, message }) => [verdict, message]), [[
    "ok",
    "2 entries in 1 file",
  ]]);
  const problem = { file: "cluster", line: 3, column: 9, message: "Unknown option -x" };
  const [line, open, rest] = checkEntries({ ...reading, problems: [problem], openFiles: ["cluster"] });
  assertEquals([line?.verdict, line?.message], ["failure", "cluster:3:9: Unknown option -x"]);
  assertEquals([open?.verdict, open?.advice], ["warning", "chmod 600 /etc/d/cluster"]);
  assertEquals(rest?.verdict, "ok");
  const [none] = checkEntries({ ...reading, count: 0, files: 0 });
  assertEquals(none?.verdict, "warning");
});

Deno.test("checkEntries() speaks of a line only where there is one", () => {
  const reading = { path: "/etc/d", count: 0, files: 0, openFiles: [] };
  const adviceOf = (file: string, line: number) => {
    const message = "Cannot read it: EIO (input/output error)";
    return checkEntries({ ...reading, problems: [{ file, line, column: 0, message }] })[0]?.advice;
  };
  assertEquals(adviceOf("cluster", 3), "Mend that line; the others count all the same");
  assertEquals(
    adviceOf("cluster", 0),
    "Mend that file; the others count all the same",
  );
  assertEquals(adviceOf("", 0), "Have /etc/d as a directory that can be read");
});

/** The tables in README.md: complete, and every test that they name is there under this very name. */
import { assert, assertEquals } from "../assert.ts";

/** As the project was asked for; each has a row, in these words. */
const defects = [
  "of two dead clusters one is forgotten",
  "removing the active endpoint ends the cluster",
  "endpoints on ports other than 8009 lose their port",
  "events after the first are not reacted to",
  "nvmet rejects Identify and log reads",
  "a rejected Connect is not seen",
  "the keep-alive timeout in Connect is zero",
  "several sessions an endpoint",
  "after SIGHUP, SIGTERM does not stop it",
  "a corrupt internal.json stops the start",
  "a flag without its value crashes",
  "an invalid hostid crashes",
  "a PDU length below 8 crashes",
  "one bad line costs the file",
  "deleted and edited files have no effect",
  "the directory is read before it is watched",
  "reserved and editor files are read at start",
  "`-l` reaches other clusters",
  "referral endpoints lose the host identity",
  "auto-detection misses `src_addr`, IPv6 and nvme10",
  "log entries of other transports are connected as tcp",
  "one data PDU a read is assumed",
  "log strings add options to the connect",
  "secrets are printed",
  "the log's age is in the wrong unit",
];

interface Row {
  /** Empty: another test of the row above. */
  readonly what: string;
  readonly file: string;
  readonly test: string;
}

/** The rows of all tables, without their headings. */
async function readRows(): Promise<Row[]> {
  const text = await Deno.readTextFile(new URL("README.md", import.meta.url));
  const lines = text.split("\n").filter((line) => /^\| (?!-|defect |behaviour )/.test(line));
  return lines.map((line) => {
    const [, what = "", file = "", test = ""] = /^\| (.*?) *\| `([^`]+)`: (.*?) *\|$/.exec(line) ?? [];
    assert(file !== "" && test !== "", `No row: ${line}`);
    return { what: what.trim(), file, test };
  });
}

/** Names as the source has them, what is filled in included. */
async function testNames(file: string): Promise<Set<string>> {
  const text = await Deno.readTextFile(new URL(file, import.meta.url));
  return new Set([...text.matchAll(/\bDeno\.test\(\s*(["'`])(.+?)\1\s*,/g)].map(([, , name]) => name!));
}

Deno.test("every defect of the predecessor has a row, and no row is of another", async () => {
  const named = (await readRows()).map(({ what }) => what);
  assert(named[0] !== "", "The first row says what it is about");
  for (const defect of defects) {
    assertEquals(named.filter((what) => what === defect).length, 1, defect);
  }
  const text = await Deno.readTextFile(new URL("README.md", import.meta.url));
  const [first = ""] = text.split("# Consumers");
  const rows = first.split("\n").filter((line) => /^\| (?! |-|defect )/.test(line));
  assertEquals(rows.length, defects.length);
});

Deno.test("every test that the tables name exists", async () => {
  const rows = await readRows();
  assert(rows.length > defects.length, `${rows.length} rows`);
  for (const { file, test } of rows) {
    assert((await testNames(file)).has(test), `${file} has no test "${test}"`);
  }
});

Deno.test("every test of this directory stands in a table", async () => {
  const named = new Set((await readRows()).map(({ file, test }) => `${file}: ${test}`));
  for (const { name } of Deno.readDirSync(new URL(".", import.meta.url))) {
    // Two are about tables, this one and the README's.
    if (!name.endsWith("_test.ts") || ["table_test.ts", "readme_test.ts"].includes(name)) continue;
    for (const test of await testNames(name)) assert(named.has(`${name}: ${test}`), `${name}: ${test}`);
  }
});

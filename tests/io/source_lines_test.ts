import {
  readTables,
  sourcePlace,
  type SourceTable,
  withSourceFrame,
  withSourceLines,
} from "../../src/io/source_lines.ts";
import { assertEquals } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";

const table: SourceTable = {
  sources: ["src/base/limits.ts", "src/cli/serve.ts"],
  places: [[3, 0, 0, 7], [3, 20, 0, 9], [4, 2, 1, 40], [9, 0, 1, 44]],
};

for (
  const [line, column, expected] of [
    [1, 0, null],
    [3, 0, "src/base/limits.ts:7"],
    [3, 19, "src/base/limits.ts:7"],
    [3, 20, "src/base/limits.ts:9"],
    [4, 1, "src/base/limits.ts:9"],
    [4, 2, "src/cli/serve.ts:40"],
    [8, 99, "src/cli/serve.ts:40"],
    [9_999, 0, "src/cli/serve.ts:44"],
  ] as const
) {
  Deno.test(`sourcePlace() has ${expected} for line ${line}, column ${column}`, () => {
    const place = sourcePlace(table, line, column);
    assertEquals(place && `${place.source}:${place.line}`, expected);
    assertEquals(sourcePlace({ sources: [], places: [] }, line, column), null);
  });
}

Deno.test("withSourceLines() changes what has a table, and leaves the rest alone", () => {
  const stack = (one: string, other: string) =>
    `Error: No file:///x.ts:1:2\n    at Agent.start (file:///tmp/x/${one})\n    at async file:///tmp/x/${other}\n` +
    `    at file:///tmp/x/none.js:1:1\n    at file:///tmp/toString:1:1\n    at Array.map (<anonymous>)`;
  assertEquals(
    withSourceLines(stack("serve-KX2A.js:3:21", "serve-KX2A.js:3:20"), { "serve-KX2A.js": table }),
    stack("src/base/limits.ts:9:21", "src/base/limits.ts:7:20"),
  );
});

Deno.test("withSourceFrame() names the source of a profile's frame, and leaves others alone", () => {
  const tables = { "serve-KX2A.js": table };
  const frame = (url: string, lineNumber: number) => ({
    functionName: "f",
    url,
    lineNumber,
    columnNumber: 20,
  });
  assertEquals(
    withSourceFrame(frame("file:///tmp/x/serve-KX2A.js", 2), tables),
    frame("file:///tmp/x/src/base/limits.ts", 8),
  );
  for (const url of ["", "ext:core/01_core.js", "node:internal/url"]) {
    assertEquals(withSourceFrame(frame(url, 2), tables), frame(url, 2));
  }
});

Deno.test("readTables() answers what is there, and nothing for what is not or is broken", async () => {
  await withDirectory((directory) => {
    const url = new URL(`file://${directory}/source_lines.json`);
    assertEquals(readTables(url), {});
    Deno.writeTextFileSync(url, "{");
    assertEquals(readTables(url), {});
    Deno.writeTextFileSync(url, JSON.stringify({ "serve-KX2A.js": table }));
    assertEquals(readTables(url), { "serve-KX2A.js": table });
    return Promise.resolve();
  });
});

import { inAscii, sourceTable } from "../../scripts/executable/finish_bundle.ts";
import { sourcePlace } from "../../src/io/source_lines.ts";
import { assertEquals } from "../assert.ts";

Deno.test("sourceTable() has one place for what stands together, by names from the root", () => {
  // Segments are column, source, line and column there, each relative to the one before (ECMA-426).
  const map = {
    version: 3 as const,
    sources: ["../source/src/a.ts", "../source/src/b/c.ts"],
    names: [],
    // Line 1 is nobody's; line 2 is a.ts 1, then a.ts 3 from column 8; line 3 goes on there; line 4 is b/c.ts 1.
    mappings: ";AAAA,IAAI,IAEN;AAAE;ACFF",
  };
  const table = sourceTable(map, "/tmp/x/bundle", "/tmp/x/source");
  assertEquals(table, {
    sources: ["src/a.ts", "src/b/c.ts"],
    places: [[2, 0, 0, 1], [2, 8, 0, 3], [4, 0, 1, 1]],
  });
  const places = [[1, 5], [2, 7], [2, 8], [3, 99], [4, 0]].map(([line = 0, column = 0]) => {
    const place = sourcePlace(table, line, column);
    return place && `${place.source}:${place.line}`;
  });
  assertEquals(places, [null, "src/a.ts:1", "src/a.ts:3", "src/a.ts:3", "src/b/c.ts:1"]);
});

Deno.test("inAscii() changes no meaning of strings and patterns", () => {
  const text = 'JSON.stringify(["\u00b5\u2026\ud834\udd1e", /^\u03bcs$/.test("\u03bcs")])';
  const ascii = inAscii(text);
  assertEquals([/^[ -~]+$/.test(text), /^[ -~]+$/.test(ascii)], [false, true]);
  assertEquals((0, eval)(ascii), (0, eval)(text));
  assertEquals(inAscii("a\n\tb"), "a\n\tb");
});

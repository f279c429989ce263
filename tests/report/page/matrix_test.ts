import { matrixOf } from "../../../src/report/page/matrix.ts";
import type { PathSnapshot } from "../../../src/report/snapshot.ts";
import { assert, assertEquals } from "../../assert.ts";
import { pathOf } from "./status_samples.ts";

function fabric(
  nodes: number,
  subsystems: number,
  isDown: (node: number, at: number) => boolean,
): PathSnapshot[] {
  const paths: PathSnapshot[] = [];
  for (let at = 1; at <= subsystems; at++) {
    for (let node = 1; node <= nodes; node++) {
      paths.push(pathOf(`v${at}`, node, isDown(node, at) ? { state: "failed", reason: "gone" } : {}));
    }
  }
  return paths;
}

const looks = (paths: readonly PathSnapshot[]) => {
  const { rows, columns, rowsMore, subsystemsMore } = matrixOf(paths, 40, 40);
  return {
    rows: rows.map(({ names, cells }) => `${names.length} ${cells.map(({ tone }) => tone[0]).join("")}`),
    columns: columns.map(({ names, live, all }) => `${names.length} ${live}/${all}`),
    more: [rowsMore, subsystemsMore],
  };
};

Deno.test("matrixOf() has a row for each subsystem and a column for each address where there are few", () => {
  const { rows, columns } = matrixOf(fabric(3, 16, (node, at) => node === 2 && at === 10), 40, 40);
  assertEquals(columns.map(({ names, live }) => [names.join(), live]), [
    ["10.0.0.1:4420", 16],
    ["10.0.0.2:4420", 15],
    ["10.0.0.3:4420", 16],
  ]);
  // By number: the tenth stands behind the ninth.
  assertEquals(
    rows.map(({ names }) => names[0]?.replace(/.*:/, "")),
    Array.from({ length: 16 }, (_, at) => `v${at + 1}`),
  );
  assertEquals(rows[9]?.cells.map(({ tone, state }) => [tone, state]), [
    ["good", "live"],
    ["bad", "failed"],
    ["good", "live"],
  ]);
});

Deno.test("matrixOf() folds subsystems that look the same, worst first, and loses no path", () => {
  const paths = fabric(32, 500, (node, at) => node === 7 || at === 33);
  const { rows, columns, more } = looks(paths);
  assertEquals(rows, [`1 ${"b".repeat(32)}`, `499 gggggg${"b"}${"g".repeat(25)}`]);
  assertEquals([columns.length, columns[6], columns[0], more], [32, "1 0/500", "1 499/500", [0, 0]]);
  const whole = matrixOf(paths, 40, 40).rows.flatMap(({ cells }) => cells.flatMap((cell) => cell.paths));
  assertEquals([whole.length, new Set(whole).size], [16_000, 16_000]);
});

Deno.test("matrixOf() folds addresses that look the same, where there are many", () => {
  const { rows, columns } = looks(fabric(1_000, 3, (node, at) => node === 500 && at === 2));
  assertEquals(columns, ["999 2997/2997", "1 2/3"]);
  assertEquals(rows, ["1 gg", "1 gb", "1 gg"]);
});

Deno.test("matrixOf() shows the worst rows and counts the others, where none look the same", () => {
  const { rows, more } = looks(fabric(32, 500, (node, at) => (at >> (node % 9) & 1) === 1));
  assertEquals(rows.length, 40);
  assert(more[0]! > 100 && more[1]! === more[0], `${more}`);
  const missing = rows.map((row) => row.split("b").length);
  assertEquals(missing, missing.toSorted((a, b) => b - a));
});

Deno.test("matrixOf() tells no path from one that is missing", () => {
  const { rows } = matrixOf([pathOf("a", 1), pathOf("b", 2, { state: "failed" })], 40, 40);
  assertEquals(rows.map(({ cells }) => cells.map(({ state }) => state)), [["live", "none"], [
    "none",
    "failed",
  ]]);
});

import { formatTable, printable } from "../../src/cli/table.ts";
import { assertEquals } from "../assert.ts";

Deno.test("formatTable() aligns columns and leaves out empty ones", () => {
  const table = formatTable(["NAME", "EMPTY", "STATE"], [["nvme0", "", "live"], [
    "nvme10",
    "",
    "connecting",
  ]]);
  assertEquals(table, "NAME    STATE\nnvme0   live\nnvme10  connecting\n");
});

Deno.test("formatTable() without rows is its header", () => {
  assertEquals(formatTable(["A", "B"], []), "A  B\n");
});

Deno.test("formatTable() fills up short rows", () => {
  assertEquals(formatTable(["A", "B"], [["x"], ["y", "z"]]), "A  B\nx\ny  z\n");
});

Deno.test("printable() keeps what would steer a terminal from doing so", () => {
  assertEquals(printable("a\x1b[2Jb\nc\u202ed\u2028é"), "a\\x1b[2Jb\\x0ac\\u{202e}d\\u{2028}é");
  assertEquals(formatTable(["A"], [["x\ny"]]), "A\nx\\x0ay\n");
});

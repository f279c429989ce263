import { assert, assertEquals } from "../assert.ts";
import { entryFileNameProblem } from "../../src/config/entry_file_name.ts";

Deno.test("entryFileNameProblem() lets ordinary names pass", () => {
  for (const name of ["a", "volume.conf", "tmp.d", "pvc-1 2", "ü", "a".repeat(200), "-a", "x.tmp.dc.y"]) {
    assertEquals(entryFileNameProblem(name), null, name);
  }
});

Deno.test("entryFileNameProblem() refuses names that are reserved, ignored or elsewhere", () => {
  for (
    const name of [
      "",
      ".",
      "..",
      ".hidden",
      "tmp.dc.x",
      "tmp.dc.",
      "a/b",
      "/a",
      "../a",
      "a\0",
      "a\nb",
      "é".repeat(101),
    ]
  ) {
    const problem = entryFileNameProblem(name);
    assert(problem !== null && problem.length > 5, name);
  }
});

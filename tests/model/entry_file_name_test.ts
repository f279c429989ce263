import { assert, assertEquals } from "../assert.ts";
import { entryFileNameProblem, isEntryFileName } from "../../src/model/entry_file_name.ts";

Deno.test("entryFileNameProblem() lets ordinary names pass", () => {
  for (
    const name of [
      "a",
      "volume.conf",
      "tmp.d",
      "pvc-1 2",
      "ü",
      "a".repeat(255),
      "-a",
      "tmp.dcx",
      "x.tmp.dc.y",
      "a~b",
      "#a",
      "a#",
      "#",
    ]
  ) {
    assertEquals(entryFileNameProblem(name), null, name);
    assert(isEntryFileName(name), name);
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
      "a~",
      "#a#",
      "a\0",
      "a\nb",
      "a\x7f",
      "é".repeat(128),
    ]
  ) {
    const problem = entryFileNameProblem(name);
    assert(problem !== null && problem.length > 5, name);
  }
});

Deno.test("isEntryFileName() leaves out what editors leave and what is being written", () => {
  for (const name of [".", "..", ".hidden.conf", "tmp.dc.", "tmp.dc.x", "a~", "#a#", "##"]) {
    assert(!isEntryFileName(name), name);
  }
});

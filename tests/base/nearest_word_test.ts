import { assertEquals } from "../assert.ts";
import { editDistance, nearestWord } from "../../src/base/nearest_word.ts";

Deno.test("editDistance() counts insertions, deletions and replacements", () => {
  const rows: [string, string, number][] = [
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "abc", 0],
    ["kitten", "sitting", 3],
    ["flaw", "lawn", 2],
    ["ab", "ba", 2],
  ];
  for (const [a, b, distance] of rows) {
    assertEquals([editDistance(a, b), editDistance(b, a)], [distance, distance], `${a} ${b}`);
  }
});

Deno.test("nearestWord() suggests what is near, whatever its case, and nothing else", () => {
  const words = ["traddr", "trsvcid", "hostnqn", "tls"];
  assertEquals(nearestWord("tradr", words), "traddr");
  assertEquals(nearestWord("HOSTNQ", words), "hostnqn");
  assertEquals(nearestWord("tsl", words), "tls");
  assertEquals(nearestWord("zzz", words), null);
  assertEquals(nearestWord("xy", words), null);
  assertEquals(nearestWord("frobnicate", words), null);
  assertEquals(nearestWord("", words), null);
  assertEquals(nearestWord("x".repeat(10_000), words), null);
  assertEquals(nearestWord("a", []), null);
});

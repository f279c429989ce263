import { ageText, count } from "../../src/cli/age_text.ts";
import { assertEquals } from "../assert.ts";

Deno.test("ageText() has the two largest units", () => {
  const texts = [0, 400, 600, 40_000, 60_000, 192_000, 11_520_000, 3_600_000, 792_000_000, -5].map(ageText);
  assertEquals(texts, ["0s", "0s", "1s", "40s", "1m", "3m12s", "3h12m", "1h", "9d4h", "0s"]);
});

Deno.test("count() has a plural", () => {
  assertEquals([count(0, "path"), count(1, "path"), count(2, "path")], ["0 paths", "1 path", "2 paths"]);
});

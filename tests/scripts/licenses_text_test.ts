import { licensesText } from "../../scripts/executable/licenses_text.ts";
import { assert } from "../assert.ts";
import { sampleParts } from "./parts_samples.ts";

Deno.test("licensesText() has a line for each part, every text, and all crates", () => {
  const text = licensesText(sampleParts);
  const lines = text.split("\n");
  for (
    const line of ["discovery-client 1.2.3 (abc)", "You may use left.", "Left is old.", "You may use Deno."]
  ) {
    assert(lines.includes(line), `No line ${line} in:\n${text}`);
  }
  for (
    const row of [/^ {2}@scope\/left 1.0.0 +MIT$/, /^ {2}Stones +Apache-2.0 WITH/, /^ {2}Sticks +its own/]
  ) {
    assert(lines.some((line) => row.test(line)), `No ${row} in:\n${text}`);
  }
  assert(lines.includes("tokio 1.47.1, ash 0.38.0+1.3.281"), text);
  assert(text.endsWith("\n") && !text.endsWith("\n\n"), "One newline at the end");
});

Deno.test("licensesText() says that no licence was stated, or gives the text", () => {
  assert(licensesText(sampleParts).includes("No licence has been stated"), "None is said");
  const text = licensesText({ ...sampleParts, license: { file: "LICENSE", text: "Take it.\n" } });
  assert(text.includes("\nTake it.\n") && !text.includes("No licence has been stated"), text);
});

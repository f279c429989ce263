import { withAuxSuffix } from "../../src/config/aux_suffix.ts";
import { nqnCharsMax } from "../../src/nvme/nqn.ts";
import { assertEquals } from "../assert.ts";

const longest = "n".repeat(nqnCharsMax - 3);

const rows: readonly [nqn: string, suffix: string, expected: string][] = [
  ["nqn.2024-01.io.example:c", "", "nqn.2024-01.io.example:c"],
  ["nqn.2024-01.io.example:c", "aux", "nqn.2024-01.io.example:c.aux"],
  ["nqn.2024-01.io.example:c.aux", "aux", "nqn.2024-01.io.example:c.aux"],
  ["nqn.2024-01.io.example:caux", "aux", "nqn.2024-01.io.example:caux.aux"],
  ["nqn.2024-01.io.example:c.aux.b", "aux.b", "nqn.2024-01.io.example:c.aux.b"],
  [longest, "au", `${longest}.au`],
  [longest, "aux", longest],
];

Deno.test("withAuxSuffix() appends the suffix once, after a dot, where there is room", () => {
  for (const [nqn, suffix, expected] of rows) {
    assertEquals(withAuxSuffix(nqn, suffix), expected);
    assertEquals(withAuxSuffix(expected, suffix), expected, "Again changes nothing");
  }
});

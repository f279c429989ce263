import { entriesWithAuxSuffix, withAuxSuffix } from "../../src/config/aux_suffix.ts";
import { parseEntryFile } from "../../src/config/entry_file.ts";
import { nqnCharsMax } from "../../src/nvme/nqn.ts";
import { assert, assertEquals } from "../assert.ts";

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

Deno.test("entriesWithAuxSuffix() changes the subsystem NQN of every entry and nothing else", () => {
  const text = "-a 10.0.0.1 -q nqn.2014-08.org.example:h -n nqn.2024-01.io.example:c -i 4\n";
  const { entries } = parseEntryFile("f", new TextEncoder().encode(text));
  assertEquals(entries.length, 1);
  assert(entriesWithAuxSuffix(entries, "") === entries);
  const [changed] = entriesWithAuxSuffix(entries, "aux");
  const cluster = { subsysnqn: "nqn.2024-01.io.example:c.aux", hostnqn: "nqn.2014-08.org.example:h" };
  assertEquals(changed, { ...entries[0]!, cluster });
});

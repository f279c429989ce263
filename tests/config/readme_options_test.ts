/** The options of an entry line that README shows are all there are, with their names, ranges and kernel tokens. */
import { entryOptions, refusedOptions } from "../../src/config/entry_options.ts";
import { parseEntryFile } from "../../src/config/entry_file.ts";
import { assert, assertEquals } from "../assert.ts";
import { fabricsTokens } from "../sim/fabrics_options.ts";

interface Row {
  readonly names: readonly string[];
  readonly value: string;
  readonly token: string;
}

async function section(): Promise<string> {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const text = /\n### What a line can say\n([^]*?)\n## /.exec(readme)?.[1];
  assert(text !== undefined, "README has the section");
  return text;
}

async function rows(): Promise<Row[]> {
  const lines = (await section()).split("\n").filter((line) => line.startsWith("| `-"));
  return lines.map((line) => {
    const [, names = "", value = "", , token = ""] = line.split("|").map((cell) => cell.trim());
    return { names: names.replaceAll("`", "").split(", "), value, token };
  });
}

Deno.test("README shows every option of an entry line, under all its names, and no other", async () => {
  const expected = entryOptions.map(({ names, short }) =>
    [
      ...short === undefined ? [] : [`-${short}`],
      ...names.map((name) => `--${name}`),
    ].join(", ")
  );
  assertEquals((await rows()).map(({ names }) => names.join(", ")).sort(), expected.sort());
});

Deno.test("README shows the range of every number, neither more nor less", async () => {
  const ids = "-q nqn.2014-08.org.example:h -n nqn.2014-08.org.example:s";
  let ranges = 0;
  for (const { names, value } of await rows()) {
    const range = /^(-?\d+) to (\d+)$/.exec(value);
    if (range === null) continue;
    ranges++;
    const [min, max] = [Number(range[1]), Number(range[2])];
    const accepted = [min - 1, min, max, max + 1].map((number) =>
      parseEntryFile("f", new TextEncoder().encode(`-a 10.0.0.1 ${ids} ${names.at(-1)} ${number}`))
        .badLines === 0
    );
    assertEquals(accepted, [false, true, true, false], names.join());
  }
  assertEquals(ranges, 10);
});

Deno.test("README says which options take a value", async () => {
  for (const { names, value } of await rows()) {
    const option = entryOptions.find(({ names: [name] }) => names.includes(`--${name}`));
    assertEquals(value !== "", option?.read !== undefined, names.join());
  }
});

Deno.test("README shows the token of every option, and says why the others are not offered", async () => {
  const shown = (await rows()).map(({ token }) => /^`(\w+)`/.exec(token)?.[1]).filter((token) =>
    token !== undefined
  );
  const notOffered = ["discovery", "duplicate_connect"];
  assertEquals([...shown, ...notOffered].sort(), [...fabricsTokens].sort());
  const text = await section();
  for (const token of notOffered) assert(text.includes(`\`${token}\``), token);
  assert([...refusedOptions.keys()].some((name) => text.includes(`--${name}`)));
});

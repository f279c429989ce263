/** The table of mutations fits the source as it is now; whether they are caught only a run of them tells. */
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { parseArguments } from "./main.ts";
import { applyMutation, type Mutation } from "./mutation.ts";
import { mutations, unreachedRules } from "./mutations.ts";

const root = new URL("../../", import.meta.url);

Deno.test("every mutation has its place in the source exactly once, and a name of its own", async () => {
  assert(mutations.length >= 25, `Only ${mutations.length} mutations`);
  assertEquals(new Set(mutations.map(({ name }) => name)).size, mutations.length);
  for (const mutation of mutations) {
    const source = await Deno.readTextFile(new URL(mutation.file, root));
    assert(applyMutation(source, mutation) !== source);
    assert(mutation.rules.length > 0, `${mutation.name} names no rule`);
    assert(/^[a-z]+(-[a-z]+)*$/.test(mutation.name) && /^[A-Z].*[^.]$/.test(mutation.what), mutation.name);
  }
});

Deno.test("every mutation leaves source that can be parsed", async () => {
  const directory = await Deno.makeTempDir();
  try {
    for (const mutation of mutations) {
      const source = await Deno.readTextFile(new URL(mutation.file, root));
      await Deno.writeTextFile(`${directory}/${mutation.name}.ts`, applyMutation(source, mutation));
    }
    // The formatter reads all of them at once, and fails on what is no TypeScript.
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["fmt", "--no-config", "--quiet", directory],
      env: { NO_COLOR: "1" },
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("every rule has a mutation that names it, or a reason why none can reach it", () => {
  const named = new Set(mutations.flatMap(({ rules }) => rules));
  for (const [rule, reason] of Object.entries(unreachedRules)) {
    assertEquals(named.has(rule as never), reason === null, `${rule}: ${reason}`);
  }
});

Deno.test("applyMutation() refuses what is stale", () => {
  const mutation: Mutation = { name: "m", what: "M", file: "a.ts", from: "b", to: "$&c", rules: ["no-bug"] };
  assertEquals(applyMutation("abc", mutation), "a$&cc");
  for (const source of ["ac", "abcb"]) {
    assertThrows(() => applyMutation(source, mutation), Error, "Stale mutation m");
  }
  assertThrows(() => applyMutation("abc", { ...mutation, to: "b" }), Error, "changes nothing");
});

Deno.test("parseArguments() reads names and options, and says what is wrong", () => {
  const { name } = mutations[1]!;
  const parsed = parseArguments(["--jobs", "3", "--seeds-factor", "0.5", "-o", "json", name]);
  assert(typeof parsed !== "string");
  assertEquals([parsed.jobs, parsed.factor, parsed.output, parsed.chosen.length], [3, 0.5, "json", 1]);
  const all = parseArguments([]);
  assert(typeof all !== "string");
  assertEquals(all.chosen, mutations);
  for (const wrong of [["--jobs", "0"], ["--seeds-factor"], ["-o", "xml"], ["no-such"], ["--loud"]]) {
    assertEquals(typeof parseArguments(wrong), "string", wrong.join(" "));
  }
});

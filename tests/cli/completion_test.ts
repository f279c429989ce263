/** The completion scripts for zsh and fish: what is in them, and their syntax where the shell is there. */
import { commands } from "../../src/cli/commands.ts";
import { logLevels } from "../../src/config/setting_kind.ts";
import { assert, assertEquals } from "../assert.ts";
import { runIn, withDirectory } from "./memory_environment.ts";

async function script(shell: string): Promise<string> {
  const { status, stdout, stderr } = await runIn(["completion", shell]);
  assertEquals([status, stderr], [0, ""]);
  return stdout;
}

Deno.test("every shell's script has every command, option and known value", async () => {
  const [zsh, fish] = [await script("zsh"), await script("fish")];
  for (const { words, options } of commands) {
    for (const word of words) {
      assert(zsh.includes(`'${word}:`) || zsh.includes(`'${word}')`), word);
      assert(fish.includes(` -a '${word}' `), word);
    }
    for (const { long, short, choices } of options) {
      assert(zsh.includes(`--${long}`), long);
      const line = fish.split("\n").find((line) =>
        line.includes(`'__discovery_client_in ${words.join(" ")}'`) && line.includes(` -l ${long} `)
      );
      assert(line !== undefined && (short === undefined || line.includes(` -s ${short} `)), long);
      if (choices !== undefined) assert(zsh.includes(`(${choices.join(" ")})`), long);
    }
  }
  assert(fish.includes(`-x -a '${logLevels.join(" ")}'`), "No levels");
});

Deno.test("zsh and fish complete a value that stands without its option's name", async () => {
  const [zsh, fish] = [await script("zsh"), await script("fish")];
  const operands = commands.flatMap(({ words, options }) =>
    options.filter(({ operand }) => operand).map(({ value, choices, names }) => ({
      words: words.join(" "),
      value,
      isCompleted: choices !== undefined || names !== undefined,
    }))
  );
  assert(operands.some(({ words }) => words === "config check"), "No command takes one");
  for (const { words, value, isCompleted } of operands) {
    assert(zsh.includes(`'::${value}:`), words);
    // Nothing is known of an address.
    if (!isCompleted) continue;
    const lines = fish.split("\n").filter((line) => line.includes(`'__discovery_client_in ${words}'`));
    assert(lines.some((line) => / -F$| -a '/.test(line) && !line.includes(" -l ")), words);
  }
});

Deno.test("every script quotes what the table says: no quote is left open", async () => {
  for (const shell of ["zsh", "fish", "bash"]) {
    for (const [at, line] of (await script(shell)).split("\n").entries()) {
      if (line.trimStart().startsWith("#") || /^\s*compopt|'<.*>'\)/.test(line)) continue;
      const bare = line.replaceAll("\\'", "");
      assertEquals((bare.split("'").length - 1) % 2, 0, `${shell} line ${at + 1}: ${line}`);
    }
  }
});

/** Shells parse a file without running it with -n. */
for (const shell of ["bash", "zsh", "fish"]) {
  Deno.test(`the script for ${shell} is one, where that shell is there to say so`, async () => {
    const text = await script(shell);
    await withDirectory(async (root) => {
      await Deno.writeTextFile(`${root}/script`, text);
      try {
        const { code, stderr } = await new Deno.Command(shell, { args: ["-n", `${root}/script`] }).output();
        assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
      } catch (error) {
        // Not every machine has them all; bash runs this very project's scripts.
        assert(error instanceof Deno.errors.NotFound && shell !== "bash", `${shell}: ${error}`);
      }
    });
  });
}

Deno.test("completion without a shell explains itself", async () => {
  const { status, stderr } = await runIn(["completion"]);
  assertEquals(status, 2);
  for (const shell of ["bash", "zsh", "fish"]) assert(stderr.includes(shell), stderr);
});

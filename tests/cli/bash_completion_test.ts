/** The completion script for bash, asked in a real bash. */
import { bashCompletion } from "../../src/cli/bash_completion.ts";
import type { CommandTable } from "../../src/cli/command.ts";
import { commandGroups, commands, programAbout } from "../../src/cli/commands.ts";
import { assert, assertEquals } from "../assert.ts";
import { runIn, withDirectory } from "./memory_environment.ts";

const table: CommandTable = { about: programAbout, groups: commandGroups, commands };

/** What bash would offer for the last of the words, sorted; one bash for all questions. */
async function complete(questions: readonly (readonly string[])[], directory = "/"): Promise<string[][]> {
  const asked = questions.map((words) => {
    const list = ["discovery-client", ...words].map((word) => `'${word}'`).join(" ");
    return `COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _discovery_client; printf '%s\\t' "\${COMPREPLY[@]}"; echo`;
  });
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["--norc", "--noprofile", "-c", ["set -u", bashCompletion(table), ...asked].join("\n")],
    cwd: directory,
  }).output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stderr)], [0, ""]);
  return decoder.decode(stdout).split("\n").slice(0, -1).map((line) =>
    line.split("\t").filter((word) => word !== "").sort()
  );
}

const rows: readonly [words: string[], offered: string[]][] = [
  [["ser"], ["serve"]],
  [["lis"], ["list"]],
  [["list", ""], ["--help", "-h", "ctrl"]],
  [["help", "li"], ["list"]],
  [["help", "list", ""], ["ctrl"]],
  [["completion", ""], ["--help", "-h", "bash", "fish", "zsh"]],
  [["gen", "m"], ["man", "markdown"]],
  [["--ver"], ["--version"]],
  [["serve", "--logging.l"], ["--logging.level"]],
  [["serve", "--logging.level", ""], ["debug", "error", "fatal", "info", "warn"]],
  [["serve", "--logging.level", "=", "w"], ["warn"]],
  [["serve", "--logging.level", "="], ["debug", "error", "fatal", "info", "warn"]],
  [["serve", "--logging.level=w"], ["--logging.level=warn"]],
  [["serve", "-e", "=", "f"], ["false"]],
  [["serve", "-e", "--onc"], ["--once"]],
  [["list", "ctrl", "-o", ""], ["json", "table"]],
  [["list", "ctrl", "-o", "j"], ["json"]],
  [["discover", "-a", "10.0.0.1", "-t", ""], ["tcp"]],
  [["discover", "-q", ""], []],
  [["log-level", "de"], ["debug"]],
  [["log-level", "--lev"], ["--level"]],
  [["nonsense", "--al"], []],
];

Deno.test("bash completes commands, options, and values that are known", async () => {
  const found = await complete(rows.map(([words]) => words));
  for (const [at, [words, offered]] of rows.entries()) assertEquals(found[at], offered, words.join(" "));
});

Deno.test("bash completes every option of every command of the table", async () => {
  const found = await complete(commands.map(({ words }) => [...words, "-"]));
  for (const [at, { words, options }] of commands.entries()) {
    const wanted = ["--help", "-h"];
    for (const { long, short } of options) {
      wanted.push(`--${long}`, ...short === undefined ? [] : [`-${short}`]);
    }
    assertEquals(found[at], wanted.sort(), words.join(" "));
  }
  const first = (await complete([[""]]))[0] ?? [];
  for (const { words } of commands) assert(first.includes(words[0] ?? ""), words.join(" "));
});

Deno.test("bash completes files where the value is a file, and directories where it is one", async () => {
  await withDirectory(async (root) => {
    await Deno.mkdir(`${root}/a_directory`);
    await Deno.writeTextFile(`${root}/a file`, "");
    const questions = [
      ["serve", "--config", "a"],
      ["serve", "--config", "=", "a"],
      ["serve", "--clientConfigDir", "a"],
      ["gen", "man", "-o", "a"],
      ["config", "check", "a"],
      ["config", "check", "-o", "json", "a"],
      ["serve", "a"],
    ];
    assertEquals(await complete(questions, root), [
      ["a file", "a_directory"],
      ["a file", "a_directory"],
      ["a_directory"],
      ["a_directory"],
      ["a file", "a_directory"],
      ["a file", "a_directory"],
      [],
    ]);
  });
});

Deno.test("completion bash prints the script of the table", async () => {
  assertEquals(await runIn(["completion", "bash"]), { status: 0, stdout: bashCompletion(table), stderr: "" });
});

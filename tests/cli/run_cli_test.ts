import { AssertionError } from "../../src/base/assert.ts";
import { versionText } from "../../src/base/version.ts";
import { commands } from "../../src/cli/commands.ts";
import { bugText } from "../../src/cli/run_cli.ts";
import { settingKeys } from "../../src/config/settings_table.ts";
import { assert, assertEquals } from "../assert.ts";
import { runIn } from "./memory_environment.ts";

Deno.test("runCli() prints the version", async () => {
  for (const flag of ["--version", "-V"]) {
    assertEquals(await runIn([flag]), { status: 0, stdout: `${versionText()}\n`, stderr: "" });
  }
});

Deno.test("version and deno.json agree", async () => {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assert(versionText().startsWith(config.version), `${versionText()} is not ${config.version}`);
});

Deno.test("every command explains itself: what, options, defaults, variables, an example", async () => {
  for (const { words, about, options, examples } of commands) {
    for (const flag of ["--help", "-h"]) {
      const { status, stdout, stderr } = await runIn([...words, flag]);
      assertEquals([status, stderr], [0, ""]);
      const flat = stdout.replace(/\s+/g, " ");
      const wanted = [
        `Usage: discovery-client ${words.join(" ")}`,
        about,
        ...options.map(({ long }) => `--${long}`),
        ...options.flatMap(({ standard }) => standard === undefined ? [] : [`default: ${standard}`]),
        ...options.flatMap(({ envName }) => envName === undefined ? [] : [`env: ${envName}`]),
        ...examples,
      ];
      for (const part of wanted) {
        assert(flat.includes(part), `${words.join(" ")} --help lacks ${part}:\n${stdout}`);
      }
      assert(examples.length > 0, words.join(" "));
    }
  }
});

Deno.test("help COMMAND is COMMAND --help", async () => {
  for (const words of [[], ["serve"], ["list"], ["list", "ctrl"]]) {
    assertEquals(await runIn(["help", ...words]), await runIn([...words, "--help"]));
  }
});

Deno.test("serve has a flag for every setting that is no secret", async () => {
  const { stdout } = await runIn(["serve", "--help"]);
  for (const { path, envName, setting } of settingKeys) {
    // Anybody can read the arguments of a process.
    assertEquals(stdout.includes(`--${path} `), setting.kind.secret !== true, path);
    if (setting.kind.secret !== true) assert(stdout.includes(envName), envName);
  }
});

const usageErrors: readonly [args: string[], message: string][] = [
  [["serv"], "Unknown command 'serv'; did you mean serve?"],
  [["list", "ctl"], "Unknown command 'ctl'; did you mean ctrl?"],
  [["help", "serv"], "Unknown command 'serv'; did you mean serve?"],
  [["serv", "-h"], "Unknown command 'serv'; did you mean serve?"],
  [["help", "list", "ctl"], "Unknown command 'ctl'; did you mean ctrl?"],
  [["gen", "doc"], "Unknown command 'doc'; did you mean gen markdown --output DIR?"],
  [["gen", "autocomplete", "--type=bash"], "Unknown command 'autocomplete'; did you mean completion bash?"],
  [["discover", "-hostnqn", "x"], "Unknown option '-hostnqn'; did you mean --hostnqn?"],
  [["discover", "-Q", "x"], "Unknown option '-Q'; did you mean -q (--hostnqn)?"],
  [["--config", "x", "serv"], "Unknown command 'serv'; did you mean serve?"],
  [["serve", "--loging.level", "debug"], "Unknown option '--loging.level'; did you mean --logging.level?"],
  [["list", "ctrl", "-z"], "Unknown option '-z'"],
  [["list", "ctrl", "more"], "Unexpected argument 'more'"],
  [["add-hostnqn", "--nam", "x"], "Unknown option '--nam'; did you mean --name?"],
  [["add-hostnqn", "-z", "--nam=x"], "Unknown option '-z'"],
  [["list", "ctrl", "-o"], "Option -o lacks its value: --output <FORMAT>"],
  [["list", "ctrl", "-o", "xml"], 'Cannot use --output "xml": expected json or table'],
  [["discover", "-a", "10.0.0.1"], "Required option '-q, --hostnqn <NQN>' not specified"],
  [["remove-hostnqn"], "Required option '-n, --name <NAME>' not specified"],
];

Deno.test("runCli() answers a senseless command line with status 2 and a hint", async () => {
  for (const [args, message] of usageErrors) {
    const { status, stdout, stderr } = await runIn(args);
    assertEquals([status, stdout], [2, ""], args.join(" "));
    assert(stderr.startsWith(`discovery-client: ${message}`), stderr);
    assert(/\nTry: discovery-client .*--help\n$/.test(stderr), stderr);
  }
});

Deno.test("runCli() prints help where a command is missing", async () => {
  for (const args of [[], ["list"]]) {
    const { status, stdout, stderr } = await runIn(args);
    assertEquals([status, stdout], [2, ""]);
    assert(stderr.startsWith(`Usage: discovery-client ${args.join(" ")}`), stderr);
  }
});

Deno.test("bugText() shows where a bug is, and asks to report it", () => {
  const text = bugText(new AssertionError("Two and two is five"));
  assert(text.startsWith("discovery-client: This is a bug"), text);
  assert(text.includes("Two and two is five") && text.includes("run_cli_test.ts"), text);
  assert(bugText("thrown text").includes("thrown text"));
});

Deno.test("--config stands before or behind every command, also behind those that have no use for it", async () => {
  const places: readonly string[][] = [
    ["--config", "/nonexistent/a.yaml", "list", "ctrl"],
    ["--config=/nonexistent/a.yaml", "list", "ctrl"],
    ["list", "ctrl", "--Config", "/nonexistent/a.yaml"],
  ];
  for (const args of places) {
    const { status, stderr } = await runIn(args);
    assertEquals([status, stderr], [0, ""], args.join(" "));
  }
  for (
    const args of [["--config", "/nonexistent/a.yaml", "serve"], ["serve", "--config=/nonexistent/a.yaml"]]
  ) {
    const { status, stderr } = await runIn(args);
    assertEquals(status, 1);
    assert(stderr.includes("Cannot read the settings /nonexistent/a.yaml"), stderr);
  }
});

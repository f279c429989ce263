import { type OptionSpec, UsageError } from "../../src/cli/command.ts";
import { commands } from "../../src/cli/commands.ts";
import { normalizeArgs } from "../../src/cli/normalize_args.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { fc } from "../property.ts";

const options: readonly OptionSpec[] = [
  { long: "hostnqn", short: "q", value: "NQN", about: "" },
  { long: "addresses", short: "a", value: "ADDRESS", many: true, about: "" },
  { long: "persistent", short: "p", aliases: ["persistant"], about: "" },
  { long: "yes", short: "y", about: "" },
  { long: "logging.maxAge", value: "DURATION", about: "" },
  { long: "autoDetectEntries.enabled", short: "e", value: "boolean", valueOptional: true, about: "" },
];

const rows: readonly [args: string, normal: string][] = [
  ["-q x", "--hostnqn=x"],
  ["-q=x", "--hostnqn=x"],
  ["-qx", "--hostnqn=x"],
  ["-q=x=y", "--hostnqn=x=y"],
  ["-qx=y", "--hostnqn=x=y"],
  ["--hostnqn x", "--hostnqn=x"],
  ["--hostnqn=x", "--hostnqn=x"],
  ["--HOSTNQN x", "--hostnqn=x"],
  ["--logging.maxage 1h", "--logging.maxAge=1h"],
  ["-q -x", "--hostnqn=-x"],
  ["-q -1", "--hostnqn=-1"],
  ["-q=", "--hostnqn="],
  ["-py", "--persistent --yes"],
  ["-pyq x", "--persistent --yes --hostnqn=x"],
  ["-pyq=x", "--persistent --yes --hostnqn=x"],
  ["-pyqx", "--persistent --yes --hostnqn=x"],
  ["-a x,y -a z", "--addresses=x,y --addresses=z"],
  ["--persistant", "--persistent"],
  ["--Persistant=false -y", "--yes"],
  ["--persistent=true", "--persistent"],
  ["--persistent=false", ""],
  ["-p=false -y", "--yes"],
  ["-e", "--autoDetectEntries.enabled=true"],
  ["-e=false", "--autoDetectEntries.enabled=false"],
  ["-e false", "--autoDetectEntries.enabled=false"],
  ["-e -y", "--autoDetectEntries.enabled=true --yes"],
  ["-e word", "--autoDetectEntries.enabled=true word"],
  ["word -y", "word --yes"],
  ["-y -- -q=x", "--yes -- -q=x"],
  ["-z=x -y", "-z=x --yes"],
  ["-pz", "--persistent -z"],
  ["--unknown x", "--unknown x"],
  ["- x", "- x"],
];

Deno.test("normalizeArgs() brings every spelling into one", () => {
  for (const [args, normal] of rows) {
    assertEquals(
      normalizeArgs(args.split(" "), options),
      normal.split(" ").filter((word) => word !== ""),
      args,
    );
  }
});

Deno.test("normalizeArgs() tells which option lacks its value", () => {
  for (const args of [["-q"], ["-y", "--hostnqn"], ["-q", "-a", "x"], ["-q", "--yes"], ["-pq"]]) {
    const error = assertThrows(() => normalizeArgs(args, options), UsageError, "lacks its value");
    assert(error.message.includes("<NQN>"), error.message);
  }
  assertThrows(() => normalizeArgs(["--yes=perhaps"], options), UsageError, "found perhaps");
});

Deno.test("normalizeArgs() names the option that one dash, or the other case, was meant to be", () => {
  const mistakes: readonly [args: string, message: string][] = [
    ["-hostnqn x", "Unknown option '-hostnqn'; did you mean --hostnqn?"],
    ["-HostNQN=x", "Unknown option '-HostNQN'; did you mean --hostnqn?"],
    ["-Q x", "Unknown option '-Q'; did you mean -q (--hostnqn)?"],
    ["-y -Ax", "Unknown option '-A'; did you mean -a (--addresses)?"],
  ];
  for (const [args, message] of mistakes) {
    assertThrows(() => normalizeArgs(args.split(" "), options), UsageError, message);
  }
});

Deno.test("normalizeArgs() gives one option one form, whatever the value", () => {
  const option = options[0]!;
  const isWord = (value: string) =>
    !options.some(({ long, short, aliases = [] }) =>
      [`--${long}`, `-${short}`, ...aliases.map((alias) => `--${alias}`)].includes(value)
    );
  fc.assert(fc.property(fc.string(), (value) => {
    const normal = [`--${option.long}=${value}`];
    assertEquals(normalizeArgs([`-q=${value}`], options), normal);
    assertEquals(normalizeArgs([`--hostnqn=${value}`], options), normal);
    if (isWord(value)) assertEquals(normalizeArgs(["-q", value], options), normal);
    if (value !== "" && !value.startsWith("=")) assertEquals(normalizeArgs([`-q${value}`], options), normal);
  }));
});

Deno.test("normalizeArgs() changes nothing the second time", () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "-q",
      "-a",
      "-p",
      "-y",
      "-e",
      "--hostnqn",
      "--yes",
      "--",
      "-pyq",
      "x,y",
      "false",
      "--yes=false",
    ),
    fc.string().map((text) => `-q${text}`),
    fc.string().map((text) => `--${text}`),
  );
  fc.assert(fc.property(fc.array(word), (args) => {
    let normal: string[];
    try {
      normal = normalizeArgs(args, options);
    } catch (error) {
      assert(error instanceof UsageError);
      return;
    }
    assertEquals(normalizeArgs(normal, options), normal);
  }));
});

Deno.test("no command has two options of one name", () => {
  for (const command of commands) {
    const names = command.options.flatMap(({ long, short, aliases = [] }) => [
      ...[long, ...aliases].map((name) => name.toLowerCase()),
      ...short ? [short] : [],
    ]);
    assertEquals(names.length, new Set([...names, "help", "h"]).size - 2, command.words.join(" "));
  }
});

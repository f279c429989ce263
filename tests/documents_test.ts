/** What documents tell people to type exists: tasks, scripts, commands with their options, files, links. */
import { commandGroups, commands } from "../src/cli/commands.ts";
import { helpOption, licensesOption, versionOption } from "../src/cli/option_text.ts";
import { configOption } from "../src/cli/setting_options.ts";
import { assert, assertEquals } from "./assert.ts";

const root = new URL("../", import.meta.url);
const paths = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "UPGRADING.md",
  "src/README.md",
  "tests/README.md",
  "tests/kernel/README.md",
  "tests/predecessor/README.md",
  "scripts/container/README.md",
];

/** A document's text, and what stands in it as code: lines of blocks, and spans. */
interface Document {
  readonly path: string;
  readonly text: string;
  readonly code: readonly string[];
}

function parseDocument(path: string, text: string): Document {
  const code: string[] = [];
  // A line of a block that ends with a backslash goes on in the next one.
  const prose = text.replace(/^( *)```.*\n([^]*?)^ *```$/gm, (_, __, block: string) => {
    code.push(...block.replace(/\\\n */g, "").split("\n").map((line) => line.trim()));
    return "";
  });
  for (const [, span] of prose.matchAll(/`([^`]+)`/g)) code.push(span!.replace(/\s+/g, " "));
  return { path, text, code };
}

const documents = await Promise.all(
  paths.map(async (path) => parseDocument(path, await Deno.readTextFile(new URL(path, root)))),
);

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, root)).then(() => true, () => false);
}

const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root))) as {
  tasks: Record<string, string>;
};

function taskProblems({ path, text }: Document): string[] {
  const named = [...text.matchAll(/\bdeno task (?:--\S+ )*([a-z][a-z-]*)/g)].map(([, name]) => name!);
  return named.filter((name) => tasks[name] === undefined).map((name) => `${path}: there is no task ${name}`);
}

async function scriptProblems({ path, text }: Document): Promise<string[]> {
  const named = [...text.matchAll(/(?<![\w/-])(?:\.\/)?((?:scripts|systemd|\.ci)\/[\w./-]*[\w])/g)].map((
    [, name],
  ) => name!);
  const missing = [];
  for (const name of named) if (!await exists(name)) missing.push(`${path}: there is no ${name}`);
  return missing;
}

/** What in a line of code calls our program; the words behind it, up to what belongs to the shell. */
function callsIn(code: string): string[][] {
  const calls = [];
  const pattern = /(?:^|[\s(|;&])(?:\$ )?(?:\S*\/)?discovery-client(?=\s)((?: +(?!#)[^\s|<>;&]+)+)/g;
  for (const [, words] of code.matchAll(pattern)) calls.push(words!.trim().split(/ +/));
  return calls;
}

const everywhere = [configOption, helpOption, licensesOption, versionOption].map(({ long }) => long);

/** Commands by their words; null for a call that is none, such as a unit's name behind systemctl. */
function callProblem(words: readonly string[]): string | null {
  const plain = words.filter((word) => !word.startsWith("-"));
  const command =
    commands.filter((one) => one.words.every((word, at) => plain[at]?.split("|").includes(word)))
      .sort((a, b) => b.words.length - a.words.length)[0];
  if (command === undefined) {
    const [first = "", ...rest] = words;
    const isAlone = rest.every((word) => word.startsWith("-"));
    if (everywhere.includes(first.replace(/^--/, "")) || first === "help") return null;
    if (commandGroups[first] !== undefined && isAlone) return null;
    return `there is no command ${words.join(" ")}`;
  }
  for (const word of words.filter((word) => word.startsWith("--"))) {
    const long = word.slice(2).split("=")[0]!;
    const known = everywhere.includes(long) ||
      command.options.some((option) => option.long === long || option.aliases?.includes(long));
    if (!known) return `${command.words.join(" ")} has no option ${word}`;
  }
  for (const [, letter] of words.join(" ").matchAll(/(?:^| )-([a-zA-Z])(?= |$)/g)) {
    const known = letter === "h" || letter === "V" || command.options.some(({ short }) => short === letter);
    if (!known) return `${command.words.join(" ")} has no option -${letter}`;
  }
  return null;
}

/** The name stands for the unit, the package or a pod as well. */
const otherPrograms = /\b(?:systemctl|journalctl|apt|dnf|install|cp|kubectl|podman)\b[^|;]*$/;

function commandProblems({ path, code }: Document): string[] {
  const problems = [];
  for (const whole of code) {
    const line = whole.replace(/^kubectl .* -- /, "");
    const before = line.split("discovery-client")[0]!;
    if (otherPrograms.test(before)) continue;
    // "discovery-client 0.1.0, process …" is what it prints.
    if (/^(?:discovery-client [\d—:…]|#)/.test(line)) continue;
    for (const words of callsIn(line)) {
      const problem = callProblem(words);
      if (problem !== null) problems.push(`${path}: ${problem} (${line})`);
    }
  }
  return problems;
}

/** As on the web pages that show such documents. */
function anchorsOf(text: string): string[] {
  const headings = [...text.replace(/^```[^]*?^```$/gm, "").matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
  );
  return headings.map((heading) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").trim().replaceAll(" ", "-")
  );
}

async function linkProblems({ path, text }: Document): Promise<string[]> {
  const problems = [];
  for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target!)) continue;
    const [file = "", anchor] = target!.split("#");
    const linked = file === ""
      ? path
      : new URL(file, new URL(path, root)).pathname.slice(root.pathname.length);
    if (!await exists(linked)) problems.push(`${path}: there is no ${target}`);
    else if (anchor !== undefined) {
      const anchors = anchorsOf(await Deno.readTextFile(new URL(linked, root)));
      if (!anchors.includes(anchor)) problems.push(`${path}: ${linked} has no heading ${anchor}`);
    }
  }
  return problems;
}

async function fileProblems({ path, code }: Document): Promise<string[]> {
  const problems = [];
  for (const span of code) {
    if (!/^(?:src|tests)\/[\w./-]+$/.test(span)) continue;
    if (!await exists(span)) problems.push(`${path}: there is no ${span}`);
  }
  return problems;
}

async function problemsOf(document: Document): Promise<string[]> {
  return [
    ...taskProblems(document),
    ...await scriptProblems(document),
    ...commandProblems(document),
    ...await linkProblems(document),
    ...await fileProblems(document),
  ];
}

Deno.test("documents name tasks, scripts, commands, options, files and links that exist", async () => {
  const calls = documents.flatMap(({ code }) => code.flatMap(callsIn));
  assert(calls.length > 25, `Only ${calls.length} calls were found`);
  assertEquals((await Promise.all(documents.map(problemsOf))).flat(), []);
});

const wrong: readonly [text: string, said: string][] = [
  ["Run `deno task okay`.", "there is no task okay"],
  ["Run `scripts/kernel-labs`.", "there is no scripts/kernel-labs"],
  ["Run ./scripts/container/build.", "there is no scripts/container/build"],
  ["Run `discovery-client statsu`.", "there is no command statsu"],
  ["```\n$ discovery-client status --al\n```", "status has no option --al"],
  ["```\ndiscovery-client discover -a 10.0.0.1 -X | jq\n```", "discover has no option -X"],
  ["```\ndiscovery-client add-hostnqn --name a \\\n  --sort b\n```", "add-hostnqn has no option --sort"],
  ["```\n./discovery-client list ctrls >before\n```", "there is no command list ctrls"],
  [
    "```\nkubectl exec ds/discovery-client -- /usr/bin/discovery-client statsu\n```",
    "there is no command statsu",
  ],
  ["See [this](tests/NOTHING.md).", "there is no tests/NOTHING.md"],
  ["See [this](UPGRADING.md#forward).", "UPGRADING.md has no heading forward"],
  ["In `src/plan/planner.ts`.", "there is no src/plan/planner.ts"],
];

Deno.test("a document that names what does not exist is found out", async () => {
  for (const [text, said] of wrong) {
    const problems = await problemsOf(parseDocument("README.md", text));
    assertEquals(problems.length, 1, `${text}: ${problems.join("; ")}`);
    assert(problems[0]!.startsWith(`README.md: ${said}`), problems[0]);
  }
});

Deno.test("images and packages are named by the version of deno.json", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const others = ["scripts/container/Containerfile"];
  const texts = await Promise.all(
    [...paths, ...others].map((path) => Deno.readTextFile(new URL(path, root))),
  );
  const named = texts.join("\n").matchAll(/\bdiscovery-client[:_-]v?(\d+\.\d+\.\d+)/g);
  const versions = [...named].map(([, named]) => named!);
  assert(versions.length >= 5, `Only ${versions.length} names were found`);
  assertEquals(versions.filter((named) => named !== version), []);
});

Deno.test("the changelog has the version of deno.json on top", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const text = documents.find(({ path }) => path === "CHANGELOG.md")!.text;
  const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading!);
  assert(headings.length > 0 && headings[0]!.startsWith(`[${version}] - `), headings.join("; "));
  for (const heading of headings) {
    assert(/^\[\d+\.\d+\.\d+\] - (?:unreleased|\d{4}-\d{2}-\d{2})$/.test(heading), heading);
  }
});

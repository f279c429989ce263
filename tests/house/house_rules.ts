/**
 * The rules of the house as functions from files to findings. They read no directory: the test hands them the tree,
 * and small bad samples that prove each rule can find something.
 */
import type { SourceFile } from "./source_file.ts";
import type { Token } from "./source_tokens.ts";

export interface Finding {
  readonly rule: string;
  readonly path: string;
  /** 1-based; 0 for the whole file. */
  readonly line: number;
  readonly message: string;
}

export type Rule = (files: readonly SourceFile[], libraries: readonly string[]) => Finding[];

/** A folder imports only lower floors. `io` stands beside the house: see `importProblem`. */
const floors: Readonly<Record<string, number>> = {
  base: 0,
  nvme: 1,
  model: 1,
  config: 2,
  protocol: 2,
  plan: 3,
  report: 4,
  agent: 5,
  cli: 6,
};
const foldersForIo = new Set(["base", "model", "nvme", "io"]);

export const fileLinesWarned = 400;
const fileLinesMax = 449;

/** Doors: who may import whom. */
export const doors: Rule = (files) => {
  const findings: Finding[] = [];
  for (const file of files.filter(({ path }) => path.startsWith("src/"))) {
    if (file.path.endsWith(".ts") && file.folder !== "io" && floors[file.folder] === undefined) {
      findings.push({ rule: "doors", path: file.path, line: 0, message: "Stands on no known floor" });
    }
    for (const { target, specifier, line } of file.imports) {
      if (target === null) continue;
      const message = importProblem(file.folder, target);
      if (message !== null) {
        findings.push({ rule: "doors", path: file.path, line, message: `${message}: ${specifier}` });
      }
    }
  }
  return findings;
};

function importProblem(from: string, target: string): string | null {
  const to = /^src\/([^/]+)\//.exec(target)?.[1];
  if (to === undefined) return "Import leaves src";
  if (!target.endsWith(".ts")) return "Import without .ts";
  if (from === to) return null;
  if (from === "io") return foldersForIo.has(to) ? null : `io must not import ${to}`;
  // Only the commands, which build the world, know the real one.
  if (to === "io") return from === "cli" ? null : `${from} must not import io`;
  const [above = -1, below = Infinity] = [floors[from], floors[to]];
  return below < above ? null : `${from} (floor ${above}) must not import ${to} (floor ${below})`;
}

const deleter = "src/io/delete_controller.ts";
const disconnecting = "src/cli/disconnect_run.ts";

/** Only an operator's explicit command takes a controller away: nobody else can reach the one file that does. */
export const onlyCommandsDisconnect: Rule = (files) => {
  const findings: Finding[] = [];
  for (const file of files.filter(({ path }) => path.startsWith("src/") || path === "main.ts")) {
    for (const { target, specifier, line } of file.imports) {
      const allowed = target === deleter
        ? [disconnecting]
        : target === disconnecting
        ? ["src/cli/disconnect.ts", "src/cli/disconnect_all.ts"]
        : null;
      if (allowed === null || allowed.includes(file.path)) continue;
      findings.push({ rule: "disconnects", path: file.path, line, message: `Must not import ${specifier}` });
    }
    for (const { kind, text, line } of file.code) {
      if (file.path === deleter || (kind !== "string" && kind !== "template")) continue;
      // The attribute's name, not the module's.
      if (!/delete_controller(?!\.ts)/.test(text)) continue;
      findings.push({ rule: "disconnects", path: file.path, line, message: "Names delete_controller" });
    }
  }
  return findings;
};

/** No file of src reaches itself through imports, types included. */
export const noCircles: Rule = (files) => {
  const byPath = new Map(
    files.filter(({ path }) => path.startsWith("src/")).map((file) => [file.path, file]),
  );
  const done = new Set<string>();
  const findings: Finding[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const from = trail.indexOf(path);
    if (from >= 0) {
      const message = `Circular import: ${[...trail.slice(from), path].join(" → ")}`;
      findings.push({ rule: "circles", path, line: 0, message });
    }
    if (from >= 0 || done.has(path)) return;
    for (const { target } of byPath.get(path)?.imports ?? []) {
      if (target !== null) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of byPath.keys()) visit(path, []);
  return findings;
};

/** Names that reach clock, chance or operating system wherever they are called or read. */
const worldNames = new Set(
  ("Deno setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate fetch WebSocket Worker " +
    "globalThis require eval requestAnimationFrame BroadcastChannel EventSource").split(" "),
);
/** Names that do so through these members; `*` for any. */
const worldMembers: Readonly<Record<string, readonly string[]>> = {
  Date: ["now"],
  Math: ["random"],
  AbortSignal: ["timeout"],
  crypto: ["getRandomValues", "randomUUID"],
  performance: ["*"],
  process: ["*"],
  Temporal: ["Now"],
};

/** Clock, chance, network and files only in src/io and main.ts; console also in src/cli. */
export const worldOnlyInIo: Rule = (files) => {
  const findings: Finding[] = [];
  for (const file of files.filter(({ path, worldly }) => path.startsWith("src/") && !worldly)) {
    for (let at = 0; at < file.code.length; at++) {
      const name = worldUse(file.code, at, file.folder);
      const line = file.code[at]!.line;
      if (name !== null) findings.push({ rule: "world", path: file.path, line, message: `Uses ${name}` });
    }
    for (const { specifier, line } of file.imports) {
      if (!specifier.startsWith("node:")) continue;
      findings.push({ rule: "world", path: file.path, line, message: `Imports ${specifier}` });
    }
  }
  return findings;
};

function worldUse(code: readonly Token[], at: number, folder: string): string | null {
  const { kind, text } = code[at]!;
  const before = code[at - 1]?.text ?? "";
  if (kind !== "word" || before === "." || before === "?." || before === "#") return null;
  const after = code[at + 1]?.text ?? "";
  // `{ fetch: … }` and `fetch?: …` name a member of ours.
  if (worldNames.has(text)) return after === ":" || after === "?" ? null : text;
  if (text === "Date" && wallClockConstructor(code, at)) return "Date()";
  if (after !== "." && after !== "?." && after !== "[") return null;
  if (text === "console") return folder === "cli" ? null : "console";
  const members = worldMembers[text] ?? [];
  const member = code[at + 2]?.text ?? "";
  return members.includes("*") || members.includes(member) ? `${text}.${member}` : null;
}

/** `new Date()` and `Date()` read the clock; `new Date(ms)` only formats. */
function wallClockConstructor(code: readonly Token[], at: number): boolean {
  if (code[at + 1]?.text === "(") return code[at - 1]?.text !== "new" || code[at + 2]?.text === ")";
  return code[at - 1]?.text === "new";
}

/** Every npm library stands in the imports map, and is imported by one file of ours, no more, no less. */
export const oneFileOneLibrary: Rule = (files, libraries) => {
  const findings: Finding[] = [];
  const users = new Map<string, string[]>(libraries.map((library) => [library, []]));
  for (const file of files) {
    for (const { specifier, target, line } of file.imports) {
      if (target !== null || specifier.startsWith("node:")) continue;
      const library = libraries.find((name) => specifier === name || specifier.startsWith(`${name}/`));
      if (library === undefined) {
        const message = `Import outside the imports map: ${specifier}`;
        findings.push({ rule: "libraries", path: file.path, line, message });
      } else if (!users.get(library)!.includes(file.path)) users.get(library)!.push(file.path);
    }
  }
  for (const [library, paths] of users) {
    if (paths.length === 1) continue;
    const message = paths.length === 0
      ? `Nobody imports ${library}`
      : `${library} is imported by ${paths.join(", ")}`;
    findings.push({ rule: "libraries", path: "deno.json", line: 0, message });
  }
  return findings;
};

export const fileSize: Rule = (files) =>
  files.filter(({ path, lines }) => path.endsWith(".ts") && lines > fileLinesMax).map(({ path, lines }) => ({
    rule: "size",
    path,
    line: 0,
    message: `${lines} lines, at most ${fileLinesMax}`,
  }));

const vagueNames = /(^|_)(utils?|helpers?|managers?|misc|common)(_|$)/;

/** snake_case for files and folders, named for what they hold. */
export const fileNames: Rule = (files) => {
  const findings: Finding[] = [];
  for (const { path } of files.filter(({ path }) => path.endsWith(".ts"))) {
    for (const part of path.replace(/\.ts$/, "").split("/")) {
      const message = !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(part)
        ? `Not snake_case: ${part}`
        : vagueNames.test(part)
        ? `Says nothing: ${part}`
        : null;
      if (message !== null) findings.push({ rule: "names", path, line: 0, message });
    }
  }
  return findings;
};

/** The words that mean "unfinished", spelt apart so that a search for them finds no rule. */
const unfinishedWords = ["to" + "do", "fix" + "me", "x" + "xx", "st" + "ub", "place" + "holder"];
const unfinishedPattern = new RegExp(
  `(?<![A-Za-z])(${unfinishedWords.flatMap(spellings).join("|")})(?![a-z])`,
);

function spellings(word: string): string[] {
  const title = word[0]!.toUpperCase() + word.slice(1);
  // `mktemp -d a.XXXXXX` is meant; a word that runs on in camel case is not another word.
  return [`${word}s?(?![a-z])`, `${title}s?(?![a-z])`, `${word.toUpperCase()}S?(?![A-Za-z])`];
}

/** Shipped files hold no word for unfinished work, in code, comments or strings. */
export const noUnfinishedWords: Rule = (files) => {
  const findings: Finding[] = [];
  for (const file of files.filter(({ shipped }) => shipped)) {
    for (const [index, line] of file.text.split("\n").entries()) {
      const word = unfinishedPattern.exec(line)?.[1];
      if (word === undefined) continue;
      findings.push({ rule: "unfinished", path: file.path, line: index + 1, message: `Says ${word}` });
    }
  }
  return findings;
};

/** Every file of src says what it is before it says anything else; imports may come first. */
export const openingComment: Rule = (files) =>
  files.filter((file) => /^src\/.*\.ts$/.test(file.path) && !file.opensWithComment())
    .map(({ path }) => ({ rule: "opening", path, line: 1, message: "Does not open with a comment" }));

/** Tests that may wait for real: real sockets, real processes, a real kernel. */
const testsWithRealTime = /^tests\/(kernel|bench|io|cli|fabric)\//;

/** No test is skipped or singled out, and none waits or reads the clock. */
export const honestTests: Rule = (files) => {
  const findings: Finding[] = [];
  for (const file of files.filter(({ path }) => /^tests\/.*_test\.ts$/.test(path))) {
    for (const [at, { text, line, kind }] of file.code.entries()) {
      if (kind !== "word") continue;
      const after = file.code[at + 1]?.text;
      const before = file.code[at - 1]?.text;
      const skipped = (text === "ignore" || text === "only") &&
        (after === ":" || (before === "." && after === "(" && file.code[at - 2]?.text === "test"));
      const waits = !testsWithRealTime.test(file.path) && before !== "." &&
        (text === "setTimeout" || text === "setInterval" ||
          (text === "Date" && file.code[at + 2]?.text === "now"));
      if (skipped) findings.push({ rule: "tests", path: file.path, line, message: `Skips tests: ${text}` });
      if (waits) findings.push({ rule: "tests", path: file.path, line, message: `Waits for real: ${text}` });
    }
  }
  return findings;
};

export const rules: readonly Rule[] = [
  doors,
  onlyCommandsDisconnect,
  noCircles,
  worldOnlyInIo,
  oneFileOneLibrary,
  fileSize,
  fileNames,
  noUnfinishedWords,
  openingComment,
  honestTests,
];

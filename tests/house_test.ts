/**
 * The house keeps its doors: floors, who may touch the world, one file for a library, sizes, names, words.
 * Each rule first proves on bad samples that it finds something, and on good ones that it stays quiet.
 */
import { assert, assertEquals } from "./assert.ts";
import { fileLinesWarned, type Finding, rules } from "./house/house_rules.ts";
import { SourceFile } from "./house/source_file.ts";
import { sourceTokens } from "./house/source_tokens.ts";

const root = new URL("../", import.meta.url);

Deno.test("the tree follows the rules of the house", async () => {
  const files = await readTree();
  assert(files.some(({ path }) => path === "src/base/limits.ts"), "The tree was not found");
  for (const { path, lines } of files) {
    if (lines > fileLinesWarned && path.endsWith(".ts")) console.warn(`${path}: ${lines} lines`);
  }
  const found = rules.flatMap((rule) => rule(files, libraries()));
  assertEquals(found.map(({ path, line, message }) => `${path}:${line}: ${message}`), []);
});

/** Content by path, and the rule that must find something; every other rule must stay quiet. */
const badSamples: readonly [rule: string, files: Record<string, string>][] = [
  ["doors", { "src/base/a.ts": '/** A. */\nimport { b } from "../nvme/b.ts";\n' }],
  ["doors", { "src/nvme/a.ts": '/** A. */\nimport type { B } from "../model/b.ts";\n' }],
  ["doors", { "src/config/a.ts": '/** A. */\nexport * from "../protocol/b.ts";\n' }],
  ["doors", { "src/agent/a.ts": '/** A. */\nimport "../io/tcp.ts";\n' }],
  ["doors", { "src/agent/a.ts": '/** A. */\nconst io = await import("../io/tcp.ts");\n' }],
  ["doors", { "src/io/a.ts": '/** A. */\nimport { plan } from "../plan/plan.ts";\n' }],
  ["doors", { "src/plan/a.ts": '/** A. */\nimport { Sim } from "../../tests/sim/sim.ts";\n' }],
  ["doors", { "src/plan/a.ts": '/** A. */\nimport { b } from "./b";\n' }],
  ["doors", { "src/attic/a.ts": "/** A. */\n" }],
  ["disconnects", { "src/cli/serve.ts": '/** A. */\nimport { a } from "../io/delete_controller.ts";\n' }],
  ["disconnects", { "src/io/a.ts": '/** A. */\nimport { a } from "./delete_controller.ts";\n' }],
  ["disconnects", { "src/cli/serve.ts": '/** A. */\nconst a = await import("./disconnect_run.ts");\n' }],
  ["disconnects", { "src/io/a.ts": "/** A. */\nwrite(`${root}/nvme0/delete_controller`);\n" }],
  ["circles", {
    "src/base/a.ts": '/** A. */\nimport { b } from "./b.ts";\n',
    "src/base/b.ts": '/** B. */\nimport { c } from "./c.ts";\n',
    "src/base/c.ts": '/** C. */\nimport { a } from "./a.ts";\n',
  }],
  ["world", { "src/agent/a.ts": "/** A. */\nconst now = Date.now();\n" }],
  ["world", { "src/agent/a.ts": "/** A. */\nconst now = new Date();\n" }],
  ["world", { "src/agent/a.ts": "/** A. */\nconst now = performance.now();\n" }],
  ["world", { "src/plan/a.ts": "/** A. */\nconst chance = Math.random();\n" }],
  ["world", { "src/plan/a.ts": "/** A. */\ncrypto.getRandomValues(bytes);\n" }],
  ["world", { "src/protocol/a.ts": "/** A. */\nsetTimeout(() => {}, 5);\n" }],
  ["world", { "src/protocol/a.ts": "/** A. */\nconst wait = globalThis.setInterval;\n" }],
  ["world", { "src/report/a.ts": '/** A. */\nconsole.log("hello");\n' }],
  ["world", { "src/config/a.ts": '/** A. */\nconst text = `${Deno.env.get("A")}`;\n' }],
  ["world", { "src/config/a.ts": '/** A. */\nimport fs from "node:fs";\n' }],
  ["world", { "src/nvme/a.ts": "/** A. */\nconst half = a / 2; const b = Deno.pid / 2;\n" }],
  ["libraries", { "src/cli/a.ts": '/** A. */\nimport { x } from "npm:left-pad@1";\n' }],
  ["libraries", {
    "src/cli/a.ts": '/** A. */\nimport { x } from "yaml";\n',
    "src/cli/b.ts": '/** B. */\nimport { y } from "yaml/util";\n',
  }],
  ["libraries", { "deno.json": "" }],
  ["size", { "src/base/a.ts": "/** A. */\n" + "export {};\n".repeat(449) }],
  ["names", { "src/base/TextReader.ts": "/** A. */\n" }],
  ["names", { "tests/my-sim/a.ts": "/** A. */\n" }],
  ["names", { "src/base/string_utils.ts": "/** A. */\n" }],
  ["unfinished", { "src/base/a.ts": `/** A. */\n// ${"TO" + "DO"}: later\n` }],
  ["unfinished", { "scripts/demo": `echo ${"place" + "holder"}\n` }],
  ["unfinished", { "src/base/a.ts": `/** A. */\nconst ${"st" + "ub"}Kernel = 1;\n` }],
  ["opening", { "src/base/a.ts": 'import { b } from "./b.ts";\nexport const a = b;\n/** Late. */\n' }],
  ["opening", { "src/base/a.ts": "" }],
  ["tests", { "tests/a_test.ts": `Deno.test.${"ig" + "nore"}("a", () => {});\n` }],
  ["tests", { "tests/a_test.ts": 'Deno.test({ name: "a", only: true, fn() {} });\n' }],
  ["tests", { "tests/a_test.ts": "await new Promise((resolve) => setTimeout(resolve, 5));\n" }],
];

Deno.test("every rule finds its bad samples, and no other rule finds them", () => {
  for (const [rule, texts] of badSamples) {
    // "yaml" needs a user, except in the sample where nobody imports it.
    const whole = { ...(rule === "libraries" ? {} : libraryUser), ...texts };
    const found = check(whole);
    assert(found.length > 0, `${rule} found nothing in ${JSON.stringify(texts)}`);
    assertEquals([...new Set(found.map((finding) => finding.rule))], [rule], JSON.stringify(texts));
  }
  const proven = new Set(badSamples.map(([rule]) => rule));
  assertEquals(proven.size, rules.length, "A rule has no bad sample");
});

Deno.test("a good house gives no finding", () => {
  const found = check({
    ...libraryUser,
    "main.ts":
      'import { run } from "./src/cli/main.ts";\nimport { tcp } from "./src/io/tcp.ts";\nDeno.exit(run(tcp));\n',
    "src/io/tcp.ts":
      '/** T. */\nimport { limits } from "../base/limits.ts";\nsetTimeout(() => Date.now(), 1);\n',
    "src/cli/main.ts":
      '/** M. */\nimport { tcp } from "../io/tcp.ts";\nconsole.log(`not ${tcp} Deno.exit()`);\n',
    "src/agent/a.ts": '/** A. */\nimport { plan } from "../plan/plan.ts";\nclock.setTimeout(new Date(5));\n',
    "src/base/limits.ts": "/** Date.now() is not called: Deno.pid */\n" +
      'const text = "Math.random()"; const pattern = /["\'`] Deno.exit()/;\n' +
      "// it's a comment: setTimeout\nconst quotient = a / b; const other = c / d;\n" +
      "const nested = `a ${`b ${'Deno.pid'} Deno`} Deno`;\n",
    "scripts/demo": "mktemp -d a.XXXXXX; echo stubborn\n",
    "tests/kernel/wait_test.ts": "setTimeout(() => {}, 5);\n",
  });
  assertEquals(found, []);
});

Deno.test("sourceTokens() tells code from strings, templates, regular expressions and comments", () => {
  const text = "a = `x${ {b: \"}\"} }y${c}`; // d\nreturn /[/'\"]+/g.test(e) / f /* g\n */ 'h\\'i' j";
  const tokens = sourceTokens(text);
  const of = (kind: string) => tokens.filter((token) => token.kind === kind).map((token) => token.text);
  assertEquals(of("word"), ["a", "b", "c", "return", "test", "e", "f", "j"]);
  assertEquals(of("string"), ["}", "h\\'i"]);
  assertEquals(of("regex"), ["/[/'\"]+/g"]);
  assertEquals(of("comment"), ["// d", "/* g\n */"]);
  assertEquals(of("template"), ["`x${", "}y${", "}`"]);
  assertEquals(tokens.at(-1)?.line, 3);
});

Deno.test("sourceTokens() ends on any text", () => {
  for (const text of ["`${", '"', "/", "/*", "`\\", "'\\", "}", "`${`${`${{{", "#!x", "/[/"]) {
    assert(sourceTokens(text).length <= text.length);
  }
});

const libraryUser = { "src/cli/yaml_reader.ts": '/** Y. */\nimport { parse } from "yaml";\n' };

function check(texts: Record<string, string>): Finding[] {
  const files = Object.entries(texts).map(([path, text]) => new SourceFile(path, text));
  return rules.flatMap((rule) => rule(files, ["yaml"]));
}

function libraries(): string[] {
  const text = Deno.readTextFileSync(new URL("deno.json", root));
  return Object.keys((JSON.parse(text) as { imports: Record<string, string> }).imports);
}

/** Our own files; goldens are data. */
async function readTree(): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  const read = async (path: string) => {
    if (!path.endsWith(".ts") && path.startsWith("tests/")) return;
    files.push(new SourceFile(path, await Deno.readTextFile(new URL(path, root))));
  };
  const walk = async (folder: string) => {
    for (const entry of Deno.readDirSync(new URL(folder, root))) {
      const path = `${folder}${entry.name}`;
      if (entry.isDirectory && path !== "tests/golden") await walk(`${path}/`);
      else if (entry.isFile) await read(path);
    }
  };
  for (const entry of Deno.readDirSync(root)) {
    if (entry.isDirectory && ["src", "tests", "scripts", "systemd"].includes(entry.name)) {
      await walk(`${entry.name}/`);
    } else if (entry.name === "main.ts") await read(entry.name);
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

/**
 * Prepares a copy of the source for scripts/compile: writes the commit into it, an entry for the bundle of each
 * library, and a deno.json whose imports map leads to the bundles; ties what is loaded late to what is there by then.
 * Arguments: project, copy, commit.
 */
const [root = "", tree = "", commit = ""] = Deno.args;

interface Usage {
  readonly library: string;
  readonly file: string;
  /** What stands between `import` and `from`. */
  readonly clause: string;
}

const config = JSON.parse(Deno.readTextFileSync(`${root}/deno.json`)) as { imports: Record<string, string> };
const usages = findUsages(Object.keys(config.imports));
Deno.mkdirSync(`${tree}/libraries`);
const imports: Record<string, string> = {};
for (const { library, clause } of usages) {
  const name = library.replace(/\W/g, "_");
  Deno.writeTextFileSync(`${tree}/libraries/${name}.entry.js`, entryText(library, clause));
  imports[library] = `./libraries/${name}.js`;
}
Deno.writeTextFileSync(`${tree}/deno.json`, JSON.stringify({ imports, nodeModulesDir: "none" }));
writeCommit();
keepCoreTogether();

/** Libraries that the source really uses; the map names those of tests too. */
function findUsages(libraries: readonly string[]): Usage[] {
  const found: Usage[] = [];
  for (const file of sourceFiles(`${tree}/src`)) {
    const text = Deno.readTextFileSync(file);
    for (
      const [, clause = "", library = ""] of text.matchAll(
        /^(?:import|export) (?!type )([^;]*?) from "([^".]+)";/gm,
      )
    ) {
      if (libraries.includes(library)) found.push({ library, file, clause });
    }
  }
  return found;
}

function* sourceFiles(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* sourceFiles(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}

/** Gives out what the one importing file takes in: `{ a, type B }`, `* as c`, `d`. */
function entryText(library: string, clause: string): string {
  const named = /\{([^}]*)\}/.exec(clause)?.[1] ?? "";
  const names = named.split(",").map((name) => name.trim()).filter((name) =>
    name !== "" && !/^type /.test(name)
  )
    .map((name) => name.split(" as ")[0]);
  const rest = clause.replace(/\{[^}]*\}/, "").replaceAll(",", "").trim();
  if (rest.startsWith("*")) throw new Error(`Cannot bundle ${library}: import what is needed of it by name`);
  const lines = names.length === 0 ? [] : [`export { ${names.join(", ")} } from "${library}";`];
  if (rest !== "") lines.push(`export { default } from "${library}";`);
  return `${lines.join("\n")}\n`;
}

function writeCommit(): void {
  const file = `${tree}/src/base/version.ts`;
  const before = Deno.readTextFileSync(file);
  const after = before.replace(
    'export const commit: string = "";',
    `export const commit: string = "${commit}";`,
  );
  if (after === before && commit !== "") {
    throw new Error("Cannot write the commit: version.ts does not have its line");
  }
  Deno.writeTextFileSync(file, after);
}

/**
 * The bundler puts modules into one file that the same entries reach, and what is imported late is an entry of its own:
 * what every command needs would come in twenty small files, some of these commands, some of those, and each takes its
 * time. With one more import all of them reach all of it, and it is one file. What discover needs goes with it: most
 * of that is needed by the others that talk to a target or to the kernel, the agent before all.
 */
function keepCoreTogether(): void {
  const core = ["run_cli", "discover"].map((name) => `${tree}/src/cli/${name}.ts`);
  const late = new Set(core);
  for (const file of sourceFiles(`${tree}/src`)) {
    for (const [, path = ""] of Deno.readTextFileSync(file).matchAll(/\bimport\("(\.[^"]+\.ts)"\)/g)) {
      late.add(new URL(path, `file://${file}`).pathname);
    }
  }
  if (late.size === core.length) {
    throw new Error("Cannot tell what is imported late: there is no import() of a file");
  }
  for (const file of late) {
    // Relative: where the copy stands shall not show in the result.
    const up = "../".repeat(file.slice(tree.length).split("/").length - 2);
    const lines = core.map((other) => `import "${up}${other.slice(tree.length + 1)}";\n`);
    Deno.writeTextFileSync(file, `\n${lines.join("")}`, { append: true });
  }
}

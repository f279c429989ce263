/**
 * Prepares a copy of the source for scripts/compile: writes the commit into it, an entry for the bundle of each
 * library, and a deno.json whose imports map leads to the bundles. Arguments: project, copy, commit.
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

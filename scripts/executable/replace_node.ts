/**
 * Makes the bundles of libraries take what they use of Node's modules from node_parts.js, for scripts/compile. Stops
 * at a module or a name that is not there. Argument: the directory of the bundles, in which it puts that file too.
 */
import * as parts from "./node_parts.js";

/** What stands for the default export of a module. */
const defaults: Readonly<Record<string, keyof typeof parts>> = {
  "node:child_process": "childProcess",
  "node:fs": "fs",
  "node:path": "path",
  "node:process": "process",
};

/** The bundle with its imports replaced. Throws Error for what node_parts.js lacks. */
export function replaceNodeImports(bundle: string): string {
  const replaced = bundle.replace(
    /\bimport\s*([^;"']*?)\s*from\s*["'](node:[\w/]+)["']/g,
    (_, clause: string, module: string) => `import${clauseOf(clause, module)}from"./node_parts.js"`,
  );
  // A require has some short name here; other texts may hold a module's name as well.
  for (const [, asks, name = ""] of replaced.matchAll(/(?<![.\w$])([\w$]+)[\s(]*["'](node:[\w/]+)["']/g)) {
    if (asks === "import" || asks === "from" || !Object.hasOwn(parts.required, name)) {
      throw new Error(`Cannot replace ${name}: neither a plain import nor a known require`);
    }
  }
  return replaced;
}

/** `{a as b}` as it is, `b` as `{childProcess as b}`. */
function clauseOf(clause: string, module: string): string {
  if (!clause.startsWith("{")) {
    const part = defaults[module];
    if (part === undefined || !/^[\w$]+$/.test(clause)) {
      throw new Error(`Cannot replace ${module}: ${clause}`);
    }
    return `{${part} as ${clause}}`;
  }
  for (const item of clause.slice(1, -1).split(",")) {
    const name = item.trim().split(/\s+as\s+/)[0] ?? "";
    if (!Object.hasOwn(parts, name)) {
      throw new Error(`Cannot replace ${module}: ${name} is not in node_parts.js`);
    }
  }
  return clause;
}

if (import.meta.main) {
  const [directory = ""] = Deno.args;
  for (const { name } of Deno.readDirSync(directory)) {
    if (!name.endsWith(".js")) continue;
    const before = Deno.readTextFileSync(`${directory}/${name}`);
    Deno.writeTextFileSync(`${directory}/${name}`, replaceNodeImports(before));
  }
  Deno.copyFileSync(new URL("node_parts.js", import.meta.url), `${directory}/node_parts.js`);
}

/**
 * Finishes the bundled files for scripts/compile. Puts a file of source lines in the place of the source maps: the
 * runtime has no use for these, and ours for a tenth of them. And writes the files in ASCII: V8 takes such a text as it
 * stands in the executable, and copies any other into its heap, with two bytes a character where one needs them.
 * Arguments: copy of the source, directory of the bundled files.
 */
import { eachMapping, type EncodedSourceMap, TraceMap } from "@jridgewell/trace-mapping";
import type { SourceTable, SourceTables } from "../../src/io/source_lines.ts";

/** `directory`: where the map's own names of sources start; `root`: where those of the table do. */
export function sourceTable(map: EncodedSourceMap, directory: string, root: string): SourceTable {
  const sources: string[] = [];
  const places: [number, number, number, number][] = [];
  eachMapping(new TraceMap(map), ({ generatedLine, generatedColumn, source, originalLine }) => {
    if (source === null) return;
    const name = new URL(source, `file://${directory}/`).pathname.replace(`${root}/`, "");
    let at = sources.indexOf(name);
    if (at < 0) at = sources.push(name) - 1;
    const before = places.at(-1);
    if (before?.[2] === at && before[3] === originalLine) return;
    places.push([generatedLine, generatedColumn, at, originalLine]);
  });
  return { sources, places };
}

/** The bundler escapes what stands in strings, and what else there is stands in comments and patterns. */
export function inAscii(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

if (import.meta.main) {
  const [root = "", directory = ""] = Deno.args;
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) =>
    name.endsWith(".map")
  );
  const tables: Record<string, SourceTable> = {};
  for (const name of names.sort()) {
    const map = JSON.parse(Deno.readTextFileSync(`${directory}/${name}`));
    tables[name.replace(/\.map$/, "")] = sourceTable(map, directory, root);
    Deno.removeSync(`${directory}/${name}`);
  }
  Deno.writeTextFileSync(`${directory}/source_lines.json`, JSON.stringify(tables satisfies SourceTables));
}

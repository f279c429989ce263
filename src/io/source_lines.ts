/**
 * Lines of the source for lines of the executable, in which the source is bundled into few files: scripts/compile puts
 * a table of all of them beside these. Run from source there is none, and every line is true as it is.
 */

/** By name of a bundled file. */
export type SourceTables = Readonly<Record<string, SourceTable>>;

/** Where in the source each part of one bundled file comes from. */
export interface SourceTable {
  /** From the project's root, such as `src/cli/serve.ts`. */
  readonly sources: readonly string[];
  /** In the order of the file: line from 1, column from 0, index of the source, line there; each up to the next. */
  readonly places: readonly (readonly [number, number, number, number])[];
}

/** Beside this very file, wherever it has been bundled to. */
const tablesUrl = new URL("./source_lines.json", import.meta.url);

let known: SourceTables | undefined;

/** The text of a stack with lines of the source: `file:///…/serve-KX2A.js:99:7` → `file:///…/src/cli/serve.ts:42:7`. */
export function withSourceLines(
  stack: string,
  tables: SourceTables = known ??= readTables(tablesUrl),
): string {
  return stack.replace(
    /(file:\/\/[^\s()]*\/)([^\s()/]+\.js):(\d+):(\d+)/g,
    (whole, directory: string, file: string, line: string, column: string) => {
      const table = Object.hasOwn(tables, file) ? tables[file] : undefined;
      // V8 counts columns from 1.
      const place = table === undefined ? null : sourcePlace(table, Number(line), Number(column) - 1);
      return place === null ? whole : `${directory}${place}:${column}`;
    },
  );
}

/** `src/cli/serve.ts:42` for a line (from 1) and column (from 0) of the bundled file; null where nothing stands. */
export function sourcePlace({ sources, places }: SourceTable, line: number, column: number): string | null {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [itsLine, itsColumn] = places[middle]!;
    if (itsLine < line || (itsLine === line && itsColumn <= column)) low = middle + 1;
    else high = middle;
  }
  const [, , source, sourceLine] = places[low - 1] ?? [];
  return source === undefined ? null : `${sources[source]}:${sourceLine}`;
}

/** The executable has its files in memory: this takes no descriptor there. */
export function readTables(url: URL): SourceTables {
  try {
    return JSON.parse(Deno.readTextFileSync(url));
  } catch {
    return {};
  }
}

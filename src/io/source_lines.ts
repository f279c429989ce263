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

export interface SourcePlace {
  readonly source: string;
  /** From 1. */
  readonly line: number;
}

/** A frame of a profile, as V8's inspector has it: line and column from 0. */
export interface CallFrame {
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** The text of a stack with lines of the source: `file:///…/serve-KX2A.js:99:7` → `file:///…/src/cli/serve.ts:42:7`. */
export function withSourceLines(
  stack: string,
  tables: SourceTables = known ??= readTables(tablesUrl),
): string {
  return stack.replace(
    /(file:\/\/[^\s()]*\/)([^\s()/]+\.js):(\d+):(\d+)/g,
    (whole, directory: string, file: string, line: string, column: string) => {
      // V8 counts columns from 1 here.
      const place = placeIn(tables, file, Number(line), Number(column) - 1);
      return place === null ? whole : `${directory}${place.source}:${place.line}:${column}`;
    },
  );
}

/** The frame with the source's name and line, where the executable's are known. */
export function withSourceFrame<Frame extends CallFrame>(
  frame: Frame,
  tables: SourceTables = known ??= readTables(tablesUrl),
): Frame {
  const { url, lineNumber, columnNumber } = frame;
  const cut = url.lastIndexOf("/") + 1;
  const place = placeIn(tables, url.slice(cut), lineNumber + 1, columnNumber);
  if (place === null) return frame;
  return { ...frame, url: url.slice(0, cut) + place.source, lineNumber: place.line - 1 };
}

function placeIn(tables: SourceTables, file: string, line: number, column: number): SourcePlace | null {
  const table = Object.hasOwn(tables, file) ? tables[file] : undefined;
  return table === undefined ? null : sourcePlace(table, line, column);
}

/** What stands at a line (from 1) and column (from 0) of the bundled file; null where nothing does. */
export function sourcePlace(
  { sources, places }: SourceTable,
  line: number,
  column: number,
): SourcePlace | null {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [itsLine, itsColumn] = places[middle]!;
    if (itsLine < line || (itsLine === line && itsColumn <= column)) low = middle + 1;
    else high = middle;
  }
  const [, , source = -1, sourceLine = 0] = places[low - 1] ?? [];
  const name = sources[source];
  return name === undefined ? null : { source: name, line: sourceLine };
}

/** The executable has its files in memory: this takes no descriptor there. */
export function readTables(url: URL): SourceTables {
  try {
    return JSON.parse(Deno.readTextFileSync(url));
  } catch {
    return {};
  }
}

/**
 * Paths as a matrix of subsystems and addresses, which stays small: subsystems that look the same at every address
 * are one row, and addresses that look the same in every row one column, once there are many. So a fabric of 32 × 500
 * where one node is down is two kinds of columns and one kind of row. Pure; runs in the browser, as `verdict.ts` does.
 */
import type { PathSnapshot } from "../snapshot.ts";
import { pathTone, type Tone } from "./verdict.ts";

export interface Matrix {
  readonly columns: readonly MatrixGroup[];
  readonly rows: readonly MatrixRow[];
  /** Rows left out: where rows are folded, none of them is worse off than one that is there. */
  readonly rowsMore: number;
  /** Subsystems in these. */
  readonly subsystemsMore: number;
}

/** Subsystems, or addresses, that look the same. */
export interface MatrixGroup {
  readonly names: readonly string[];
  readonly live: number;
  readonly all: number;
}

export interface MatrixRow extends MatrixGroup {
  /** One a column. */
  readonly cells: readonly MatrixCell[];
}

export interface MatrixCell {
  readonly tone: Tone;
  /** The state of them all, or null where they differ; `none` where no log names such a path. */
  readonly state: string | null;
  readonly paths: readonly PathSnapshot[];
}

/** By number where there are numbers: `n2` before `n10`. */
export function byName(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** Names that have the same word for each of `others`, together; in the order of their first. */
export function alike(
  names: readonly string[],
  others: readonly string[],
  word: (name: string, other: string) => string,
  isFolded: boolean,
): string[][] {
  if (!isFolded) return names.map((name) => [name]);
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const look = others.map((other) => word(name, other)).join(",");
    const group = groups.get(look);
    if (group === undefined) groups.set(look, [name]);
    else group.push(name);
  }
  return [...groups.values()];
}

export function cellOf(paths: readonly PathSnapshot[]): MatrixCell {
  if (paths.length === 0) return { tone: "gone", state: "none", paths };
  const tones = new Set(paths.map(pathTone));
  const tone = tones.has("bad") ? "bad" : tones.has("busy") ? "busy" : "good";
  const [first] = paths;
  const state = first !== undefined && paths.every((path) => path.state === first.state) ? first.state : null;
  return { tone, state, paths };
}

export function badCells({ cells }: MatrixRow): number {
  return cells.filter(({ tone }) => tone === "bad").length;
}

export function matrixOf(paths: readonly PathSnapshot[], rowsMost: number, columnsMost: number): Matrix {
  const known = new Map<string, Map<string, PathSnapshot>>();
  const addresses = new Set<string>();
  for (const path of paths) {
    addresses.add(path.address);
    let row = known.get(path.subsysnqn);
    if (row === undefined) known.set(path.subsysnqn, row = new Map());
    row.set(path.address, path);
  }
  const subsystems = [...known.keys()].sort(byName);
  const word = (subsystem: string, address: string) => {
    const path = known.get(subsystem)?.get(address);
    return path === undefined ? "" : pathTone(path);
  };
  const all = [...addresses].sort(byName);
  const rowGroups = alike(subsystems, all, word, subsystems.length > rowsMost);
  const firsts = rowGroups.flatMap(([first]) => first === undefined ? [] : [first]);
  const columnGroups = alike(all, firsts, (address, row) => word(row, address), all.length > columnsMost);
  const within = (rows: readonly string[], columns: readonly string[]) =>
    rows.flatMap((row) => columns.flatMap((column) => known.get(row)?.get(column) ?? []));
  const counts = (names: readonly string[], its: readonly PathSnapshot[]) => ({
    names,
    live: its.filter(({ state }) => state === "live").length,
    all: its.length,
  });
  const rows = rowGroups.map((names) => {
    const cells = columnGroups.map((columns) => cellOf(within(names, columns)));
    return { ...counts(names, cells.flatMap((cell) => cell.paths)), cells };
  });
  // Where rows are folded, what is worst comes first; else they keep their order.
  if (subsystems.length > rowsMost) {
    rows.sort((a, b) => a.live / a.all - b.live / b.all || badCells(b) - badCells(a));
  }
  return {
    columns: columnGroups.map((names) => counts(names, within(subsystems, names))),
    rows: rows.slice(0, rowsMost),
    rowsMore: Math.max(0, rows.length - rowsMost),
    subsystemsMore: rows.slice(rowsMost).reduce((sum, { names }) => sum + names.length, 0),
  };
}

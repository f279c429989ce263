/** Timing and tables for the benchmark. Medians, and ratios within one run: figures of different runs do not compare. */

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is held against, measured in the same run or set by the project. */
  readonly against?: { readonly name: string; readonly value: number };
  /** The ratio to `against` that is to be reached. */
  readonly atMost?: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median ms of `runs` calls after `warmUps`. */
export async function medianMs(runs: number, warmUps: number, step: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let run = -warmUps; run < runs; run++) {
    const start = performance.now();
    await step();
    if (run >= 0) times.push(performance.now() - start);
  }
  return median(times);
}

export function formatFigures(figures: readonly Figure[]): string {
  const rows = [["figure", "measured", "against", "ratio", "to reach", ""]];
  for (const { name, value, unit, against, atMost } of figures) {
    const ratio = against === undefined ? undefined : value / against.value;
    rows.push([
      name,
      `${round(value)} ${unit}`,
      against === undefined ? "" : `${against.name} ${round(against.value)} ${unit}`,
      ratio === undefined ? "" : ratio.toFixed(2),
      atMost === undefined ? "" : `≤ ${atMost}`,
      atMost === undefined || ratio === undefined ? "" : ratio <= atMost ? "reached" : "missed",
    ]);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at]!)).join("  ").trimEnd()).join("\n");
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/**
 * One row of the fault table: a fault, how often it was tried, how soon all was well again, what was lost. Runs write
 * their rows under dist/faults; `write_table.ts` puts the newest of each into tests/README.md. Decides nothing.
 */
export interface FaultRow {
  /** What was broken, for people: `packet loss 20 %`. With `where` it names the row. */
  readonly fault: string;
  readonly where: "simulator" | "namespace" | "kernel lab";
  /** Times that it struck. */
  readonly tried: number;
  /** How long from the end of the fault until all was well, ms; one figure for each time. Empty where none is timed. */
  readonly recoveredMs: readonly number[];
  /** Within which it must have recovered, ms. */
  readonly limitMs: number;
  /** Paths that should have been live at the end and were not, and controllers that were removed. */
  readonly lost: number;
  /** A few words of what was checked, for people. */
  readonly checked: string;
}

const directory = new URL("../../dist/faults/", import.meta.url);

/** Keeps the row for the table; a newer one of the same fault and place replaces it. */
export async function writeFaultRow(row: FaultRow): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  const name = `${row.where} ${row.fault}`.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  await Deno.writeTextFile(new URL(`${name}.json`, directory), `${JSON.stringify(row)}\n`);
}

/** All rows kept, by place and fault. */
export async function readFaultRows(): Promise<FaultRow[]> {
  const rows: FaultRow[] = [];
  for await (const { name } of Deno.readDir(directory)) {
    if (name.endsWith(".json")) rows.push(JSON.parse(await Deno.readTextFile(new URL(name, directory))));
  }
  return rows.sort((a, b) => a.where.localeCompare(b.where) || a.fault.localeCompare(b.fault));
}

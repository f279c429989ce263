/**
 * What the guest tells the host, one line of JSON behind a marker on the second serial line (the first is the
 * console, where the kernel may write in the middle of a line).
 */
import type { FaultRow } from "../faults/fault_row.ts";

export const reportPrefix = "@@lab ";

export type Report =
  /** The guest is up; from init, before any program of ours. */
  | { type: "start" }
  /** One scenario's outcome; details only when it failed. */
  | { type: "row"; name: string; ok: boolean; text: string; tookMs: number; details: string[] }
  /** What a fault scenario found, for the fault table. */
  | { type: "fault"; row: FaultRow }
  /** The guest asks to be frozen for so long: the nearest thing to a suspended machine. */
  | { type: "freeze"; durationMs: number }
  /** What a measuring program found. */
  | { type: "document"; document: unknown }
  /** Progress, for people. */
  | { type: "note"; text: string }
  | { type: "end" };

/** Null when the line is no report. */
export function parseReport(line: string): Report | null {
  const at = line.indexOf(reportPrefix);
  if (at < 0) return null;
  try {
    return JSON.parse(line.slice(at + reportPrefix.length)) as Report;
  } catch {
    return null;
  }
}

/** Guest side. */
export async function sendReport(report: Report): Promise<void> {
  const serial = await Deno.open("/dev/ttyS1", { write: true });
  try {
    let bytes = new TextEncoder().encode(`${reportPrefix}${JSON.stringify(report)}\n`);
    while (bytes.length > 0) bytes = bytes.subarray(await serial.write(bytes));
  } finally {
    serial.close();
  }
}

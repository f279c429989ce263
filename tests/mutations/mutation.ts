/**
 * A deliberately broken agent: one textual change of the source, and the rules of the simulator that may notice it.
 * A change whose place is no longer there exactly once is stale, and refused loudly.
 */
import type { Rule } from "../sim/safety.ts";

export interface Mutation {
  readonly name: string;
  /** What the broken agent does, one sentence for people. */
  readonly what: string;
  /** From the repository's root. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly from: string;
  readonly to: string;
  /** Any of them may be the first to notice. */
  readonly rules: readonly Rule[];
  /** Seeds within which it must be caught. Default: `seedsMax`. */
  readonly seeds?: number;
}

/** Of an agent that never gets over something: which of them shows it first is a matter of the run. */
export const neverWell: readonly Rule[] = [
  "entries-right",
  "endpoints-right",
  "sessions-up",
  "paths-live",
  "event-noticed",
];

/** Seeds within which a mutation must be caught, unless it says more. */
export const seedsMax = 600;

/** The broken source. Throws when the mutation is stale or changes nothing. */
export function applyMutation(source: string, { name, file, from, to }: Mutation): string {
  const count = source.split(from).length - 1;
  if (count !== 1) {
    throw new Error(`Stale mutation ${name}: its place stands ${count} times in ${file}, expected once`);
  }
  if (from === to) throw new Error(`Stale mutation ${name}: it changes nothing`);
  return source.replace(from, () => to);
}

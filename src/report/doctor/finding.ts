/** What one check of `doctor` found. The checks beside it make them of what others have gathered; none looks itself. */

/** `skipped`: it could not be looked at, for want of rights for instance; the message says why. */
export type Verdict = "ok" | "warning" | "failure" | "skipped";

/** In the order in which they are shown. */
export const findingGroups = [
  "kernel",
  "identity",
  "settings",
  "agent",
  "endpoints",
  "network",
  "paths",
] as const;
export type FindingGroup = typeof findingGroups[number];

export interface Finding {
  readonly group: FindingGroup;
  /** What was looked at, in a few words: `native multipath`, `10.0.0.1:8009`. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What was seen, and what it means. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
  /** Of checks that ask the network, in their order. */
  readonly steps?: readonly FindingStep[];
  /** All of these, ms. */
  readonly tookMs?: number;
}

/** One step that was taken; the one that failed is the last. */
export interface FindingStep {
  readonly name: string;
  readonly ok: boolean;
  /** Whole and tenth of ms. */
  readonly ms: number;
}

export interface FindingCounts {
  readonly ok: number;
  readonly warning: number;
  readonly failure: number;
  readonly skipped: number;
}

export function countFindings(findings: readonly Finding[]): FindingCounts {
  const counts = { ok: 0, warning: 0, failure: 0, skipped: 0 };
  for (const { verdict } of findings) counts[verdict]++;
  return counts;
}

/** "1 failure, 2 warnings, 14 checks well, 1 skipped"; what there is none of is left out. */
export function countText({ ok, warning, failure, skipped }: FindingCounts): string {
  const many = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  return [
    failure > 0 ? many(failure, "failure") : "",
    warning > 0 ? many(warning, "warning") : "",
    `${many(ok, "check")} well`,
    skipped > 0 ? `${skipped} skipped` : "",
  ].filter((part) => part !== "").join(", ");
}

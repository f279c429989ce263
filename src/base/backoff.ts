import type { Random } from "./random.ts";

/**
 * Delay before the next attempt, ms: `baseMs` doubled with each failure after the first, at most `maxMs`, and
 * jittered to 75–125 % so that a thousand hosts do not return in step. `failures` counts from 1.
 */
export function backoffDelayMs(
  options: { failures: number; baseMs: number; maxMs: number; random: Random },
): number {
  const { failures, baseMs, maxMs, random } = options;
  const doublings = Math.min(Math.max(failures - 1, 0), 20);
  const plain = Math.min(baseMs * 2 ** doublings, Math.max(maxMs, baseMs));
  return Math.round(plain * (0.75 + random() * 0.5));
}

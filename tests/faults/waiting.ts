/** Waiting for effects in other processes, always with a limit. */

/** Asks until the answer is null; answers the ms it took. Fails with the last answer. */
export async function until(
  what: string,
  limitMs: number,
  look: () => Promise<string | null> | string | null,
  intervalMs = 25,
): Promise<number> {
  const startMs = performance.now();
  while (true) {
    const askedMs = performance.now();
    const seen = await look();
    const tookMs = performance.now() - startMs;
    if (seen === null) return tookMs;
    if (tookMs > limitMs) throw new Error(`${what}: not within ${limitMs / 1_000} s; ${seen}`);
    // Looking costs those who are looked at.
    await pause(Math.max(intervalMs, performance.now() - askedMs));
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

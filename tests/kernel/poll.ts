/** Waiting for effects, always with a limit: only the kernel lab and benchmarks may look at a real clock. */

export class NotReachedError extends Error {
  override name = "NotReachedError";
}

/**
 * Asks `look` every `intervalMs` until it answers null (reached); any text says what is seen instead.
 * Answers the milliseconds it took; throws NotReachedError with the last text.
 */
export async function until(
  what: string,
  limitMs: number,
  look: () => Promise<string | null> | string | null,
  intervalMs = 20,
): Promise<number> {
  const startedMs = performance.now();
  while (true) {
    const seen = await look();
    const tookMs = performance.now() - startedMs;
    if (seen === null) return tookMs;
    if (tookMs > limitMs) {
      throw new NotReachedError(`${what}: not within ${formatSeconds(limitMs)}; seen: ${seen}`);
    }
    await pause(intervalMs);
  }
}

/** Checks, for all of `durationMs`, that `look` goes on answering null. */
export async function throughout(
  what: string,
  durationMs: number,
  look: () => Promise<string | null> | string | null,
  intervalMs = 50,
): Promise<void> {
  const startedMs = performance.now();
  while (performance.now() - startedMs < durationMs) {
    const seen = await look();
    if (seen !== null) {
      throw new NotReachedError(
        `${what}: broken after ${formatSeconds(performance.now() - startedMs)}: ${seen}`,
      );
    }
    await pause(intervalMs);
  }
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** `1.9 s`. */
export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

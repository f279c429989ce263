/**
 * Waits for what the kernel does in its own time (watch events, signals): polled, with a deadline that only a
 * failure reaches.
 */
const deadlineMs = 10_000;

/** Resolves once `condition` holds; throws naming `what` when it never does. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!await condition()) {
    if (performance.now() > endMs) throw new Error(`Not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

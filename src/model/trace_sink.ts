/** Where a recording of our own connections goes. `io/` makes it a file, tests keep it in memory. */

export interface TraceSink {
  /** Takes the block as a whole, or answers false where too much waits already. Never waits and never throws. */
  offer(block: Uint8Array): boolean;
  /** Takes the `last` block whatever waits, and writes all as far as a bounded time allows. Never throws. */
  close(last: Uint8Array): Promise<void>;
}

/** Opens a sink; `onFailure` is called once, when it can take no more. Throws KernelError. */
export type OpenTraceSink = (path: string, onFailure: (error: Error) => void) => Promise<TraceSink>;

/** Where this process spends its time and memory; the texts are those that Chrome's tools and speedscope open. */
export interface Profiler {
  /** What runs for so long, or until aborted: a `.cpuprofile`. */
  cpuProfile(durationMs: number, signal: AbortSignal): Promise<string>;
  /** Who allocates what still lives at the end: a `.heapprofile`. */
  heapProfile(durationMs: number, signal: AbortSignal): Promise<string>;
  /** Every object with who holds it, without the text of any string: a `.heapsnapshot`. Nothing else runs meanwhile. */
  heapSnapshot(): Promise<string>;
}

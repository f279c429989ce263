/** Time as the rest of the program sees it; `io/` makes the real one, tests a virtual one. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start; for every deadline and delay. */
  nowMs(): number;
  /** Wall clock, milliseconds since 1970; only for what people and files read. */
  wallMs(): number;
  /** Calls `callback` once after `delayMs`; the handle cancels it. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

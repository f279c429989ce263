/** The machine's clock: the only place that asks for the time or sets a timer. */
import type { Clock, Timer } from "../base/clock.ts";

/** Longest delay of setTimeout, ms; anything above it fires at once. */
const timerMsMax = 2 ** 31 - 1;

export class RealClock implements Clock {
  nowMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const handle = setTimeout(callback, Math.min(Math.max(delayMs, 0), timerMsMax));
    return { cancel: () => clearTimeout(handle) };
  }
}

/** A source of uniform numbers in [0, 1). Injected, so that a seed replays a run. */
export type Random = () => number;

/** Deterministic generator (mulberry32): 32 bits of state, for tests, simulators and jitter; never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

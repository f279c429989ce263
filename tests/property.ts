/** The one door to fast-check: properties over generated values, shrunk when they fail. */
import fc from "fast-check";
export { fc };

export interface PropertyRun {
  readonly runs: number;
  readonly seed: number;
}

/** A value for which the property does not hold. */
export interface Counterexample<T> {
  /** The simplest found. */
  readonly value: T;
  readonly error: unknown;
  /** Steps from the first value that failed to this one. */
  readonly shrinks: number;
  /** Values tried before, and this one. */
  readonly runs: number;
}

/** Tries `runs` values drawn from `seed`; null when `holds` threw at none of them. Prints nothing. */
export function findCounterexample<T>(
  arbitrary: fc.Arbitrary<T>,
  holds: (value: T) => void,
  { runs, seed }: PropertyRun,
): Counterexample<T> | null {
  const details = fc.check(fc.property(arbitrary, (value) => holds(value)), { numRuns: runs, seed });
  if (!details.failed || details.counterexample === null) return null;
  return {
    value: details.counterexample[0],
    error: details.errorInstance,
    shrinks: details.numShrinks,
    runs: details.numRuns,
  };
}

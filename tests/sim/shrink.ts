/**
 * Makes a failing run smaller while it breaks the same rule: fewer steps first, then plainer options, then shorter
 * faults. Bounded in runs; answers the smallest that it found.
 */
import type { RunCase } from "./draw_case.ts";
import { simplerOptions } from "./run_options.ts";
import type { RunStep } from "./run_step.ts";

/** Runs spent on one failure: a few seconds to a minute. */
const runsMax = 600;

/** `fails` says whether a case still breaks the rule. */
export async function shrink(
  failing: RunCase,
  fails: (candidate: RunCase) => Promise<boolean>,
  onProgress: (runs: number, smallest: RunCase) => void = () => {},
): Promise<RunCase> {
  let smallest = failing;
  let runs = 0;
  const tryCase = async (candidate: RunCase): Promise<boolean> => {
    if (runs >= runsMax) return false;
    runs++;
    if (!await fails(candidate)) return false;
    smallest = candidate;
    onProgress(runs, smallest);
    return true;
  };
  for (let before: RunCase | null = null; before !== smallest && runs < runsMax;) {
    before = smallest;
    await removeSteps(() => smallest, tryCase);
    for (let again = true; again;) {
      again = false;
      for (const options of simplerOptions(smallest.options)) {
        if (await tryCase({ ...smallest, options })) {
          again = true;
          break;
        }
      }
    }
    await shorten(() => smallest, tryCase);
  }
  return smallest;
}

type Try = (candidate: RunCase) => Promise<boolean>;

/** Halves, quarters, … single steps. */
async function removeSteps(current: () => RunCase, tryCase: Try): Promise<void> {
  for (let size = Math.ceil(current().steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < current().steps.length;) {
      const { steps } = current();
      const fewer = [...steps.slice(0, at), ...steps.slice(at + size)];
      if (!await tryCase({ ...current(), steps: fewer })) at += size;
    }
  }
}

async function shorten(current: () => RunCase, tryCase: Try): Promise<void> {
  for (let at = 0; at < current().steps.length; at++) {
    for (let again = true; again;) {
      const { steps } = current();
      const step = steps[at]!;
      const shorter: RunStep = "change" in step ? { ...step, atMs: Math.floor(step.atMs / 2) } : {
        ...step,
        atMs: Math.floor(step.atMs / 2),
        forMs: Math.max(1, Math.floor(step.forMs / 2)),
      };
      const same = JSON.stringify(shorter) === JSON.stringify(step);
      again = !same && await tryCase({ ...current(), steps: steps.with(at, shorter) });
    }
  }
}

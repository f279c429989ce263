/**
 * The whole virtual machine stands still for longer than KATO (its emulator gets SIGSTOP): the nearest thing to a
 * suspended host that emulation has. Other than in a suspended host the monotonic clock runs on, and the target, in the
 * same machine, sleeps as well; so all timers of both sides fire at once.
 */
import { FaultRun } from "../fault_run.ts";
import { pause } from "../poll.ts";
import { sendReport } from "../report.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const frozenMachine: Scenario = {
  name: "frozen-machine",
  title: "the whole machine stands still for longer than KATO",
  seconds: 60,
  fullSeconds: 80,
  ci: true,
  limitMs: 400_000,
  run,
};

/** KATO is 4 s here, the kernel's own 5 s. */
const frozenMs = 12_000;

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab);
  let before: string[] = [];
  await run.repeat({
    fault: "whole machine frozen for longer than KATO",
    times: lab.full ? 4 : 2,
    // Controllers that lost their connection wait 10 s.
    limitMs: 60_000,
    checked: "host and target frozen as in suspend; paths, sessions, list, a change; every controller kept",
    strike: async () => {
      before = await run.remember();
      await run.add();
      // Looked for from before: the machine may stand still before the report's end is even seen here.
      const leap = leapOfTime(frozenMs * 2);
      await sendReport({ type: "freeze", durationMs: frozenMs });
      const sleptMs = await leap;
      expect(
        sleptMs > frozenMs * 0.7,
        `Precondition: the machine stood still for ${sleptMs.toFixed()} ms only`,
      );
    },
    end: () => Promise.resolve(),
  });
  await run.expectKept(before);
  return run.summary;
}

/** The longest time that went by between two looks at the clock, until one is long enough or the limit is over. */
async function leapOfTime(limitMs: number): Promise<number> {
  const startedMs = performance.now();
  let longestMs = 0;
  let lastMs = startedMs;
  while (performance.now() - startedMs < limitMs) {
    await pause(20);
    longestMs = Math.max(longestMs, performance.now() - lastMs);
    lastMs = performance.now();
    if (longestMs > frozenMs / 2) break;
  }
  return longestMs;
}

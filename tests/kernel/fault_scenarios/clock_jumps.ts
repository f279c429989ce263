/** The wall clock leaps a day ahead, and an hour back, while the cluster changes. */
import { runCommand } from "../command.ts";
import { FaultRun } from "../fault_run.ts";
import { throughout } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const clockJumps: Scenario = {
  name: "clock-jumps",
  title: "the wall clock leaps a day ahead and an hour back: no session notices, changes are noticed",
  seconds: 55,
  fullSeconds: 80,
  ci: true,
  limitMs: 300_000,
  run,
};

const hourMs = 3_600_000;
/** Longer than KATO. */
const holdMs = 6_000;

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab);
  const trueOffsetMs = Date.now() - performance.now();
  lab.cleanups.push(["Cannot set the clock back", () => setClock(performance.now() + trueOffsetMs)]);
  const times = lab.full ? 4 : 1;
  await leap(run, "wall clock 1 day ahead", 24 * hourMs, times);
  await leap(run, "wall clock 1 hour back", -hourMs, times);
  return run.summary;
}

async function leap(run: FaultRun, fault: string, byMs: number, times: number): Promise<void> {
  await run.repeat({
    fault,
    times,
    limitMs: 30_000,
    checked:
      "no session or controller lost for longer than KATO, a subsystem added at the leap; paths, list, a change",
    strike: async () => {
      const sessionsBefore = await run.agent.logCount("Discovery session is up");
      const before = await run.remember();
      await run.add();
      const fromMs = Date.now();
      await setClock(fromMs + byMs);
      const leaptMs = Date.now() - fromMs;
      expect(Math.abs(leaptMs - byMs) < 60_000, `Precondition: the clock leapt by ${leaptMs} ms`);
      await throughout("sessions stay up", holdMs, () => run.lookForSessions());
      const again = await run.agent.logCount("Discovery session is up") - sessionsBefore;
      expect(again === 0, `${again} sessions were built again`);
      await run.expectKept(before);
    },
    end: () => Promise.resolve(),
  });
}

async function setClock(ms: number): Promise<void> {
  await runCommand("date", ["-u", "-s", `@${Math.round(ms / 1_000)}`]);
}

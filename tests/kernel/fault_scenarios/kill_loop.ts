/**
 * kill -9 in a loop, at any moment of the agent's life, start and saving included, while subsystems come and go. After
 * each the saved list is whole, and no controller is another one than before.
 */
import { FaultRun } from "../fault_run.ts";
import { controllers, identity, missingPaths } from "../initiator.ts";
import { formatSeconds, pause, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const killLoop: Scenario = {
  name: "kill-loop",
  title: "kill -9 of the agent in a loop, while subsystems are added and removed",
  seconds: 45,
  fullSeconds: 1_100,
  ci: true,
  limitMs: 1_500_000,
  run,
};

const quickKills = 5;
const fullKills = 200;
/** Starting takes seconds under emulation: of the full number, as many as fit into this. */
const fullLoopMs = 1_100_000;
const wellLimitMs = 60_000;
/** Every so many kills the agent may come up fully; the others strike while it starts. */
const fullStartEvery = 4;

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab);
  const startedMs = performance.now();
  const recoveredMs: number[] = [];
  let kills = 0;
  let moment = 0;
  try {
    while (kills < (lab.full ? fullKills : quickKills)) {
      if (lab.full && performance.now() - startedMs > fullLoopMs) break;
      const before = await run.remember();
      const gone = await change(run, kills);
      if (run.agent.isRunning) {
        // A different moment each time, spread over the first seconds; the same in every run.
        moment = (moment + 377) % 2_000;
        await pause(moment);
        await run.agent.kill();
        kills++;
      }
      await expectSame(run, before, gone);
      run.agent.start();
      if (kills % fullStartEvery !== 0 && kills !== quickKills) continue;
      await run.agent.ready();
      await expectList(run);
      recoveredMs.push(await until(`all is well after kill ${kills}`, wellLimitMs, () => run.lookForWell()));
    }
    if (!run.agent.isRunning) run.agent.start();
    recoveredMs.push(await until("all is well after the last kill", wellLimitMs, () => run.lookForWell()));
    await run.noticeChange();
  } finally {
    const fault = "agent killed with -9 under change";
    const checked =
      "list whole right after each; no controller but the same; subsystems added and removed meanwhile";
    await run.leaveRow({ fault, limitMs: wellLimitMs, checked }, kills, recoveredMs);
  }
  const removed = await run.removedByAgent();
  const live = missingPaths(await controllers(), run.fabric.paths(run.linked)).length;
  expect(removed === 0 && live === 0, `${removed} controllers removed, ${live} not live`);
  const worst = formatSeconds(Math.max(...recoveredMs));
  return `${kills} kills in ${formatSeconds(performance.now() - startedMs)}, ` +
    `${recoveredMs.length} times let come up: well at most ${worst} after READY`;
}

/** In turn a subsystem comes and one goes. Answers the one that went. */
async function change(run: FaultRun, turn: number): Promise<string | null> {
  if (turn % 2 === 0) {
    await run.add();
    return null;
  }
  const leaving = run.linked[0] ?? "";
  await run.drop(leaving);
  return leaving;
}

async function expectSame(run: FaultRun, before: readonly string[], gone: string | null): Promise<void> {
  const now = (await controllers()).map(identity);
  const lost = before.filter((one) => !now.includes(one) && (gone === null || !one.includes(` ${gone} `)));
  expect(lost.length === 0, `Controllers were lost: ${lost.join("; ")}`);
  await expectList(run);
}

async function expectList(run: FaultRun): Promise<void> {
  const seen = await run.agent.lookForStored(run.fabric.endpoints());
  expect(seen === null, `The list is not whole right after a kill: ${seen}`);
}

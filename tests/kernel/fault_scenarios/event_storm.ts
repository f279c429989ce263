/**
 * The log changes as often as the target's configuration takes it, a hundred times a second at the most, for seconds.
 * Reads of the log stay bounded (limits.logReadGapMs), and the last state is the one that counts.
 */
import { FaultRun } from "../fault_run.ts";
import { showToAnyHost } from "../nvmet.ts";
import { formatSeconds, pause, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const eventStorm: Scenario = {
  name: "event-storm",
  title: "the log changes a hundred times a second: reads bounded, the last state wins",
  seconds: 45,
  fullSeconds: 110,
  ci: true,
  limitMs: 300_000,
  run,
};

const changesPerSecond = 100;
/** The agent's own bound, limits.logReadGapMs. */
const readGapMs = 100;
const settleLimitMs = 15_000;

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab);
  const durationMs = lab.full ? 60_000 : 10_000;
  const flickering = await run.fabric.createSubsystem("flickering");
  showToAnyHost(flickering, false);
  await run.fabric.linkEverywhere(flickering);
  await until("all is well before the storm", 20_000, () => run.lookForWell());
  const before = await run.remember();
  const readsBefore = await run.agent.logCount("Discovery log read");
  const cpuBefore = await cpuSeconds(run.agent.pid);
  const startedMs = performance.now();
  const changes = await storm(flickering, durationMs);
  const tookMs = performance.now() - startedMs;
  const readsUnder = await run.agent.logCount("Discovery log read") - readsBefore;
  // An odd number of changes: it is to be seen now, and was not before.
  const settledMs = await until("the last state is reached", settleLimitMs, () => {
    return run.lookForPathsAnd(flickering);
  });
  const cpu = await cpuSeconds(run.agent.pid) - cpuBefore;
  const allMs = performance.now() - startedMs;
  run.linked.push(flickering);
  await until("all is well after the storm", settleLimitMs, () => run.lookForWell());
  await run.expectKept(before);
  const noticedMs = await run.noticeChange();
  await run.leaveRow(
    {
      fault: `AEN storm, ${Math.round(changes / (tookMs / 1_000))} changes a second for ${
        Math.round(tookMs / 1_000)
      } s`,
      limitMs: settleLimitMs,
      checked:
        "reads of each log at most ten a second; the last state is reached; paths, sessions, list, a change",
    },
    changes,
    [settledMs],
  );
  const reads = readsUnder / run.fabric.nodes.length;
  const readsMax = tookMs / readGapMs + 5;
  expect(changes >= 50, `Precondition: ${changes} changes are no storm`);
  expect(reads >= 2, `Precondition: each log was read ${reads} times`);
  expect(
    reads <= readsMax,
    `Each log was read ${reads.toFixed(1)} times, at most ${readsMax.toFixed(0)} wanted`,
  );
  expect(await run.removedByAgent() === 0, "A controller was removed by a program");
  return `${changes} changes in ${formatSeconds(tookMs)}: each log read ${
    (reads / (tookMs / 1_000)).toFixed(1)
  } times ` +
    `a second, agent's CPU ${
      (cpu / (allMs / 1_000) * 100).toFixed(0)
    } % of the one processor; last state after ` +
    `${formatSeconds(settledMs)}, a change seen after ${formatSeconds(noticedMs)}`;
}

/** Answers how many changes were made, an odd number. */
async function storm(nqn: string, durationMs: number): Promise<number> {
  const startedMs = performance.now();
  let changes = 0;
  while (performance.now() - startedMs < durationMs || changes % 2 === 0) {
    showToAnyHost(nqn, changes % 2 === 0);
    changes++;
    const aheadMs = changes * 1_000 / changesPerSecond - (performance.now() - startedMs);
    await pause(Math.max(0, aheadMs));
  }
  return changes;
}

async function cpuSeconds(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  // Behind the program's name, which may hold anything: state is the first, user and system time the 12th and 13th.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

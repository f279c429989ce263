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
/** The agent's own bounds, limits.logReadGapMs and limits.logRestartsMax. */
const readGapMs = 100;
const restartsMax = 6;
const settleLimitMs = 15_000;
const restMs = 3_000;

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab);
  const durationMs = lab.full ? 60_000 : 10_000;
  const flickering = await run.fabric.createSubsystem("flickering");
  showToAnyHost(flickering, false);
  await run.fabric.linkEverywhere(flickering);
  await until("all is well before the storm", 20_000, () => run.lookForWell());
  const before = await run.remember();
  const start = await measure(run);
  const changes = await storm(flickering, durationMs);
  const end = await measure(run);
  // An odd number of changes: it is to be seen now, and was not before.
  run.linked.push(flickering);
  const settledMs = await until("the last state is reached", settleLimitMs, () => run.lookForWell());
  await run.expectKept(before);
  const noticedMs = await run.noticeChange();
  const rest = await measure(run);
  await pause(restMs);
  const restCpu = cpuShare(rest, await measure(run));

  const tookMs = end.atMs - start.atMs;
  const nodes = run.fabric.nodes.length;
  const reads = (end.reads - start.reads) / nodes;
  const events = (end.events - start.events) / nodes;
  const readsMax = tookMs / readGapMs + 5;
  const rate = Math.round(changes / (tookMs / 1_000));
  await run.leaveRow(
    {
      fault: `AEN storm for ${
        durationMs / 1_000
      } s, as many changes as the target takes, at most ${changesPerSecond} a second`,
      limitMs: settleLimitMs,
      checked:
        `${rate} changes a second; reads of each log at most ten a second, the last state reached; paths, ` +
        "sessions, list, a change",
    },
    1,
    [settledMs],
  );
  expect(changes >= 50, `Precondition: ${changes} changes are no storm`);
  // Reads that a change overtakes are begun again, and again; then only the events tell of them.
  expect(events >= 5, `Precondition: ${events.toFixed(1)} events of each node are no storm`);
  expect(
    reads <= readsMax,
    `Each log was read ${reads.toFixed(1)} times, at most ${readsMax.toFixed(0)} wanted`,
  );
  expect(events <= readsMax * (restartsMax + 1), `${events.toFixed(1)} events of each node were asked for`);
  expect(restCpu < 0.3, `The agent goes on using ${percent(restCpu)} of the processor after the storm`);
  expect(await run.removedByAgent() === 0, "A controller was removed by a program");
  const perSecond = (count: number) => (count / (tookMs / 1_000)).toFixed(1);
  return `${changes} changes in ${formatSeconds(tookMs)}: of each node ${perSecond(events)} events and ` +
    `${perSecond(reads)} whole reads a second, agent's CPU ${
      percent(cpuShare(start, end))
    } of the one processor, ` +
    `${percent(restCpu)} after it; last state after ${formatSeconds(settledMs)}, a change seen after ` +
    formatSeconds(noticedMs);
}

interface Measured {
  readonly atMs: number;
  readonly cpuSeconds: number;
  readonly reads: number;
  readonly events: number;
}

async function measure(run: FaultRun): Promise<Measured> {
  return {
    atMs: performance.now(),
    cpuSeconds: await cpuSeconds(run.agent.pid),
    reads: await run.agent.logCount("Discovery log read"),
    events: await run.agent.logCount("The discovery log changed"),
  };
}

function cpuShare(from: Measured, to: Measured): number {
  return (to.cpuSeconds - from.cpuSeconds) * 1_000 / (to.atMs - from.atMs);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
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

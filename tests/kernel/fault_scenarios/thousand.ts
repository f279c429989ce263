/** A thousand subsystems on one port: the log of all is read, and as many as the machine carries are connected. */
import { type AgentHome, entryLine } from "../agent_process.ts";
import type { Fabric } from "../fabric.ts";
import {
  association,
  controllers,
  deletedSoFar,
  kernelLog,
  lookForAll,
  lookForSame,
  removedByPrograms,
} from "../initiator.ts";
import { clearControllers, countControllers } from "../initiator_many.ts";
import { formatSeconds, pause, until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const thousand: Scenario = {
  name: "thousand",
  title: "1,000 subsystems on one port: the log is read, as many connected as four minutes allow",
  seconds: 300,
  limitMs: 900_000,
  run,
};

const subsystems = 1_000;
const connectLimitMs = 240_000;
/** Beyond this the agent's last words are told. */
const slowChangeMs = 5_000;
/** Nothing new for so long: no more will come. */
const stallMs = 40_000;
const readLimitMs = 60_000;
const startLimitMs = 60_000;
const changeLimitMs = 60_000;

async function run(lab: Lab): Promise<string> {
  // Without disks: a controller needs none, and the guest has sixteen.
  const fabric = await lab.fabric({ nodes: [1], subsystems, disks: false });
  lab.cleanups.push(["Cannot delete the many controllers", clearControllers]);
  const removedBefore = await removedByPrograms() - deletedSoFar();
  const freeBefore = await availableMiB();
  const agent = await lab.agent();
  await agent.drop("cluster", entryLine(fabric.address(1), hosts[0], fabric.nqns[0] ?? ""));
  agent.start();
  const readMs = await until(
    "the log of 1,000 subsystems is read",
    readLimitMs,
    async () =>
      await agent.logCount(`Discovery log read: ${subsystems + 1} records`) > 0 ? null : "no such log",
    200,
  );
  const startedMs = performance.now();
  const { count, afterMs } = await countUp(lab, startedMs);
  const freeAfter = await availableMiB();
  const live = (await controllers()).filter((one) => one.state === "live").length;
  const removed = await removedByPrograms() - deletedSoFar() - removedBefore;
  let secondMs: number | null = null;
  if (live === subsystems) {
    const added = await fabric.createSubsystem("one-more");
    await fabric.linkEverywhere(added);
    // Counted first: looking at each of a thousand takes longer than what is timed.
    secondMs = await until("one more is noticed", 60_000, async () => {
      const now = await countControllers();
      return now > subsystems ? null : `${now} controllers`;
    });
    if (secondMs > slowChangeMs) {
      await lab.note(`one more took ${formatSeconds(secondMs)}; the agent said:`);
      for (const line of await agent.logTail(12)) await lab.note(line.slice(0, 160));
    }
    await until("one more is live", 30_000, () => lookForAll(fabric.paths([added])));
  }
  await lab.faultRow({
    fault: "1,000 subsystems on one port",
    tried: 1,
    recoveredMs: [afterMs],
    limitMs: connectLimitMs,
    lost: removed,
    checked: `the log of 1,001 records read; ${live} real I/O controllers live, none removed` +
      (secondMs === null ? "" : "; one more is noticed"),
  });
  expect(removed === 0, `${removed} controllers were removed by a program`);
  const complaints = (await kernelLog(0, 100_000)).filter((line) =>
    /failed|allocation|out of memory/i.test(line)
  );
  expect(live === count, `Only ${live} of ${count} controllers are live`);
  expect(
    live > 100,
    `Only ${live} controllers are live; the kernel says: ${complaints.slice(-3).join("; ")}`,
  );
  const rss = await residentMiB(agent.pid);
  const resumed = secondMs === null ? "not killed" : await killWithMany(lab, fabric, agent);
  await agent.stop();
  return `log read ${formatSeconds(readMs)} after the start, ${live} of ${subsystems} live ` +
    `${formatSeconds(afterMs)} after that (${(afterMs / live).toFixed(0)} ms each, ` +
    `${
      ((freeBefore - freeAfter) * 1024 / live).toFixed(0)
    } KiB each of ${freeBefore} MiB, ${freeAfter} MiB left)` +
    (secondMs === null
      ? `; last complaint of the kernel: ${complaints.at(-1) ?? "none"}`
      : `; one more seen after ${formatSeconds(secondMs)}`) +
    `; the agent's ${rss} MiB resident; ${resumed}`;
}

/** Killed and started again, the agent must find all it has, connect none of it anew, and notice a change. */
async function killWithMany(lab: Lab, fabric: Fabric, agent: AgentHome): Promise<string> {
  const before = await controllers();
  const connectsBefore = await agent.logCount("Path live: connected");
  await agent.kill();
  agent.start();
  const startMs = await agent.ready();
  const added = await fabric.createSubsystem("after-kill");
  await fabric.linkEverywhere(added);
  const noticedMs = await until("a change after the kill is noticed", changeLimitMs, async () => {
    const now = await countControllers();
    return now > before.length ? null : `${now} controllers`;
  });
  await until("it is live", changeLimitMs, () => lookForAll(fabric.paths([added])));
  const lost = await lookForSame(before, association);
  const connects = await agent.logCount("Path live: connected") - connectsBefore;
  await lab.faultRow({
    fault: "agent killed with -9, 1,000 controllers live",
    tried: 1,
    recoveredMs: [startMs + noticedMs],
    limitMs: startLimitMs + changeLimitMs,
    lost: lost === null ? 0 : 1,
    checked: "no controller touched, none connected again; a change noticed",
  });
  expect(lost === null, `A controller was touched: ${lost?.slice(0, 500)}`);
  expect(connects === 1, `${connects} connects for one new subsystem`);
  return `killed and READY again in ${formatSeconds(startMs)}, a change seen ${
    formatSeconds(noticedMs)
  } after that`;
}

async function residentMiB(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024);
}

/** Waits until all are there, none comes any more, or the time is over; answers the last count and when it was reached. */
async function countUp(lab: Lab, startedMs: number): Promise<{ count: number; afterMs: number }> {
  let count = 0;
  let afterMs = 0;
  let noted = 0;
  while (performance.now() - startedMs < connectLimitMs) {
    const now = await countControllers();
    if (now > count) afterMs = performance.now() - startedMs;
    count = Math.max(count, now);
    if (count >= noted + 200) {
      noted = count;
      await lab.note(`${count} controllers after ${formatSeconds(afterMs)}`);
    }
    if (count >= subsystems || performance.now() - startedMs > afterMs + stallMs) break;
    await pause(1_000);
  }
  await pause(2_000);
  return { count: await countControllers(), afterMs };
}

async function availableMiB(): Promise<number> {
  const text = await Deno.readTextFile("/proc/meminfo");
  return Math.round(Number(/MemAvailable: +(\d+)/.exec(text)?.[1] ?? 0) / 1024);
}

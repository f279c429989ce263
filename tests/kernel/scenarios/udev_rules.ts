/**
 * nvme-cli's udev rules on the same host, with discovery controllers of their own: both learn of each change at the
 * same moment, and both connect. Whoever comes second takes what is there: one controller a path, and no word of
 * trouble in the agent's log.
 *
 * Two things keep out what nvme-cli does to itself. The nodes refer to nobody: with referrals, its rules multiply
 * discovery controllers. And no log has more than three records: nvme-cli 2.3 reads longer ones in pieces without ever
 * clearing the event, so that it hears of no further change.
 */
import { type AgentHome, entryLine } from "../agent_process.ts";
import type { Fabric } from "../fabric.ts";
import {
  association,
  controllers,
  deleteController,
  describe,
  isOnPath,
  type LiveController,
  lookForSame,
} from "../initiator.ts";
import { formatSeconds, throughout, until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";
import { keepDiscovery, ruleRuns, startUdev, untilRulesHaveRun } from "../udev.ts";

export const udevRules: Scenario = {
  name: "udev-rules",
  title: "beside nvme-cli's udev rules: the same events, one controller a path, no noise",
  seconds: 30,
  limitMs: 150_000,
  run,
};

const [host] = hosts;
const discoveryNqn = "nqn.2014-08.org.nvmexpress.discovery";

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric({ referrals: false, subsystems: 1 });
  for (const name of ["sub2", "sub3", "sub4"]) await fabric.createSubsystem(name);
  const [kept = "", first = "", ...others] = fabric.nqns;
  const stopUdev = await startUdev(host);
  lab.cleanups.push(["Cannot stop udevd", stopUdev]);
  for (const node of fabric.nodes) await keepDiscovery(fabric.address(node));
  // No agent yet: it is the rules that connect.
  await linkAndWait(fabric, kept, first);
  await untilRulesHaveRun();

  const before = (await controllers()).filter((one) => one.type === "io");
  const agent = await lab.agent();
  await agent.drop(
    "cluster",
    fabric.nodes.map((node) => entryLine(fabric.address(node), host, fabric.nqns[0] ?? "")).join(""),
  );
  agent.start();
  await agent.ready();
  await until("what nvme-cli connected is taken as live", 10_000, async () => {
    const count = await agent.logCount("Path live: was already connected");
    return count >= before.length ? null : `${count} of ${before.length}`;
  });
  const touched = await lookForSame(before, association);
  expect(touched === null, `The agent touched what nvme-cli connected: ${touched}`);

  const times: number[] = [];
  let last = first;
  for (const nqn of [...others, first]) {
    await unlinkAndForget(fabric, agent, last);
    const since = await ruleRuns();
    times.push(await linkAndWait(fabric, kept, nqn));
    await untilRulesHaveRun(since);
    await throughout("one controller a path", 1_000, () => lookForOneEach(fabric, [kept, nqn]));
    last = nqn;
  }
  const { unexpected, started, ignored } = await ruleRuns();
  expect(unexpected.length === 0, `The rules asked for ${unexpected.join("; ")}`);
  // What an unlinked subsystem loses may be told.
  const noise = (await agent.logTail(10_000)).filter((line) =>
    / (WARN|ERROR) /.test(line) && !line.includes("Path lost: the kernel has it")
  );
  expect(noise.length === 0, `The log has ${noise.join(" | ")}`);
  return `one controller a path after each change; new ones live in ${
    times.map(formatSeconds).join(", ")
  }; ` +
    `the rules ran ${started} times, ${ignored} more were ignored`;
}

/** Answers how long it took until all paths were live. */
async function linkAndWait(fabric: Fabric, kept: string, nqn: string): Promise<number> {
  await fabric.linkEverywhere(nqn);
  return await until(`${nqn} live`, 20_000, () => lookForOneEach(fabric, [kept, nqn]));
}

/** Rules and agent hear of that as well; then the controllers that the kernel keeps of it go. */
async function unlinkAndForget(fabric: Fabric, agent: AgentHome, nqn: string): Promise<void> {
  const since = await ruleRuns();
  await fabric.unlinkEverywhere(nqn);
  await untilRulesHaveRun(since);
  await until(`the agent knows that ${nqn} is gone`, 10_000, async () => {
    const status = await agent.status();
    return status.includes(`"${nqn}"`) ? status : null;
  });
  for (const one of await controllers()) if (one.nqn === nqn) await deleteController(one.name);
}

/** Null when each path has one live controller and the nodes their discovery controllers, and nothing else is kept. */
async function lookForOneEach(fabric: Fabric, linked: readonly string[]): Promise<string | null> {
  const all = await controllers();
  const io = all.filter((one) => one.nqn !== discoveryNqn);
  const paths = fabric.paths(linked);
  const right = paths.every((path) => {
    const there = io.filter((one) => isOnPath(one, path));
    return there.length === 1 && there[0]?.state === "live";
  });
  return right && io.length === paths.length && keepsDiscovery(fabric, all) ? null : describe(all);
}

function keepsDiscovery(fabric: Fabric, all: readonly LiveController[]): boolean {
  const addresses = all.filter((one) => one.nqn === discoveryNqn && one.state === "live").map((one) =>
    one.traddr
  );
  return fabric.nodes.every((node) => addresses.includes(fabric.address(node)));
}

/**
 * Controllers that somebody connected by hand, before the agent starts and while it runs: with other options, from
 * another address of this host, for another host NQN. Those that are the wanted path are taken as they are, the others
 * left alone; none is connected twice, none disconnected.
 */
import { runCommand } from "../command.ts";
import {
  association,
  controllers,
  deleteController,
  deletedSoFar,
  describe,
  type FabricPath,
  type HostIdentity,
  isOnPath,
  type LiveController,
  lookForSame,
  rawConnect,
  removedByPrograms,
} from "../initiator.ts";
import { formatSeconds, throughout, until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const byHand: Scenario = {
  name: "by-hand",
  title: "beside controllers connected by hand, before and after: none twice, none disconnected",
  seconds: 20,
  run,
};

const [host, otherHost] = hosts;

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric({ subsystems: 2 });
  const removedBefore = await removedByPrograms() - deletedSoFar();
  const [one, two, three] = fabric.paths(fabric.nqns.slice(0, 1));
  if (one === undefined || two === undefined || three === undefined) throw new Error("Precondition: paths");
  await nvmeConnect(one, ["--nr-io-queues=1", "--ctrl-loss-tmo=60", "--keep-alive-tmo=7"]);
  await rawConnect(two, host, `,host_traddr=${fabric.address(3)},queue_size=32,ctrl_loss_tmo=-1`);
  await rawConnect(three, otherHost);
  const before = await controllers();
  expect(before.length === 3, `Precondition: ${describe(before)}`);

  const agent = await lab.startAgent(fabric);
  const liveMs = await until("all paths live", 20_000, () => lookForOneEach(fabric.paths(), host));
  await expectSame(before, "what was there before the agent");
  const taken = (await agent.logTail(1_000)).flatMap((line) =>
    /Path live: was already connected .*device=(\S+)/.exec(line)?.[1] ?? []
  );
  const devices = [...new Set(taken)].sort().join();
  expect(devices === "nvme0,nvme1", `The agent took ${devices} for what it wanted`);

  // The kernel refuses a second one with the same words; told to, or from another address, it makes one.
  const all = await controllers();
  const refused = await rawConnect(three, host).then(() => false, () => true);
  expect(refused, "Precondition: the kernel connects a path twice");
  await rawConnect(three, host, ",duplicate_connect");
  await rawConnect(one, host, `,host_traddr=${fabric.address(2)}`);
  await rawConnect(two, otherHost);
  const byHand = (await controllers()).filter((now) => !all.some(({ name }) => name === now.name));
  expect(byHand.length === 3, `Precondition: ${describe(byHand)}`);
  const everything = await controllers();
  await throughout("nothing comes, nothing goes", 2_000, async () => {
    const count = (await controllers()).length;
    return count === everything.length ? await lookForSame(everything, association) : `${count} controllers`;
  });

  // The agent's own goes: the duplicate serves the path, so nothing is missing.
  const own = all.find((now) => isOnPath(now, three) && now.hostnqn === host.hostnqn);
  expect(own !== undefined, "Precondition: the path has no controller of the agent's");
  await deleteController(own?.name ?? "");
  const rest = everything.filter(({ name }) => name !== own?.name);
  await throughout("the path that has another controller is not connected", 2_000, async () => {
    const count = (await controllers()).length;
    return count === rest.length ? await lookForSame(rest, association) : describe(await controllers());
  });
  await Deno.remove(`${agent.clientConfigDir}/cluster`);
  await until("no endpoint is left", 5_000, () => agent.lookForStored([]));
  await agent.stop();
  await expectSame(rest, "what was there when the agent ended");
  const removed = await removedByPrograms() - deletedSoFar() - removedBefore;
  expect(removed === 0, `${removed} controllers were removed by somebody`);
  return `2 of 3 taken as they were, 4 more connected (all live after ${formatSeconds(liveMs)}), 3 by hand ` +
    "meanwhile; none twice, none gone";
}

/** Each path has one controller of this host, and it is live. */
async function lookForOneEach(
  paths: readonly FabricPath[],
  { hostnqn }: HostIdentity,
): Promise<string | null> {
  const all = await controllers();
  const mine = all.filter((one) => one.hostnqn === hostnqn);
  const right = paths.every((path) => mine.some((one) => one.state === "live" && isOnPath(one, path)));
  return right && mine.length === paths.length ? null : describe(all);
}

async function expectSame(wanted: readonly LiveController[], what: string): Promise<void> {
  const changed = await lookForSame(wanted, association);
  expect(changed === null, `The agent touched ${what}: ${changed}`);
}

async function nvmeConnect(path: FabricPath, options: readonly string[]): Promise<void> {
  await runCommand("nvme", [
    ...["connect", "-t", "tcp", "-a", path.traddr, "-s", String(path.trsvcid), "-n", path.nqn],
    ...["-q", host.hostnqn, "-I", host.hostid, ...options],
  ]);
}

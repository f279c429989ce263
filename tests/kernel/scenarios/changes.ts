/**
 * Five changes of the target, one after the other; the agent reacts to each. nvmet masks further events until the log
 * is read with RAE=0 on the same controller, so a reaction that forgets to clear shows at the next change.
 */
import { controllers, deleteController, isOnPath, kernelLog, lookForExactly } from "../initiator.ts";
import type { Fabric } from "../fabric.ts";
import { formatSeconds, pause, throughout, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const changes: Scenario = {
  name: "changes",
  title: "subsystems linked, unlinked, linked again: five changes, five reactions",
  seconds: 22,
  run,
};

/** Above the agent's pauses, below the kernel's own reconnect_delay and any periodic re-read. */
const reactionLimitMs = 4_000;

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric({ subsystems: 2 });
  const [first, second] = [await fabric.createSubsystem("sub3"), await fabric.createSubsystem("sub4")];
  const third = await fabric.createSubsystem("sub5");
  const linked = fabric.nqns.slice(0, 2);
  await lab.startAgent(fabric);
  // A node's paths come from its own log alone, so all live means that every session is up and has read.
  await until("6 controllers live", 20_000, () => lookForExactly(fabric.paths(linked)));

  const times: number[] = [];
  const linkAndWait = async (nqn: string) => {
    await fabric.linkEverywhere(nqn);
    linked.push(nqn);
    times.push(
      await until(`${nqn} live`, reactionLimitMs, () => lookForExactly(fabric.paths(linked))),
    );
  };
  await linkAndWait(first);
  await unlinkAndForget(fabric, first);
  linked.splice(linked.indexOf(first), 1);
  await linkAndWait(first);
  await linkAndWait(second);
  await linkAndWait(third);
  return `5 changes, new controllers live in ${times.map(formatSeconds).join(", ")}`;
}

/**
 * The kernel keeps its controllers of a lost subsystem for a while; the lab deletes them, so that only the agent could
 * bring them back. It must not even ask: the log names the paths no more.
 */
async function unlinkAndForget(fabric: Fabric, nqn: string): Promise<void> {
  await fabric.unlinkEverywhere(nqn);
  const gone = fabric.paths([nqn]);
  const left = async () => (await controllers()).filter((one) => gone.some((path) => isOnPath(one, path)));
  await until("the unlinked controllers lose their connection", 5_000, async () => {
    const live = (await left()).filter((one) => one.state === "live");
    return live.length === 0 ? null : `${live.length} still live`;
  });
  // Time for the log to be read; the state has no outside sign, the absence of attempts below is the proof.
  await pause(500);
  const refusalsBefore = await refusals(nqn);
  for (const one of await left()) await deleteController(one.name);
  await throughout("the agent leaves an unlinked subsystem alone", 1_000, async () => {
    const back = await left();
    return back.length === 0 ? null : `${back.length} controllers of ${nqn}`;
  });
  const asked = await refusals(nqn) - refusalsBefore;
  expect(asked === 0, `The kernel was asked ${asked} times for the unlinked ${nqn}`);
}

/** What the kernel logs for each connect to a subsystem that the port does not offer. */
async function refusals(nqn: string): Promise<number> {
  const lines = await kernelLog(0, 1_000);
  return lines.filter((line) => line.includes("Connect Invalid Data Parameter") && line.includes(nqn)).length;
}

/** Somebody else disconnects controllers: the paths are still named by the logs, so they come back. */
import {
  controllers,
  deleteController,
  describe,
  type FabricPath,
  identity,
  lookForExactly,
} from "../initiator.ts";
import { formatSeconds, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const deletedController: Scenario = {
  name: "deleted-controller",
  title: "controllers deleted behind the agent's back: live again",
  seconds: 14,
  run,
};

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric({ subsystems: 2 });
  await lab.startAgent(fabric);
  const paths = fabric.paths();
  await until("6 controllers live", 20_000, () => lookForExactly(paths));
  const oneMs = await deleteAndWait(1, paths);
  const allMs = await deleteAndWait(6, paths);
  return `one back in ${formatSeconds(oneMs)}, six in ${formatSeconds(allMs)}`;
}

async function deleteAndWait(count: number, paths: readonly FabricPath[]): Promise<number> {
  const victims = (await controllers()).slice(0, count);
  expect(victims.length === count, `Precondition: ${victims.length} controllers to delete`);
  // The write ends when the controller is gone; the agent may have a new one under its name a moment later.
  await Promise.all(victims.map((one) => deleteController(one.name)));
  const survivors = victims.map(identity);
  const old = (await controllers()).filter((one) => survivors.includes(identity(one)));
  expect(old.length === 0, `Precondition: ${describe(old)} were not deleted`);
  return await until(`${count} controllers back`, 8_000, () => lookForExactly(paths));
}

/** kill -9 and restart: no controller notices; the list comes from internal.json, or from changed files. */
import { entryLine } from "../agent_process.ts";
import { Fabric } from "../fabric.ts";
import { association, controllers, lookForAll, lookForExactly, lookForSame } from "../initiator.ts";
import { answers, discoveryPort, swallow, swallowNothing } from "../network.ts";
import { formatSeconds, throughout, until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const kill: Scenario = {
  name: "kill",
  title: "kill -9 and restart: controllers untouched, list from internal.json; changed files win",
  seconds: 45,
  run,
};

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric();
  const other = await Fabric.build({ cluster: 1, subsystems: 2 });
  const agent = await lab.startAgent(fabric);
  await until("12 controllers live", 20_000, () => lookForExactly(fabric.paths()));
  await until("three endpoints stored", 5_000, () => agent.lookForStored(fabric.endpoints()));
  const before = await controllers();
  const untouched = () => lookForSame(before, association);
  await agent.kill();

  // The one node of the file keeps silent on its discovery port: whoever finds the others remembers them.
  await swallow(fabric.address(1), discoveryPort);
  expect(!await answers(fabric.address(1), discoveryPort), "Precondition: the file's node answers");
  const added = await fabric.createSubsystem("sub5");
  await fabric.linkEverywhere(added);
  await throughout("controllers live without the agent", 500, untouched);
  agent.start();
  const resumedStartMs = await agent.ready();
  const resumedMs = await until(
    "the remembered nodes' new paths live",
    15_000,
    async () => await untouched() ?? await lookForAll(fabric.paths([added], [2, 3])),
  );
  expect(await agent.lookForStored(fabric.endpoints()) === null, "internal.json lost endpoints");
  await swallowNothing();
  await until(
    "the file's node is back as well",
    15_000,
    async () => await untouched() ?? await lookForExactly(fabric.paths()),
  );

  const all = await controllers();
  await agent.kill();
  // The directory now speaks of another cluster only: what internal.json remembers is out of date.
  await Deno.remove(`${agent.clientConfigDir}/cluster`);
  await agent.drop("other", entryLine(other.address(2), hosts[0], other.nqns[0] ?? ""));
  agent.start();
  const rebuiltStartMs = await agent.ready();
  const rebuiltMs = await until("the other cluster live", 15_000, () => lookForAll(other.paths()));
  await until("the list rebuilt from files", 3_000, () => agent.lookForStored(other.endpoints()));
  await throughout("the first cluster's controllers stay", 500, () => lookForSame(all, association));
  return `12 untouched; resumed from internal.json in ${
    format(resumedStartMs, resumedMs)
  }, rebuilt from changed files in ` +
    format(rebuiltStartMs, rebuiltMs);
}

function format(startMs: number, thenMs: number): string {
  return `${formatSeconds(startMs)} + ${formatSeconds(thenMs)}`;
}

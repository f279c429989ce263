/** Nothing configured, nothing remembered, but I/O controllers are live: endpoints are deduced from them. */
import { Fabric } from "../fabric.ts";
import {
  association,
  controllers,
  lookForAll,
  lookForExactly,
  lookForSame,
  rawConnect,
} from "../initiator.ts";
import { discoveryPort } from "../network.ts";
import { formatSeconds, until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const autoDetect: Scenario = {
  name: "auto-detect",
  title: "endpoints deduced from live controllers, written to a file, then the normal start",
  seconds: 18,
  run,
};

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric({ nqnStart: "nqn.2016-01.com.lightbitslabs:uuid:lab" });
  const foreign = await Fabric.build({ cluster: 1, subsystems: 1, nodes: [1] });
  const [host] = hosts;
  for (const path of fabric.paths([fabric.nqns[0] ?? ""], [1, 2])) await rawConnect(path, host);
  for (const path of foreign.paths()) await rawConnect(path, host);
  await until("the controllers to detect", 5_000, async () => {
    return await lookForExactly([...fabric.paths([fabric.nqns[0] ?? ""], [1, 2]), ...foreign.paths()]);
  });
  const before = await controllers();

  const agent = await lab.agent({ autoDetect: { enabled: true, filename: "detected-io-controllers" } });
  const file = `${agent.clientConfigDir}/detected-io-controllers`;
  agent.start();
  const readyMs = await agent.ready();
  const liveMs = await until("12 controllers live", 20_000, () => lookForAll(fabric.paths()));
  const text = await Deno.readTextFile(file);
  for (const node of [1, 2]) {
    const line = text.split("\n").find((one) => one.includes(`-a ${fabric.address(node)} `)) ?? "";
    for (
      const part of [
        "-t tcp",
        `-s ${discoveryPort}`,
        `-q ${host.hostnqn}`,
        `-I ${host.hostid}`,
        fabric.nqns[0],
      ]
    ) {
      expect(line.includes(part ?? ""), `The file has no ${part} for node ${node}: ${text}`);
    }
  }
  expect(!text.includes(foreign.address(1)), `The file names a foreign target: ${text}`);
  const changed = await lookForSame(before, association);
  expect(changed === null, `Live controllers were touched: ${changed}`);
  await until("three endpoints stored", 3_000, () => agent.lookForStored(fabric.endpoints()));
  return `two endpoints detected, 12 controllers live in ${formatSeconds(readyMs)} + ${
    formatSeconds(liveMs)
  }`;
}

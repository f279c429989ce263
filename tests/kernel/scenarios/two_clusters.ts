/** Two clusters and two host NQNs on one host; one of the clusters swallows packets from beginning to end. */
import { type AgentHome, entryLine } from "../agent_process.ts";
import { Fabric } from "../fabric.ts";
import { controllers, describe, type LiveController } from "../initiator.ts";
import { answers, discoveryPort, swallow } from "../network.ts";
import { formatSeconds, throughout, until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const twoClusters: Scenario = {
  name: "two-clusters",
  title: "two clusters, two host NQNs, one cluster dead throughout; then two more, without a host identifier",
  seconds: 26,
  run,
};

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric({ subsystems: 0 });
  const dead = await Fabric.build({ cluster: 1, subsystems: 1 });
  for (const node of dead.nodes) await swallow(dead.address(node));
  expect(!await answers(dead.address(1), discoveryPort), "Precondition: the dead cluster answers");
  for (const [index, host] of hosts.entries()) {
    for (const letter of ["a", "b"]) {
      await fabric.linkEverywhere(await fabric.createSubsystem(`host${index}${letter}`, [host.hostnqn]));
    }
  }
  const agent = await lab.agent();
  const deadLines = dead.nodes.map((node) => entryLine(dead.address(node), hosts[1], dead.nqns[0] ?? ""));
  await agent.drop("a-dead", deadLines.join(""));
  await agent.drop("b-first-host", entryLine(fabric.address(1), hosts[0], fabric.nqns[0] ?? ""));
  await agent.drop("c-second-host", entryLine(fabric.address(2), hosts[1], fabric.nqns[2] ?? ""));
  agent.start();
  const readyMs = await agent.ready();
  const liveMs = await until("6 controllers of each host live", 20_000, () => lookForHosts(fabric, 2));

  const added = await fabric.createSubsystem("host1c", [hosts[1].hostnqn]);
  await fabric.linkEverywhere(added);
  const addedMs = await until("the second host's new subsystem", 5_000, () => lookForHosts(fabric, 3));
  await throughout("nothing else comes", 1_000, () => lookForHosts(fabric, 3));
  // Each host keeps its own three sessions; the dead ones are remembered, not forgotten.
  const wanted = [...fabric.endpoints(), ...fabric.endpoints(), ...dead.endpoints()];
  await until("nine endpoints stored", 3_000, () => agent.lookForStored(wanted));
  const plainMs = await connectPlainHosts(fabric, agent);
  return `6 + 6 controllers live in ${formatSeconds(readyMs)} + ${formatSeconds(liveMs)}, 3 more in ${
    formatSeconds(addedMs)
  }, beside a dead cluster; two hosts without -I in ${formatSeconds(plainMs)}`;
}

const plainHosts = ["a", "b"].map((name) => `nqn.2024-01.io.example:plain-${name}`);

/** The machine has one identifier, and the kernel takes it for one host NQN alone. Answers how long both took. */
async function connectPlainHosts(fabric: Fabric, agent: AgentHome): Promise<number> {
  for (const [index, hostnqn] of plainHosts.entries()) {
    const nqn = await fabric.createSubsystem(`plain${index}`, [hostnqn]);
    await fabric.linkEverywhere(nqn);
    const line = entryLine(fabric.address(1), { hostnqn, hostid: "" }, nqn).replace(/ -I.*/, "");
    expect(!line.includes("-I"), `Precondition: no identifier in ${line}`);
    await agent.drop(`plain-${index}`, line);
  }
  const plainMs = await until("the controllers of both hosts", 20_000, () => lookForPlain(fabric));
  const before = await plainIds();
  await agent.stop();
  for (const { name } of await plainControllers()) {
    await Deno.writeTextFile(`/sys/class/nvme/${name}/delete_controller`, "1");
  }
  agent.start();
  await agent.ready();
  await until("them again after a restart", 30_000, () => lookForPlain(fabric));
  const after = await plainIds();
  expect(before.join() === after.join(), `Identifiers changed from ${before} to ${after}`);
  return plainMs;
}

async function plainControllers(): Promise<LiveController[]> {
  return (await controllers()).filter(({ hostnqn }) => plainHosts.includes(hostnqn));
}

/** `NQN identifier`, one each. */
async function plainIds(): Promise<string[]> {
  const all = await plainControllers();
  return [...new Set(all.map(({ hostnqn, hostid }) => `${hostnqn} ${hostid}`))].sort();
}

async function lookForPlain(fabric: Fabric): Promise<string | null> {
  const all = await plainControllers();
  const live = all.filter(({ state }) => state === "live");
  const right = live.length === 2 * fabric.nodes.length && all.length === live.length;
  const ids = new Set(all.map(({ hostid }) => hostid));
  return right && ids.size === 2 && (await plainIds()).length === 2 ? null : describe(all);
}

/** Null when the first host has 2 subsystems and the second `second`, each on all nodes, under its own identity. */
async function lookForHosts(fabric: Fabric, second: number): Promise<string | null> {
  const all = await controllers();
  for (const [index, host] of hosts.entries()) {
    const mine = all.filter((one) => one.nqn.includes(`:host${index}`));
    const right = mine.filter((one) =>
      one.state === "live" && one.hostnqn === host.hostnqn && one.hostid === host.hostid
    );
    const wanted = (index === 0 ? 2 : second) * fabric.nodes.length;
    if (mine.length !== wanted || right.length !== wanted) {
      return `host ${index} has ${right.length} of ${wanted}, ${mine.length} in all; ${describe(all)}`;
    }
  }
  return all.length === (2 + second) * fabric.nodes.length ? null : describe(all);
}

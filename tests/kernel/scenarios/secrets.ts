/**
 * Controllers that authenticate (DH-HMAC-CHAP): a wrong secret is told by name and set right while the agent runs, in
 * the settings and in an entry file; target and host change theirs while a path lives. A kernel that cannot
 * authenticate, though it takes secrets, is never asked with one.
 */
import { type AgentHome, entryLine } from "../agent_process.ts";
import { makeDhchapSecret } from "../dhchap_secret.ts";
import type { Fabric } from "../fabric.ts";
import {
  controllerAttribute,
  controllers,
  deleteAllControllers,
  describe,
  identity,
  kernelClock,
  kernelLog,
  kernelOptions,
  kernelVersion,
  lookForExactly,
  lookForSame,
  rawConnect,
  setAdminTimeout,
} from "../initiator.ts";
import { discoveryPort } from "../network.ts";
import { authenticatesHosts, setHostSecrets } from "../nvmet.ts";
import { formatSeconds, throughout, until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const secrets: Scenario = {
  name: "secrets",
  title:
    "DH-CHAP: wrong secrets told and set right at run time, changed on both sides; 6.1 cannot, and waits",
  seconds: 35,
  limitMs: 150_000,
  run,
};

const wrong = makeDhchapSecret(1);
const first = { host: makeDhchapSecret(2), controller: makeDhchapSecret(3) };
const second = { host: makeDhchapSecret(4), controller: makeDhchapSecret(5) };
const [host, otherHost] = hosts;
/** Above the pauses between attempts by then. */
const liveLimitMs = 15_000;

async function run(lab: Lab): Promise<string> {
  const both = hosts.map(({ hostnqn }) => hostnqn);
  const fabric = await lab.fabric({ nodes: [1], subsystems: 0, hosts: both });
  for (const [index, hostnqn] of both.entries()) {
    await fabric.linkEverywhere(await fabric.createSubsystem(`sub${index + 1}`, [hostnqn]));
  }
  expect((await kernelOptions()).has("dhchap_secret"), "Precondition: the kernel has no option for secrets");
  const can = await authenticatesHosts(host.hostnqn);
  expect(can === (await kernelVersion() !== "6.1"), `Precondition: the target can authenticate: ${can}`);
  return can ? await authenticate(lab, fabric) : await wait(lab, fabric);
}

/** The path of the one host or the other. */
function pathOf(fabric: Fabric, index: number) {
  return fabric.paths([fabric.nqns[index] ?? ""]);
}

async function authenticate(lab: Lab, fabric: Fabric): Promise<string> {
  // A target that refuses may drop the connection ahead of its answer, and the kernel waits for it a minute otherwise.
  lab.cleanups.push(["Cannot restore the timeout", await setAdminTimeout(4)]);
  for (const { hostnqn } of hosts) await setHostSecrets(hostnqn, first.host, first.controller);
  await expectRefusal(() => rawConnect(pathOf(fabric, 0)[0]!, host));
  await expectRefusal(() => rawConnect(pathOf(fabric, 0)[0]!, host, `,dhchap_secret=${wrong}`));
  const nqn = fabric.nqns[0] ?? "";
  const file = `${lab.dir}/secret`;
  await Deno.writeTextFile(file, `${wrong}\n`, { mode: 0o600 });
  const agent = await lab.agent({ extra: `dhChapSecretFile: ${file}\n` });
  await agent.drop("cluster", entryLine(fabric.address(1), host, nqn));
  agent.start();
  await agent.ready();
  await expectTold(agent, nqn);

  const times: number[] = [];
  const live = async (index: number[]) => {
    const paths = index.flatMap((one) => pathOf(fabric, one));
    times.push(await until(`paths of hosts ${index}`, liveLimitMs, () => lookForExactly(paths)));
  };
  const sinceSeconds = await kernelClock();
  await agent.changeSettings({ extra: clusterSecrets(nqn, first) });
  await live([0]);
  await expectSecrets(nqn, first);
  const said = (await kernelLog(sinceSeconds, 1_000)).join("\n");
  expect(/qid 0: authenticated/.test(said), `The kernel authenticated nothing: ${said}`);

  const backMs = await changeBothSides(fabric, agent, nqn);
  // An entry's own secrets come before those of the settings; the controller's is wrong at first.
  const otherNqn = fabric.nqns[1] ?? "";
  const entry = (controller: string) =>
    entryLine(fabric.address(1), otherHost, otherNqn, discoveryPort, `-S ${first.host} -C ${controller}`);
  await agent.drop("other", entry(wrong));
  await expectTold(agent, otherNqn);
  await agent.drop("other", entry(first.controller));
  await live([0, 1]);
  await expectSecrets(otherNqn, first);
  expect(!await agent.logContains("DHHC-1"), "The log holds a secret");
  expect(!(await agent.status()).includes("DHHC-1"), "The status holds a secret");
  return `wrong secrets of settings and entry told, live ${times.map(formatSeconds).join(", ")} after the ` +
    `right ones; changed on both sides, the kernel's reconnect has them, live after ${formatSeconds(backMs)}`;
}

/**
 * The target has other secrets than the controller was connected with, and drops its connection: the controller itself
 * comes back with the new ones. Answers how long it took.
 */
async function changeBothSides(fabric: Fabric, agent: AgentHome, nqn: string): Promise<number> {
  const before = await controllers();
  expect(before.length === 1, `Precondition: ${describe(before)}`);
  await setHostSecrets(host.hostnqn, second.host, second.controller);
  await agent.changeSettings({ extra: clusterSecrets(nqn, second) });
  await until("the running agent has the new secrets", 5_000, async () => {
    return await agent.logContains("Settings changed") ? null : "no word of it in the log";
  });
  const back = await fabric.vanish(1);
  await until("the connection is lost", 5_000, async () => {
    const [one] = await controllers();
    return one?.state === "live" ? "still live" : null;
  });
  await back();
  const backMs = await until("live with the new secrets", 40_000, () => lookForExactly(pathOf(fabric, 0)));
  await expectSecrets(nqn, second);
  const other = await lookForSame(before, identity);
  expect(other === null, `It is not the kernel's reconnect that brought it back: ${other}`);
  return backMs;
}

async function expectRefusal(connect: () => Promise<unknown>): Promise<void> {
  const refused = await connect().then(() => false, () => true);
  expect(refused && (await controllers()).length === 0, "Precondition: the target takes anybody");
}

/** Log and status name the path and the trouble, and there is no controller. */
async function expectTold(agent: AgentHome, nqn: string): Promise<void> {
  await until(`word of ${nqn}`, 10_000, async () => {
    const lines = (await agent.logTail(1_000)).filter((line) => line.includes(nqn));
    return lines.some((line) => /not live: .*(authentication|DH-CHAP)/.test(line))
      ? null
      : lines.join(" | ") || "nothing";
  });
  const status = await agent.status();
  expect(/authentication|DH-CHAP/.test(status) && status.includes(nqn), `The status has ${status}`);
  expect(!(await controllers()).some((one) => one.nqn === nqn), `${nqn} has a controller`);
}

async function expectSecrets(nqn: string, wanted: typeof first): Promise<void> {
  const one = (await controllers()).find((controller) => controller.nqn === nqn);
  const found = [
    await controllerAttribute(one?.name ?? "", "dhchap_secret"),
    await controllerAttribute(one?.name ?? "", "dhchap_ctrl_secret"),
  ];
  expect(
    found.join() === [wanted.host, wanted.controller].join(),
    `${one?.name} has the secrets ${found.join(" and ")}`,
  );
}

function clusterSecrets(nqn: string, { host: ours, controller }: typeof first): string {
  return `clusterSecrets:
  "${nqn}":
    "${host.hostnqn}":
      dhChapSecret: "${ours}"
      dhChapCtrlSecret: "${controller}"
`;
}

/** Debian 12's kernel takes a secret, ignores it, and would connect. */
async function wait(lab: Lab, fabric: Fabric): Promise<string> {
  const [path] = pathOf(fabric, 0);
  if (path === undefined) throw new Error("Precondition: there is no path");
  await rawConnect(path, host, `,dhchap_secret=${wrong}`);
  await deleteAllControllers();
  const agent = await lab.agent();
  const line = (index: 0 | 1, more: string) =>
    entryLine(fabric.address(1), hosts[index], fabric.nqns[index] ?? "", discoveryPort, more);
  await agent.drop("secured", line(0, `-S ${first.host}`));
  await agent.drop("unsecured", line(1, ""));
  agent.start();
  await agent.ready();
  await until("the other host's path", liveLimitMs, () => lookForExactly(pathOf(fabric, 1)));
  await expectTold(agent, path.nqn);
  await throughout("no connect without a secret", 3_000, () => lookForExactly(pathOf(fabric, 1)));
  expect(!await agent.logContains("DHHC-1"), "The log holds a secret");
  return "this kernel would connect without authentication: the path waits and says why, another is live";
}

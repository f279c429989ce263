/**
 * Faults as they come at night, and what `status` and `doctor` say of each: the cause has to be in the words of both,
 * and may not be there before. Each row goes into the report as `fault | status | doctor`.
 */
import { type AgentHome, entryLine, runAgent } from "../agent_process.ts";
import type { Fabric } from "../fabric.ts";
import {
  controllers,
  deleteAllControllers,
  deleteController,
  lookForAll,
  rawConnect,
  unloadInitiator,
} from "../initiator.ts";
import { discoveryPort, swallow, swallowNothing } from "../network.ts";
import { denyHost } from "../nvmet.ts";
import { until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const diagnosis: Scenario = {
  name: "diagnosis",
  title:
    "status and doctor name the cause: dead and silent nodes, access lists, identities, ports, module, agent",
  seconds: 100,
  limitMs: 400_000,
  run,
};

/** A fault that stands, and the words that have to be said of it. */
interface Fault {
  readonly name: string;
  readonly status: RegExp;
  readonly doctor: RegExp;
}

const [host, otherHost] = hosts;

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric({ subsystems: 2, hosts: hosts.map(({ hostnqn }) => hostnqn) });
  const agent = await lab.startAgent(fabric);
  await until("all paths live", 30_000, () => lookForAll(fabric.paths()));
  const faults = faultsOf(fabric);
  await expectUntold(agent, Object.values(faults));
  const told = new Diagnoses(lab, agent);
  await told.expectTold(faults.deadNode, await fabric.vanish(2));
  await swallow(fabric.address(3));
  await told.expectTold(faults.silentNode, swallowNothing);
  await until("all paths live again", 60_000, () => lookForAll(fabric.paths()));
  await accessLists(told, faults, fabric);
  await wrongPorts(told, faults, agent, fabric);
  agent.signal("SIGSTOP");
  await told.expectTold(faults.stoppedAgent, () => Promise.resolve(agent.signal("SIGCONT")));
  await agent.stop();
  await told.expectTold(faults.noAgent);
  await otherIdentity(told, faults, agent, fabric);
  await missingModule(told, faults, agent);
  return `${told.count} faults, each named by both`;
}

type Faults = ReturnType<typeof faultsOf>;

function faultsOf(fabric: Fabric) {
  const [, dead, silent] = fabric.endpoints().map((endpoint) => endpoint.replaceAll(".", "\\."));
  const noAnswer = "(no answer|No answer|ETIMEDOUT)";
  return {
    deadNode: {
      name: "a node that is down",
      status: new RegExp(`${dead} +failed .*ECONNREFUSED`),
      doctor: new RegExp(`${dead} +failure .*ECONNREFUSED`),
    },
    silentNode: {
      name: "a node that swallows everything",
      status: new RegExp(`${silent} +failed .*${noAnswer}`),
      doctor: new RegExp(`${silent} +failure .*${noAnswer}`),
    },
    denied: {
      name: "a subsystem that lets the host in no more",
      status: /Connect Invalid Host: the subsystem does not allow this host NQN/,
      // No log can be read then: it repeats the agent's word.
      doctor: /sub2 at \S+ +failure .*the agent says: .*Connect Invalid Host/,
    },
    hidden: {
      name: "no subsystem that the host may see",
      status: /Its logs name no path for this host NQN/,
      doctor: /:8009 +warning +It names no path for nqn/,
    },
    closedPort: {
      name: "a port where nobody listens",
      status: /:8010 +failed .*ECONNREFUSED/,
      doctor: /:8010 +failure .*ECONNREFUSED/,
    },
    foreignPort: {
      name: "a port that is something else (HTTP)",
      status: /127\.0\.0\.1:6060 +failed /,
      doctor: /127\.0\.0\.1:6060 +failure .*failed at ICResp/,
    },
    stoppedAgent: {
      name: "an agent that is stopped (SIGSTOP)",
      status: /No answer on .* within/,
      doctor: /this host's agent +failure +It is there and does not answer/,
    },
    noAgent: {
      name: "no agent",
      status: /The agent is not running/,
      doctor: /this host's agent +failure +It does not run/,
    },
    otherIdentity: {
      name: "a host identifier that another host NQN has",
      status: /host ID .* belongs to host NQN/,
      doctor: /identities in use +failure +The kernel will refuse .*EINVAL/,
    },
    noModule: {
      name: "a module that is not loaded",
      status: /The kernel connects nothing: .*nvme/,
      doctor: /modules +failure +No path can be connected: the module nvme_tcp is not loaded/,
    },
  } satisfies Record<string, Fault>;
}

/** While all is well, neither may say any of it; and doctor finds nothing to fail. */
async function expectUntold(agent: AgentHome, faults: readonly Fault[]): Promise<void> {
  const said = await runAgent(["status"], true);
  const found = await doctor(agent);
  expect(
    said.code === 0 && found.code === 0,
    `Precondition: all is well: ${outputOf(said)}${outputOf(found)}`,
  );
  for (const { name, status, doctor: words } of faults) {
    expect(
      !status.test(outputOf(said)),
      `Precondition: status tells ${name} before it is there: ${said.stdout}`,
    );
    expect(
      !words.test(found.stdout),
      `Precondition: doctor tells ${name} before it is there: ${found.stdout}`,
    );
  }
}

class Diagnoses {
  readonly #lab: Lab;
  readonly #agent: AgentHome;
  count = 0;

  constructor(lab: Lab, agent: AgentHome) {
    this.#lab = lab;
    this.#agent = agent;
  }

  /** Both name it; then `restore` undoes it. */
  async expectTold(
    { name, status, doctor: words }: Fault,
    restore: () => Promise<unknown> = () => Promise.resolve(),
    limitMs = 60_000,
  ): Promise<void> {
    let said = "";
    await until(`status tells ${name}`, limitMs, async () => {
      said = outputOf(await runAgent(["status"], true));
      return status.test(said) ? null : said;
    });
    const found = await doctor(this.#agent);
    expect(words.test(found.stdout), `doctor does not tell ${name}:\n${found.stdout}`);
    this.count++;
    await restore();
    await this.#lab.note(`${name} | ${lineOf(said, status)} | ${lineOf(found.stdout, words)}`);
  }
}

function outputOf({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string {
  return `${stdout}${stderr}`;
}

function lineOf(text: string, words: RegExp): string {
  const line = text.split("\n").find((each) => words.test(each)) ?? words.exec(text)?.[0].split("\n")[0] ??
    "";
  return line.trim().replace(/ {2,}/g, "  ");
}

function doctor(agent: AgentHome) {
  return runAgent(["doctor", "--config", agent.settingsFile], true);
}

async function accessLists(told: Diagnoses, faults: Faults, fabric: Fabric): Promise<void> {
  const [first, second] = fabric.nqns as [string, string];
  // The last log still names the subsystem, since nobody can be told otherwise.
  for (const node of fabric.nodes) await swallow(fabric.address(node), discoveryPort);
  await denyHost(second, host.hostnqn);
  for (const { name, nqn } of await controllers()) if (nqn === second) await deleteController(name);
  await told.expectTold(faults.denied, swallowNothing);
  await denyHost(first, host.hostnqn);
  await told.expectTold(faults.hidden);
}

async function wrongPorts(told: Diagnoses, faults: Faults, agent: AgentHome, fabric: Fabric): Promise<void> {
  const nqn = "nqn.2024-01.org.example:elsewhere";
  const lines = [entryLine(fabric.address(1), host, nqn, 8010), entryLine("127.0.0.1", host, nqn, 6060)];
  await agent.drop("wrong", lines.join(""));
  await told.expectTold(faults.closedPort);
  await told.expectTold(faults.foreignPort);
  await Deno.remove(`${agent.clientConfigDir}/wrong`);
}

/** Somebody has connected with this host's identifier and another host NQN. */
async function otherIdentity(
  told: Diagnoses,
  faults: Faults,
  agent: AgentHome,
  fabric: Fabric,
): Promise<void> {
  await deleteAllControllers();
  const nqn = await fabric.createSubsystem("late", hosts.map(({ hostnqn }) => hostnqn));
  await fabric.linkEverywhere(nqn);
  await rawConnect(fabric.paths([nqn])[0]!, { hostnqn: otherHost.hostnqn, hostid: host.hostid });
  expect((await controllers()).length === 1, "Precondition: the other identity is connected");
  agent.start();
  await agent.ready();
  await told.expectTold(faults.otherIdentity);
  await agent.stop();
  await deleteAllControllers();
}

async function missingModule(told: Diagnoses, faults: Faults, agent: AgentHome): Promise<void> {
  const load = await unloadInitiator();
  try {
    agent.start();
    await agent.ready();
    await told.expectTold(faults.noModule);
  } finally {
    await load();
  }
}

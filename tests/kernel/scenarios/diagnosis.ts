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
  const both = hosts.map(({ hostnqn }) => hostnqn);
  const fabric = await lab.fabric({ subsystems: 2, hosts: both });
  const agent = await lab.startAgent(fabric);
  await until("all paths live", 30_000, () => lookForAll(fabric.paths()));
  const well = await doctor(agent);
  expect(well.code === 0, `Precondition: doctor finds a failure where all is well:\n${well.stdout}`);

  const told = new Diagnoses(lab, agent);
  await deadNode(told, fabric);
  await silentNode(told, fabric);
  await accessList(told, fabric);
  await withdrawn(told, lab, agent, fabric);
  await wrongPorts(told, agent, fabric);
  await stopped(told, agent);
  await otherIdentity(told, lab, agent, fabric);
  await missingModule(told, agent);
  return `${told.count} faults, each named by both`;
}

class Diagnoses {
  readonly #lab: Lab;
  readonly #agent: AgentHome;
  count = 0;

  constructor(lab: Lab, agent: AgentHome) {
    this.#lab = lab;
    this.#agent = agent;
  }

  /** Neither may say it before the fault. */
  async expectUntold({ name, status, doctor: words }: Fault): Promise<void> {
    const [before, found] = [await runAgent(["status"], true), await doctor(this.#agent)];
    expect(
      !status.test(outputOf(before)),
      `Precondition: status tells ${name} before it is there: ${outputOf(before)}`,
    );
    expect(
      !words.test(found.stdout),
      `Precondition: doctor tells ${name} before it is there: ${found.stdout}`,
    );
  }

  async expectTold({ name, status, doctor: words }: Fault, limitMs = 40_000): Promise<void> {
    let said = "";
    await until(`status tells ${name}`, limitMs, async () => {
      said = outputOf(await runAgent(["status"], true));
      return status.test(said) ? null : said;
    });
    const found = await doctor(this.#agent);
    expect(words.test(found.stdout), `doctor does not tell ${name}:\n${found.stdout}`);
    this.count++;
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

async function deadNode(told: Diagnoses, fabric: Fabric): Promise<void> {
  const address = fabric.address(2).replaceAll(".", "\\.");
  const fault = {
    name: "a node that is down",
    status: new RegExp(`${address}:8009 +failed .*ECONNREFUSED`),
    doctor: new RegExp(`${address}:8009 +failure .*ECONNREFUSED`),
  };
  await told.expectUntold(fault);
  const restore = await fabric.vanish(2);
  await told.expectTold(fault);
  await restore();
  await until("all paths live again", 40_000, () => lookForAll(fabric.paths()));
}

async function silentNode(told: Diagnoses, fabric: Fabric): Promise<void> {
  const address = fabric.address(3).replaceAll(".", "\\.");
  const fault = {
    name: "a node that swallows everything",
    status: new RegExp(`${address}:8009 +failed .*(no answer|ETIMEDOUT|No answer)`),
    doctor: new RegExp(`${address}:8009 +failure .*(no answer|ETIMEDOUT|No answer)`),
  };
  await told.expectUntold(fault);
  await swallow(fabric.address(3));
  await told.expectTold(fault, 60_000);
  await swallowNothing();
  await until("all paths live again", 60_000, () => lookForAll(fabric.paths()));
}

/** The log still names the subsystem, since nobody can be told otherwise, and the target lets the host in no more. */
async function accessList(told: Diagnoses, fabric: Fabric): Promise<void> {
  const nqn = fabric.nqns[1]!;
  const fault = {
    name: "a subsystem that lets the host in no more",
    status: /Connect Invalid Host: the subsystem does not allow this host NQN/,
    // No log can be read then: it repeats the agent's word.
    doctor: /sub2 at \S+ +failure .*the agent says: .*Connect Invalid Host/,
  };
  await told.expectUntold(fault);
  for (const node of fabric.nodes) await swallow(fabric.address(node), discoveryPort);
  await denyHost(nqn, host.hostnqn);
  for (const { name, nqn: connected } of await controllers()) {
    if (connected === nqn) await deleteController(name);
  }
  await told.expectTold(fault);
  await swallowNothing();
}

/** No log names a path for this host any more. */
async function withdrawn(told: Diagnoses, lab: Lab, agent: AgentHome, fabric: Fabric): Promise<void> {
  const fault = {
    name: "no subsystem that the host may see",
    status: /Its logs name no path for this host NQN/,
    doctor: /:8009 +warning +It names no path for nqn/,
  };
  await told.expectUntold(fault);
  await denyHost(fabric.nqns[0]!, host.hostnqn);
  await told.expectTold(fault);
  await lab.note(`doctor then ends with status ${(await doctor(agent)).code}`);
}

async function wrongPorts(told: Diagnoses, agent: AgentHome, fabric: Fabric): Promise<void> {
  const closed = {
    name: "a port where nobody listens",
    status: /:8010 +failed .*ECONNREFUSED/,
    doctor: /:8010 +failure .*ECONNREFUSED[\s\S]*is the port right/,
  };
  const foreign = {
    name: "a port that is something else (HTTP)",
    status: /127\.0\.0\.1:6060 +failed /,
    doctor:
      /127\.0\.0\.1:6060 +failure .*failed at ICResp[\s\S]*(does not speak NVMe\/TCP|no NVMe\/TCP at all)/,
  };
  for (const fault of [closed, foreign]) await told.expectUntold(fault);
  const nqn = "nqn.2024-01.org.example:elsewhere";
  await agent.drop(
    "wrong",
    entryLine(fabric.address(1), host, nqn, 8010) + entryLine("127.0.0.1", host, nqn, 6060),
  );
  for (const fault of [closed, foreign]) await told.expectTold(fault);
  await Deno.remove(`${agent.clientConfigDir}/wrong`);
}

async function stopped(told: Diagnoses, agent: AgentHome): Promise<void> {
  const stuck = {
    name: "an agent that is stopped (SIGSTOP)",
    status: /No answer on .* within/,
    doctor: /discovery-client +failure +It is there and does not answer/,
  };
  await told.expectUntold(stuck);
  agent.signal("SIGSTOP");
  await told.expectTold(stuck);
  agent.signal("SIGCONT");
  const absent = {
    name: "no agent",
    status: /The agent is not running/,
    doctor: /discovery-client +failure +It does not run/,
  };
  await told.expectUntold(absent);
  await agent.stop();
  await told.expectTold(absent);
}

/** Somebody has connected with this host's identifier and another host NQN. */
async function otherIdentity(told: Diagnoses, lab: Lab, agent: AgentHome, fabric: Fabric): Promise<void> {
  await deleteAllControllers();
  const nqn = await fabric.createSubsystem("late", hosts.map(({ hostnqn }) => hostnqn));
  await fabric.linkEverywhere(nqn);
  await rawConnect(fabric.paths([nqn])[0]!, { hostnqn: otherHost.hostnqn, hostid: host.hostid });
  expect((await controllers()).length === 1, "Precondition: the other identity is connected");
  agent.start();
  await agent.ready();
  const fault = {
    name: "a host identifier that another host NQN has",
    status: /host ID .* belongs to host NQN/,
    doctor: /identities in use +failure +The kernel will refuse .*EINVAL/,
  };
  await told.expectTold(fault);
  await agent.stop();
  await lab.note("(told while both were connected)");
  await deleteAllControllers();
}

async function missingModule(told: Diagnoses, agent: AgentHome): Promise<void> {
  const fault = {
    name: "a module that is not loaded",
    status: /The kernel connects nothing: .*nvme/,
    doctor: /modules +failure +No path can be connected: the module nvme_tcp is not loaded/,
  };
  agent.start();
  await agent.ready();
  await until("controllers", 20_000, async () => (await controllers()).length > 0 ? null : "none");
  await told.expectUntold(fault);
  await agent.stop();
  await deleteAllControllers();
  const load = await unloadInitiator();
  try {
    agent.start();
    await agent.ready();
    await told.expectTold(fault);
  } finally {
    await load();
  }
}

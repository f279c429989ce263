/** What a scenario is, and what it is given. */
import { agentExists, AgentHome, type AgentSettings, entryLine } from "./agent_process.ts";
import { Fabric, type FabricOptions } from "./fabric.ts";
import { controllers, describe, type HostIdentity } from "./initiator.ts";
import { sendReport } from "./report.ts";

export interface Scenario {
  /** As given on the command line. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  /** Usual length, to share scenarios among machines. */
  readonly seconds: number;
  /** Answers the text of the row; throws when something does not hold. */
  run(lab: Lab): Promise<string>;
}

/** The identities of the guest; the kernel binds an NQN to its identifier for as long as a controller lives. */
export const hosts: readonly [HostIdentity, HostIdentity] = [
  {
    hostnqn: "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-555555555501",
    hostid: "11111111-2222-4333-8444-555555555501",
  },
  {
    hostnqn: "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-555555555502",
    hostid: "11111111-2222-4333-8444-555555555502",
  },
];

/** One scenario's surroundings: fresh directories, an empty target, no controller. */
export class Lab {
  readonly dir: string;
  readonly homes: AgentHome[] = [];

  constructor(dir: string) {
    this.dir = dir;
  }

  async fabric(options: FabricOptions = {}): Promise<Fabric> {
    const all = await controllers();
    if (all.length > 0) throw new Error(`Precondition: the guest has ${describe(all)}`);
    return await Fabric.build(options);
  }

  async agent(settings: AgentSettings = {}): Promise<AgentHome> {
    if (!await agentExists()) throw new Error("Precondition: the guest has no agent to run");
    const home = await AgentHome.create(`${this.dir}/agent${this.homes.length + 1}`, settings);
    this.homes.push(home);
    return home;
  }

  /** A running agent, its first pass done, with one file that names one node. */
  async startAgent(fabric: Fabric, node = 1, settings: AgentSettings = {}): Promise<AgentHome> {
    const home = await this.agent(settings);
    await home.drop("cluster", entryLine(fabric.address(node), hosts[0], fabric.nqns[0] ?? ""));
    home.start();
    await home.ready();
    return home;
  }

  async note(text: string): Promise<void> {
    await sendReport({ type: "note", text });
  }
}

/** Checks something that has to hold at once. */
export function expect(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

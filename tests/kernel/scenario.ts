/** What a scenario is, and what it is given. */
import type { FaultRow } from "../faults/fault_row.ts";
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
  /** The same with `--full`, where it differs. */
  readonly fullSeconds?: number;
  /** A fault scenario that every build runs; the others run with `--full` or by name. */
  readonly ci?: boolean;
  /** After so long it counts as hung, ms; a minute and a half when left out. */
  readonly limitMs?: number;
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
  /** The numbers asked for in earnest, in place of those that are quick. */
  readonly full: boolean;
  readonly homes: AgentHome[] = [];
  /** What else to undo when the scenario ends, with what it is called when that fails. */
  readonly cleanups: [string, () => Promise<unknown>][] = [];

  constructor(dir: string, full = false) {
    this.dir = dir;
    this.full = full;
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

  /** Leaves a row for the fault table. */
  async faultRow(row: Omit<FaultRow, "where">): Promise<void> {
    await sendReport({ type: "fault", row: { ...row, where: "kernel lab" } });
  }

  async note(text: string): Promise<void> {
    await sendReport({ type: "note", text });
  }
}

/** Checks something that has to hold at once. */
export function expect(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/**
 * What fault scenarios share: a cluster without disks, one agent, faults that strike several times. After each strike
 * it waits until all is well, makes a change that has to be noticed, and in the end leaves a row for the table.
 */
import { type AgentHome, type AgentSettings, entryLine } from "./agent_process.ts";
import type { Fabric } from "./fabric.ts";
import {
  controllers,
  deleteController,
  deletedSoFar,
  identity,
  isOnPath,
  lookForEachOnce,
  lookForExactly,
  missingPaths,
  removedByPrograms,
} from "./initiator.ts";
import { discoveryPort, establishedTo } from "./network.ts";
import { formatSeconds, until } from "./poll.ts";
import { expect, hosts, type Lab } from "./scenario.ts";

export interface RepeatedFault {
  /** As the table names it. */
  readonly fault: string;
  readonly times: number;
  /** Strikes inside one call of `strike`; 1 when left out. */
  readonly strikesEach?: number;
  /** From the end of the fault until all is well, ms. */
  readonly limitMs: number;
  readonly checked: string;
  /** Breaks something, asserts that it is broken, and holds it so for as long as it likes. */
  readonly strike: (time: number) => Promise<void>;
  readonly end: (time: number) => Promise<void>;
}

export interface FaultRunOptions {
  readonly subsystems?: number;
  readonly settings?: AgentSettings;
}

/** Well above what a loaded machine under emulation needs. */
const startLimitMs = 60_000;
const changeLimitMs = 30_000;
/** Controllers without a connection are deleted by the lab; under loss their end takes its time. */
const forgetLimitMs = 120_000;

export class FaultRun {
  readonly lab: Lab;
  readonly agent: AgentHome;
  fabric: Fabric;
  /** Subsystems that are linked everywhere. */
  linked: string[];
  readonly #removedBefore: number;
  readonly #summaries: string[] = [];
  #names = 0;

  private constructor(lab: Lab, fabric: Fabric, agent: AgentHome, removedBefore: number) {
    this.lab = lab;
    this.fabric = fabric;
    this.agent = agent;
    this.linked = [...fabric.nqns];
    this.#removedBefore = removedBefore;
  }

  /** Answers when all paths are live and the list is saved. */
  static async start(lab: Lab, options: FaultRunOptions = {}): Promise<FaultRun> {
    const fabric = await lab.fabric({ subsystems: options.subsystems ?? 2, disks: false });
    const removedBefore = await removedByPrograms() - deletedSoFar();
    const agent = await lab.agent({ kato: 4, ...options.settings });
    const lines = fabric.nodes.map((node) => entryLine(fabric.address(node), hosts[0], fabric.nqns[0] ?? ""));
    // One node of the file; the others are found by referral.
    await agent.drop("cluster", lines[0] ?? "");
    agent.start();
    await agent.ready();
    const run = new FaultRun(lab, fabric, agent, removedBefore);
    await until("all is well before any fault", startLimitMs, () => run.lookForWell());
    return run;
  }

  /** The row's text of the scenario. */
  get summary(): string {
    return this.#summaries.join("; ");
  }

  addSummary(text: string): void {
    this.#summaries.push(text);
  }

  /** Null when each linked path is live, each node has one session, and the list names the nodes. */
  async lookForWell(): Promise<string | null> {
    return await this.lookForPaths() ?? await this.lookForSessions() ??
      await this.agent.lookForStored(this.fabric.endpoints());
  }

  /** Null when each linked path has one live controller and there is no other. */
  async lookForPaths(): Promise<string | null> {
    return await lookForExactly(this.fabric.paths(this.linked));
  }

  async lookForSessions(nodes = this.fabric.nodes): Promise<string | null> {
    const sessions = await establishedTo(discoveryPort);
    const wrong = nodes.filter((node) => sessions.get(this.fabric.address(node))?.size !== 1);
    return wrong.length === 0
      ? null
      : `sessions to ${
        [...sessions].map(([address, inodes]) => `${address}: ${[...inodes].join(" ")}`).join(", ") ||
        "nobody"
      }`;
  }

  async lookForNoSession(): Promise<string | null> {
    const sessions = await establishedTo(discoveryPort);
    return sessions.size === 0 ? null : `sessions to ${[...sessions.keys()].join(", ")}`;
  }

  /** A new subsystem on all nodes, not waited for; from now on "well" means it too. */
  async add(): Promise<string> {
    const nqn = await this.fabric.createSubsystem(`change${++this.#names}`);
    await this.fabric.linkEverywhere(nqn);
    this.linked.push(nqn);
    return nqn;
  }

  /** Takes a subsystem off the cluster; what the kernel keeps of it is deleted by the lab. */
  async drop(nqn: string): Promise<void> {
    this.linked.splice(this.linked.indexOf(nqn), 1);
    await this.fabric.unlinkEverywhere(nqn);
    await this.fabric.removeSubsystem(nqn);
    await this.forgetUnlinked();
  }

  /** Deletes the controllers of paths that no node offers any more, once they have lost their connection. */
  async forgetUnlinked(): Promise<void> {
    const wanted = this.fabric.paths(this.linked);
    await until("controllers of dropped subsystems are gone", forgetLimitMs, async () => {
      const left = (await controllers()).filter((one) => !wanted.some((path) => isOnPath(one, path)));
      for (const one of left) if (one.state !== "live") await deleteController(one.name);
      return left.length === 0 ? null : `${left.length} left`;
    });
  }

  /** A subsystem appears and must be live everywhere; then it goes again. Answers how long it took, ms. */
  async noticeChange(limitMs = changeLimitMs): Promise<number> {
    const nqn = await this.add();
    const tookMs = await until("a change is noticed", limitMs, lookForEachOnce(this.fabric.paths([nqn])));
    await this.drop(nqn);
    return tookMs;
  }

  /** Identities of all controllers there are: afterwards, the same must be there. */
  async remember(): Promise<string[]> {
    return (await controllers()).map(identity);
  }

  /** Fails when a controller of these is gone. */
  async expectKept(before: readonly string[]): Promise<void> {
    const now = await this.remember();
    const lost = before.filter((one) => !now.includes(one));
    expect(lost.length === 0, `Controllers were lost: ${lost.join("; ")}; now ${now.join("; ")}`);
  }

  /** Controllers that a program other than the lab removed since the start. */
  async removedByAgent(): Promise<number> {
    return await removedByPrograms() - deletedSoFar() - this.#removedBefore;
  }

  /** Strikes so often; each time ends the fault and times how long until all is well. Leaves the row, also when lost. */
  async repeat(fault: RepeatedFault): Promise<void> {
    const recoveredMs: number[] = [];
    const noticedMs: number[] = [];
    let tried = 0;
    try {
      for (let time = 0; time < fault.times; time++) {
        tried += fault.strikesEach ?? 1;
        await fault.strike(time);
        const endedMs = performance.now();
        await fault.end(time);
        try {
          await until(`all is well after ${fault.fault}`, fault.limitMs, () => this.lookForWell());
        } finally {
          recoveredMs.push(performance.now() - endedMs);
        }
        noticedMs.push(await this.noticeChange());
        await until("all is well after the change", changeLimitMs, () => this.lookForWell());
      }
    } finally {
      await this.leaveRow(fault, tried, recoveredMs);
    }
    const removed = await this.removedByAgent();
    expect(removed === 0, `${fault.fault}: ${removed} controllers were removed by a program`);
    this.addSummary(
      `${fault.fault}: ${tried} times, well after at most ${formatSeconds(Math.max(...recoveredMs))}, ` +
        `a change seen after at most ${formatSeconds(Math.max(...noticedMs))}`,
    );
    await this.lab.note(this.#summaries.at(-1) ?? "");
  }

  async leaveRow(
    { fault, limitMs, checked }: Pick<RepeatedFault, "fault" | "limitMs" | "checked">,
    tried: number,
    recoveredMs: readonly number[],
  ): Promise<void> {
    const missing = missingPaths(await controllers(), this.fabric.paths(this.linked)).length;
    const lost = missing + await this.removedByAgent();
    await this.lab.faultRow({ fault, tried, recoveredMs, limitMs, lost, checked });
  }
}

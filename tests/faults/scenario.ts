/** What a fault scenario is: a name, and a run that breaks something, waits until all is well, and writes down how. */
import type { FaultRow } from "./fault_row.ts";
import { FaultHost, type FaultHostOptions } from "./fault_host.ts";

export interface Scenario {
  readonly name: string;
  /** What is broken, one line. */
  readonly about: string;
  /** Throws when something does not hold. */
  readonly run: (run: ScenarioRun) => Promise<void>;
}

export interface RepeatedFault {
  /** As the table names it. */
  readonly fault: string;
  readonly times: number;
  /** Places at which one strike strikes; 1 when left out. */
  readonly places?: number;
  /** Until all is well once the fault is over, ms. */
  readonly limitMs: number;
  /** Until a change made then is noticed, ms. */
  readonly noticeMs?: number;
  readonly checked: string;
  /** Breaks something, asserts that it is broken, and holds it so for as long as it likes. */
  readonly strike: (time: number) => Promise<void>;
  readonly end: (time: number) => Promise<void>;
}

export class ScenarioRun {
  /** The numbers asked for in earnest, in place of those that are quick. */
  readonly full: boolean;
  readonly rows: FaultRow[] = [];
  readonly hosts: FaultHost[] = [];
  readonly #creating = new Set<Promise<FaultHost>>();
  readonly #cleanups: (() => Promise<void>)[] = [];
  #ending: Promise<void> | null = null;
  readonly #say: (text: string) => void;

  constructor(full: boolean, say: (text: string) => void) {
    this.full = full;
    this.#say = say;
  }

  async host(options: FaultHostOptions): Promise<FaultHost> {
    if (this.#ending !== null) throw new Error("The run is over");
    const creating = FaultHost.create(options);
    this.#creating.add(creating);
    const host = await creating;
    this.hosts.push(host);
    return host;
  }

  /** Something to undo when the run ends, after its hosts are gone; last added first. */
  addCleanup(action: () => Promise<void>): void {
    if (this.#ending === null) this.#cleanups.push(action);
    else action().catch((error) => console.error(error));
  }

  /** Leaves nothing behind, at whatever moment. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const created = await Promise.allSettled(this.#creating);
    await Promise.all(
      created.map((result) => result.status === "fulfilled" ? result.value.close() : undefined),
    );
    for (const cleanup of this.#cleanups.reverse()) await cleanup().catch((error) => console.error(error));
  }

  /**
   * Strikes so often, each time ends the fault and times how long until all is well and a change is noticed; leaves
   * the row.
   */
  async repeat(host: FaultHost, fault: RepeatedFault): Promise<void> {
    const recoveredMs: number[] = [];
    await host.untilStatusAgrees();
    const { descriptors } = await host.agentCounts();
    for (let time = 0; time < fault.times; time++) {
      await fault.strike(time);
      const endedMs = performance.now();
      await fault.end(time);
      await host.untilWell(`all is well after ${fault.fault}`, fault.limitMs);
      // The agent's own word comes up to a second late; it must come all the same.
      await host.untilStatusAgrees();
      recoveredMs.push(performance.now() - endedMs);
      const noticedMs = await host.noticeChange(fault.noticeMs);
      await host.untilWell("all is well after the change", fault.limitMs);
      await host.untilStatusAgrees();
      this.say(
        `${fault.fault} ${time + 1}: well after ${recoveredMs.at(-1)!.toFixed()} ms, ` +
          `a change seen after ${noticedMs.toFixed()} ms; ${host.status}`,
      );
    }
    await host.untilDescriptors(descriptors);
    await host.checkNothingLost();
    const { fault: name, times, places = 1, limitMs, checked } = fault;
    this.addRow({
      fault: name,
      tried: times * places,
      recoveredMs,
      limitMs,
      lost: await host.lost(),
      checked,
    });
  }

  /** Of interest to who watches. */
  say(text: string): void {
    this.#say(text);
  }

  addRow(row: Omit<FaultRow, "where">): void {
    this.rows.push({ ...row, where: "namespace" });
  }
}

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

export class ScenarioRun {
  /** The numbers asked for in earnest, in place of those that are quick. */
  readonly full: boolean;
  readonly rows: FaultRow[] = [];
  readonly hosts: FaultHost[] = [];
  readonly #say: (text: string) => void;

  constructor(full: boolean, say: (text: string) => void) {
    this.full = full;
    this.#say = say;
  }

  async host(options: FaultHostOptions): Promise<FaultHost> {
    const host = await FaultHost.create(options);
    this.hosts.push(host);
    return host;
  }

  /** Of interest to who watches. */
  say(text: string): void {
    this.#say(text);
  }

  addRow(row: Omit<FaultRow, "where">): void {
    this.rows.push({ ...row, where: "namespace" });
  }
}

/**
 * The target processes of a run, and the fabric that they serve together. Every change is made in the description
 * here and in all of them; one that comes back after its death is told all changes so far.
 */
import { assert } from "../assert.ts";
import type { Fabric } from "../fabric/fabric.ts";
import type { ChildProcess } from "./child_process.ts";
import { applyChange, buildFabric, type FabricChange, type FabricPlan } from "./fabric_plan.ts";

export interface TargetGroupPlan extends FabricPlan {
  /** Processes, among which the nodes are dealt out; a process for each node when left out. */
  readonly processes?: number;
}

interface Surroundings {
  readonly spawn: (name: string) => ChildProcess;
  /** A stopped target that failed when it went on. */
  readonly onProblem: (what: string) => void;
}

interface Slot {
  readonly nodes: readonly string[];
  process: ChildProcess | null;
  isPaused: boolean;
}

export class TargetGroup {
  /** What the fabric should be. */
  readonly fabric: Fabric;
  readonly #plan: TargetGroupPlan;
  readonly #surroundings: Surroundings;
  readonly #changes: FabricChange[] = [];
  readonly #slots: Slot[];

  constructor(plan: TargetGroupPlan, surroundings: Surroundings) {
    this.#plan = plan;
    this.#surroundings = surroundings;
    this.fabric = buildFabric(plan);
    const ids = [...this.fabric.nodes.keys()];
    const count = plan.processes ?? ids.length;
    this.#slots = Array.from({ length: count }, (_, at) => ({
      nodes: ids.filter((_, index) => index % count === at),
      process: null,
      isPaused: false,
    }));
  }

  async startAll(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => this.#start(slot)));
  }

  async #start(slot: Slot): Promise<void> {
    const { nodes } = slot;
    slot.process = this.#surroundings.spawn(
      `target ${nodes.length === 1 ? nodes[0] : `of ${nodes.length} nodes`}`,
    );
    await slot.process.ready();
    await slot.process.ask("start", { plan: this.#plan, changes: this.#changes, nodes });
  }

  /** Those that run. */
  get processes(): ChildProcess[] {
    return this.#slots.map(({ process }) => process).filter((process) => process !== null);
  }

  /** The one that serves a node. */
  process(nodeId: string): ChildProcess {
    const { process } = this.#slot(nodeId);
    assert(process !== null, `The target of ${nodeId} does not run`);
    return process;
  }

  #slot(nodeId: string): Slot {
    const slot = this.#slots.find(({ nodes }) => nodes.includes(nodeId));
    assert(slot !== undefined, `No target serves ${nodeId}`);
    return slot;
  }

  /** kill -9 of the process that serves a node. The fabric describes its nodes as down. */
  async kill(nodeId: string): Promise<void> {
    const slot = this.#slot(nodeId);
    await slot.process?.end("SIGKILL");
    slot.process = null;
    slot.isPaused = false;
    for (const id of slot.nodes) this.fabric.setNodeDown(id);
  }

  /** The process comes back with everything as described. */
  async restart(nodeId: string): Promise<void> {
    const slot = this.#slot(nodeId);
    assert(slot.process === null, `The target of ${nodeId} runs`);
    for (const id of slot.nodes) this.fabric.setNodeUp(id);
    await this.#start(slot);
  }

  async pause(nodeId: string): Promise<void> {
    await this.process(nodeId).pause();
    this.#slot(nodeId).isPaused = true;
  }

  /** Changes made meanwhile take effect there now. */
  resume(nodeId: string): void {
    this.process(nodeId).resume();
    this.#slot(nodeId).isPaused = false;
  }

  async change(changes: readonly FabricChange[]): Promise<void> {
    for (const change of changes) applyChange(this.fabric, change);
    this.#changes.push(...changes);
    await Promise.all(this.#slots.map(({ process, isPaused }) => {
      const done = process?.ask("change", changes);
      if (!isPaused) return done;
      done?.catch((error) => this.#surroundings.onProblem(String(error)));
    }));
  }

  /** Discovery sessions that wait for events, by node, of the targets that can be asked. */
  async armed(): Promise<Record<string, number>> {
    const asked = this.#slots.filter(({ process, isPaused }) => process !== null && !isPaused);
    return Object.assign({}, ...await Promise.all(asked.map(({ process }) => process!.ask("armed"))));
  }
}

/**
 * The storage cluster of a simulated run: its nodes by number, who refers to whom, its subsystems, and how they come
 * and go. It knows no fault: those are put upon it by `fault_levels.ts`.
 */
import { discoveryNqn } from "../../src/nvme/spec.ts";
import type { FabricNode } from "../fabric/fabric.ts";
import type { FabricWorld } from "./fabric_world.ts";
import type { Membership } from "./membership.ts";
import type { RunOptions } from "./run_options.ts";

export class SimCluster {
  readonly #world: FabricWorld;
  readonly #options: RunOptions;
  readonly #membership: Membership;
  /** Subsystems named so far; a name never comes again. */
  #names = 0;
  #joined = 0;

  constructor(world: FabricWorld, options: RunOptions, membership: Membership) {
    this.#world = world;
    this.#options = options;
    this.#membership = membership;
    if (options.topology !== "mesh") membership.note("sparse-topology");
    for (let number = 1; number <= options.nodes; number++) world.fabric.addNode(this.#nodeOptions(number));
    for (const from of this.nodes) {
      for (const to of this.nodes) if (this.refersTo(from, to)) this.addReferral(from, to);
    }
    for (let count = 1; count <= options.subsystems; count++) this.addSubsystem();
    world.listen();
  }

  /** In the order in which they joined. */
  get nodes(): FabricNode[] {
    return [...this.#world.fabric.nodes.values()];
  }

  /** Numbers count from 1 over those that are there, and wrap around; null when none is. */
  node(number: number): FabricNode | null {
    const { nodes } = this;
    return nodes.length === 0 ? null : nodes[(number - 1) % nodes.length]!;
  }

  /** A node that was there from the start, by its number then; null when it left. */
  original(number: number): FabricNode | null {
    return this.#world.fabric.nodes.get(`n${(number - 1) % this.#options.nodes + 1}`) ?? null;
  }

  /** In the order in which they were added. */
  get nqns(): string[] {
    return [...this.#world.fabric.subsystems.keys()];
  }

  /** Whether the run's topology has a referral from one to the other, taken away or not. */
  refersTo(from: FabricNode, to: FabricNode): boolean {
    if (from === to) return false;
    if (this.#options.topology === "mesh") return true;
    if (this.#options.topology === "outsider") return to.id !== "n1";
    const { nodes } = this;
    if (this.#options.topology === "star") return from === nodes[0] || to === nodes[0];
    return nodes[(nodes.indexOf(from) + 1) % nodes.length] === to;
  }

  addReferral(from: FabricNode, to: FabricNode): void {
    const nqn = this.#options.uniqueNqns ? to.discoveryNqn : discoveryNqn;
    this.#world.fabric.addReferral(from.id, to.id, nqn);
  }

  /** Answers its NQN. */
  addSubsystem(numbers: readonly number[] = [1, 2, 3, 4, 5]): string {
    const nqn = `nqn.2024-01.org.example:sub${++this.#names}`;
    const nodes = [...new Set(numbers.flatMap((number) => this.node(number)?.id ?? []))];
    this.#world.fabric.addSubsystem(nqn, { nodes });
    return nqn;
  }

  /** The last one stays: a cluster without any has nothing to lose. */
  removeSubsystem(number: number): void {
    const { nqns } = this;
    const nqn = nqns[(number - 1) % nqns.length];
    if (nqn === undefined || nqns.length === 1) return;
    this.#membership.withdraw(nqn);
    this.#world.fabric.removeSubsystem(nqn);
  }

  addNode(): void {
    const { fabric } = this.#world;
    const { nodes, topology } = this.#options;
    // No more than twice as many: a run stays small.
    if (this.nodes.length >= 2 * nodes + 1) return;
    const node = fabric.addNode(this.#nodeOptions(10 + ++this.#joined));
    for (const nqn of fabric.subsystems.keys()) fabric.link(nqn, node.id);
    if (topology !== "mesh") this.#membership.note("node-joins");
    for (const other of this.nodes) {
      if (topology === "ring") continue;
      if (this.refersTo(other, node)) this.addReferral(other, node);
      if (this.refersTo(node, other)) this.addReferral(node, other);
    }
    if (topology === "ring") this.#reshapeRing();
    this.#world.listen();
  }

  /** The last one stays, and so does the centre of a star: without it nobody finds the others. */
  removeNode(number: number): void {
    const node = this.node(number);
    if (node === null || this.nodes.length === 1) return;
    if (this.#options.topology === "star" && node === this.nodes[0]) return;
    this.#membership.note("node-leaves");
    for (const { nqn } of node.subsystems) this.#membership.withdraw(nqn);
    this.#world.fabric.removeNode(node.id);
    if (this.#options.topology === "ring") this.#reshapeRing();
    this.#world.listen();
  }

  /** Whether the nodes' host names can be looked up. */
  setNames(work: boolean | "hang"): void {
    for (const node of this.nodes) {
      const addresses = work === "hang" ? "hang" : work ? [node.discovery[0]!.traddr] : [];
      this.#world.memory.network.setName(hostName(node), addresses);
    }
  }

  #nodeOptions(number: number) {
    const { ipv6, sharedAddresses, kind, uniqueNqns } = this.#options;
    const place = sharedAddresses ? Math.ceil(number / 2) : number;
    const traddr = ipv6 ? `fd00::${place.toString(16)}` : `10.0.0.${place}`;
    const second = sharedAddresses && number % 2 === 0 ? 1 : 0;
    return {
      id: `n${number}`,
      discovery: [{ traddr, trsvcid: 8009 + second }],
      io: [{ traddr, trsvcid: 4420 + second }],
      kind: kind === "mixed" ? (number % 2 === 0 ? "spdk" : "nvmet") as "spdk" | "nvmet" : kind,
      ...(uniqueNqns ? { discoveryNqn: `nqn.2024-01.org.example:discovery.n${number}` } : {}),
    };
  }

  /** Each refers to the next alone. */
  #reshapeRing(): void {
    const { fabric } = this.#world;
    for (const from of this.nodes) {
      for (const to of this.nodes) {
        if (this.refersTo(from, to)) this.addReferral(from, to);
        else if (from !== to) fabric.removeReferral(from.id, to.id);
      }
    }
  }
}

/** What entry files call a node that is not given by its address. */
export function hostName({ id }: FabricNode): string {
  return `${id}.example`;
}

/**
 * A cluster as scenarios see it: nodes with the same subsystems, each referring to the others. Built on nvmet; I/O on
 * 4420, discovery on 8009.
 */
import type { FabricPath } from "./initiator.ts";
import { discoveryPort, ioPort, nodeAddress } from "./network.ts";
import {
  addPort,
  addReferral,
  addSubsystem,
  link,
  linkedSubsystems,
  removeReferral,
  removeSubsystem,
  unlink,
} from "./nvmet.ts";

export interface FabricOptions {
  /** Which address range, 0 or 1. */
  readonly cluster?: number;
  readonly nodes?: readonly number[];
  /** How many subsystems to link everywhere at once. */
  readonly subsystems?: number;
  /** Hosts that may see the subsystems; any host when left out. */
  readonly hosts?: readonly string[];
  /** Start of the subsystems' names. */
  readonly nqnStart?: string;
  /** Subsystems have a disk, on which as many as eight fit; true when left out. */
  readonly disks?: boolean;
  /** Nodes refer to one another; true when left out. */
  readonly referrals?: boolean;
}

export class Fabric {
  readonly nodes: readonly number[];
  /** Subsystems there are, linked or not. */
  readonly nqns: string[] = [];
  readonly #cluster: number;
  readonly #hosts: readonly string[] | undefined;
  readonly #nqnStart: string;
  readonly #disks: boolean;

  private constructor(options: FabricOptions) {
    this.#cluster = options.cluster ?? 0;
    this.nodes = options.nodes ?? [1, 2, 3];
    this.#hosts = options.hosts;
    this.#disks = options.disks ?? true;
    this.#nqnStart = options.nqnStart ?? `nqn.2024-01.org.example:cluster${this.#cluster}`;
  }

  static async build(options: FabricOptions = {}): Promise<Fabric> {
    const fabric = new Fabric(options);
    for (const node of fabric.nodes) await addPort(fabric.portOf(node), fabric.address(node));
    if (options.referrals ?? true) { for (const node of fabric.nodes) await fabric.addReferralsTo(node); }
    for (let index = 1; index <= (options.subsystems ?? 4); index++) {
      await fabric.linkEverywhere(await fabric.createSubsystem(`sub${index}`));
    }
    return fabric;
  }

  address(node: number): string {
    return nodeAddress(node, this.#cluster);
  }

  /** Makes a subsystem that no node offers yet; answers its NQN. */
  async createSubsystem(name: string, hosts = this.#hosts): Promise<string> {
    const nqn = `${this.#nqnStart}:${name}`;
    await addSubsystem({ nqn, disk: this.#disks ? this.#cluster * 8 + this.nqns.length : null, hosts });
    this.nqns.push(nqn);
    return nqn;
  }

  async linkEverywhere(nqn: string): Promise<void> {
    for (const node of this.nodes) await link(this.portOf(node), nqn);
  }

  async unlinkEverywhere(nqn: string): Promise<void> {
    for (const node of this.nodes) await unlink(this.portOf(node), nqn);
  }

  async removeSubsystem(nqn: string): Promise<void> {
    await removeSubsystem(nqn);
    this.nqns.splice(this.nqns.indexOf(nqn), 1);
  }

  /** The node stops listening and drops all its connections. Answers what brings it back. */
  async vanish(node: number): Promise<() => Promise<void>> {
    const linked = await linkedSubsystems(this.portOf(node));
    for (const nqn of linked) await unlink(this.portOf(node), nqn);
    return async () => {
      for (const nqn of linked) await link(this.portOf(node), nqn);
    };
  }

  /** All other nodes refer to this one. */
  async addReferralsTo(node: number): Promise<void> {
    for (const other of this.nodes) {
      if (other !== node) await addReferral(this.portOf(other), this.address(node), this.portOf(node));
    }
  }

  async removeReferralsTo(node: number): Promise<void> {
    for (const other of this.nodes) {
      if (other !== node) await removeReferral(this.portOf(other), this.address(node));
    }
  }

  /** Paths to these subsystems (all when left out) through these nodes (all when left out). */
  paths(nqns: readonly string[] = this.nqns, nodes: readonly number[] = this.nodes): FabricPath[] {
    return nodes.flatMap((node) => nqns.map((nqn) => ({ nqn, traddr: this.address(node), trsvcid: ioPort })));
  }

  /** `10.99.0.1:8009` of these nodes, as the agent calls its endpoints. */
  endpoints(nodes: readonly number[] = this.nodes): string[] {
    return nodes.map((node) => `${this.address(node)}:${discoveryPort}`);
  }

  /** The number of a node's port in the target. */
  portOf(node: number): number {
    return this.#cluster * 10 + node;
  }
}

/**
 * What one simulated run is made of, drawn from its seed and printed first: the fabric, the network, the kernel, the
 * host's files. Plain data, so that a run can be written down, replayed and made smaller.
 */
import type { Draw } from "./draw.ts";

export interface RunOptions {
  readonly kind: "nvmet" | "spdk" | "mixed";
  readonly nodes: number;
  readonly subsystems: number;
  /** Who refers to whom. `ring`: each to the next. `star`: node 1 to all and all to it. */
  /** `outsider`: a mesh whose first node names all others, and no one it: it is known to those who have it configured. */
  readonly topology: "mesh" | "ring" | "star" | "outsider";
  readonly ipv6: boolean;
  /** Nodes share an address in pairs, on different ports. */
  readonly sharedAddresses: boolean;
  /** Discovery controllers have NQNs of their own, as the referrals tell. */
  readonly uniqueNqns: boolean;
  /** Host identities: the second one has its own file, and its own host identifier by `-I`. */
  readonly hosts: 1 | 2;
  /** Numbers of the nodes that the first file names. */
  readonly configured: readonly number[];
  /** The file holds host names, not addresses. */
  readonly byName: boolean;
  /** The file holds DH-CHAP secrets. */
  readonly secrets: boolean;
  readonly digests: boolean;
  readonly latencyMs: number;
  readonly katoMs: number;
  readonly reconnectIntervalMs: number;
  /** Bytes of one Get Log Page: small ones read a log in pieces. */
  readonly logChunkBytesMax: number;
  /** The kernel tells which options it knows (from 5.17), and source addresses (from 6.1). */
  readonly oldKernel: boolean;
  readonly connectMs: number;
  /** Controllers of somebody else are there. */
  readonly bystanders: boolean;
  /** What internalDir holds at first. */
  readonly memory: "none" | "garbage" | "predecessor";
}

export function drawOptions(draw: Draw): RunOptions {
  const nodes = draw.int(1, 5);
  const numbers = Array.from({ length: nodes }, (_, at) => at + 1);
  return {
    kind: draw.pick(["nvmet", "nvmet", "spdk", "mixed"]),
    nodes,
    subsystems: draw.int(1, 3),
    topology: draw.pick(["mesh", "mesh", "mesh", "ring", "star", "outsider"]),
    ipv6: draw.chance(0.2),
    sharedAddresses: draw.chance(0.2),
    uniqueNqns: draw.chance(0.2),
    hosts: draw.chance(0.2) ? 2 : 1,
    configured: draw.chance(0.5) ? [1] : draw.some(numbers),
    byName: draw.chance(0.1),
    secrets: draw.chance(0.2),
    digests: draw.chance(0.2),
    latencyMs: draw.pick([0.1, 0.5, 5, 50]),
    katoMs: draw.pick([2_000, 5_000, 10_000, 30_000]),
    reconnectIntervalMs: draw.pick([1_000, 5_000]),
    logChunkBytesMax: draw.pick([4_096, 4_096, 65_536]),
    oldKernel: draw.chance(0.2),
    connectMs: draw.pick([5, 30, 200]),
    bystanders: draw.chance(0.2),
    memory: draw.pick(["none", "none", "none", "garbage", "predecessor"]),
  };
}

/** The options in a form that asks for as little as possible, one change at a time: where a failure may be simpler. */
export function simplerOptions(options: RunOptions): RunOptions[] {
  const plain: Partial<RunOptions> = {
    topology: "mesh",
    ipv6: false,
    sharedAddresses: false,
    uniqueNqns: false,
    hosts: 1,
    byName: false,
    secrets: false,
    digests: false,
    latencyMs: 0.5,
    connectMs: 30,
    katoMs: 10_000,
    oldKernel: false,
    bystanders: false,
    memory: "none",
    logChunkBytesMax: 65_536,
  };
  const simpler: RunOptions[] = [];
  for (let nodes = 1; nodes < options.nodes; nodes++) {
    const configured = options.configured.filter((number) => number <= nodes);
    simpler.push({ ...options, nodes, configured: configured.length > 0 ? configured : [1] });
  }
  for (let subsystems = 1; subsystems < options.subsystems; subsystems++) {
    simpler.push({ ...options, subsystems });
  }
  if (options.configured.length > 1) simpler.push({ ...options, configured: [options.configured[0]!] });
  for (const [name, value] of Object.entries(plain)) {
    if (options[name as keyof RunOptions] !== value) simpler.push({ ...options, [name]: value });
  }
  return simpler;
}

/** One line a group, for people. */
export function optionsText(options: RunOptions): string {
  return Object.entries(options).map(([name, value]) =>
    `${name}=${Array.isArray(value) ? `[${value}]` : value}`
  )
    .join(" ");
}

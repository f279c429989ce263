/** Statuses as an agent answers them, of a cluster with three nodes and of many. */
import type { EndpointSnapshot, PathSnapshot } from "../../src/report/snapshot.ts";
import type { StatusDocument } from "../../src/report/status_document.ts";

export const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
export const clusterNqn = "nqn.2024-01.io.example:cluster";

export function endpointOf(node: number, fields: Partial<EndpointSnapshot> = {}): EndpointSnapshot {
  const isUser = node === 1;
  return {
    address: `10.0.0.${node}:8009`,
    source: isUser ? "user" : "referral",
    reason: isUser ? "configured" : "referral of 10.0.0.1:8009",
    origins: isUser ? [{ file: "my-cluster", line: 1 }] : [],
    namedBy: isUser ? [] : ["10.0.0.1:8009"],
    retired: false,
    state: "live",
    forMs: 11_520_000,
    generation: "12",
    records: 5,
    logReads: 3,
    logAgeMs: 60_000,
    events: 0,
    failures: 0,
    ...fields,
  };
}

export function pathOf(node: number, subsystem: string, fields: Partial<PathSnapshot> = {}): PathSnapshot {
  return {
    cluster: clusterNqn,
    subsysnqn: `nqn.2024-01.io.example:${subsystem}`,
    hostnqn,
    address: `10.0.0.${node}:4420`,
    state: "live",
    reason: "connected",
    device: `nvme${node}`,
    forMs: 11_519_000,
    ...fields,
  };
}

export function statusOf(fields: Partial<StatusDocument> = {}): StatusDocument {
  const clusters = fields.clusters ?? [];
  const paths = fields.paths ?? [];
  const endpoints = clusters.flatMap((cluster) => cluster.endpoints);
  return {
    version: "0.1.0",
    pid: 4242,
    at: "2026-08-01T12:00:00.000Z",
    upMs: 11_522_000,
    ready: true,
    dryRun: false,
    kernel: { present: true },
    refused: [],
    pathsDropped: 0,
    fileProblems: [],
    summary: {
      clusters: clusters.length,
      endpoints: endpoints.filter(({ retired }) => !retired).length,
      sessionsLive: endpoints.filter(({ state }) => state === "live").length,
      pathsWanted: paths.length,
      pathsLive: paths.filter(({ state }) => state === "live").length,
    },
    ...fields,
    clusters,
    paths,
  };
}

/** Three nodes, two volumes, all well. */
export const healthy = statusOf({
  clusters: [{
    subsysnqn: clusterNqn,
    hostnqn,
    notes: [],
    endpoints: [endpointOf(1, { events: 2, lastEventAgeMs: 192_000 }), endpointOf(2), endpointOf(3)],
  }],
  paths: ["vol1", "vol2"].flatMap((name, at) =>
    [1, 2, 3].map((node) => pathOf(node, name, { device: `nvme${at * 3 + node - 1}` }))
  ),
});

const unreachable = "ECONNREFUSED (connection refused, nothing listens there)";

/** One node dead, one volume whose access list lacks this host, one with a wrong port. */
export const broken = statusOf({
  clusters: [{
    subsysnqn: clusterNqn,
    hostnqn,
    notes: ["storage.example (other:3): Cannot resolve storage.example: ENOTFOUND (no such name)"],
    endpoints: [
      endpointOf(1, { records: 7, generation: "14", events: 3, lastEventAgeMs: 40_000 }),
      endpointOf(2),
      endpointOf(3, {
        state: "idle",
        forMs: 38_000,
        failures: 8,
        code: "EHOSTUNREACH",
        error: "Cannot connect to 10.0.0.3:8009: EHOSTUNREACH (no route to the host)",
        retryInMs: 11_000,
      }),
    ],
  }],
  paths: [
    pathOf(1, "vol1"),
    pathOf(3, "vol1", {
      state: "recovering",
      reason: "the kernel has it connecting, and retries by itself",
      forMs: 38_000,
    }),
    pathOf(1, "vol2", {
      state: "failed",
      device: undefined,
      reason:
        "Cannot connect in the kernel: EIO. The target refuses our own Connect: Connect Invalid Host: " +
        "the subsystem does not allow this host NQN",
      code: "EIO",
      forMs: 40_000,
      retryInMs: 9_000,
    }),
    pathOf(2, "vol3", {
      state: "unreachable",
      device: undefined,
      address: "10.0.0.2:4421",
      reason: `10.0.0.2:4421 cannot be reached: Cannot connect to 10.0.0.2:4421: ${unreachable}`,
      code: "ECONNREFUSED",
      forMs: 40_000,
      retryInMs: 4_000,
    }),
    pathOf(2, "vol4", {
      state: "probing",
      device: undefined,
      reason: "asking whether 10.0.0.2:4420 answers",
      forMs: 300,
    }),
  ],
  fileProblems: ['other:2:13: Cannot use -s "0": expected a port from 1 to 65535'],
});

/** Clusters with so many volumes of four paths each; `missing` says what of a path is otherwise. */
export function large(
  clusters: number,
  volumes: number,
  missing: (cluster: number, volume: number, node: number) => Partial<PathSnapshot> = () => ({}),
): StatusDocument {
  const nqnOf = (at: number) => `${clusterNqn}${at}`;
  const each = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
  return statusOf({
    clusters: each(clusters).map((at) => ({
      subsysnqn: nqnOf(at),
      hostnqn,
      notes: [],
      endpoints: [1, 2, 3, 4].map((node) => endpointOf(node)),
    })),
    paths: each(clusters).flatMap((at) =>
      each(volumes).flatMap((volume) =>
        [1, 2, 3, 4].map((node) =>
          pathOf(node, `vol${volume}`, { cluster: nqnOf(at), ...missing(at, volume, node) })
        )
      )
    ),
  });
}

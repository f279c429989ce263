/** States of a fabric, in short. */
import type { EndpointSnapshot, PathSnapshot } from "../../../src/report/snapshot.ts";
import type { StatusDocument } from "../../../src/report/status_document.ts";

const cluster = "nqn.2024-01.io.example:cluster";
const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";

export function pathOf(name: string, node: number, change: Partial<PathSnapshot> = {}): PathSnapshot {
  const [subsysnqn, address] = [`nqn.2024-01.io.example:${name}`, `10.0.0.${node}:4420`];
  return { cluster, hostnqn, subsysnqn, address, state: "live", reason: "connected", ...change };
}

export function endpointOf(node: number, change: Partial<EndpointSnapshot> = {}): EndpointSnapshot {
  return {
    ...{
      address: `10.0.0.${node}:8009`,
      source: "user",
      reason: "",
      origins: [],
      namedBy: [],
      retired: false,
    },
    ...{ state: "live", forMs: 1_000, generation: "1", records: 2, logReads: 1, events: 0, failures: 0 },
    ...change,
  };
}

export type StatusChange = Partial<StatusDocument> & { readonly endpoints?: readonly EndpointSnapshot[] };

/** One cluster, in session, unless the change says otherwise. */
export function statusOf({ endpoints = [endpointOf(1)], ...change }: StatusChange): StatusDocument {
  const paths = change.paths ?? [];
  return {
    ...{ version: "0", pid: 1, at: "2024-01-01T00:00:00.000Z", upMs: 0, ready: true, dryRun: false },
    clusters: [{ subsysnqn: cluster, hostnqn, endpoints, notes: [] }],
    paths,
    refused: [],
    pathsDropped: 0,
    kernel: { present: true },
    fileProblems: [],
    summary: {
      clusters: 1,
      endpoints: endpoints.length,
      sessionsLive: 1,
      pathsWanted: paths.length,
      pathsLive: 0,
    },
    ...change,
  };
}

/** Short ways to wanted paths, controllers and what is known of them, for the tables of the plan tests. */
import { clusterKey } from "../../src/model/cluster.ts";
import type { ConnectOptions } from "../../src/model/connect_options.ts";
import type { Controller, ControllerAddress } from "../../src/model/controller.ts";
import { endpointLabel } from "../../src/model/endpoint.ts";
import { type Path, pathIndexKey, pathKey } from "../../src/model/path.ts";
import {
  type ConnectFact,
  type Failure,
  newConnectFact,
  newProbeFact,
  type ProbeFact,
} from "../../src/plan/facts.ts";
import type { WantedPath } from "../../src/plan/wanted_paths.ts";
import { cluster } from "./fact_samples.ts";

export const hostid = "00112233-4455-6677-8899-aabbccddeeff";

export function path(
  traddr: string,
  subsysnqn = "nqn.2024-01.io.example:s1",
  options: ConnectOptions = {},
): Path {
  return {
    transport: "tcp",
    traddr,
    trsvcid: 4420,
    subsysnqn,
    hostnqn: cluster.hostnqn,
    options,
    cluster,
    secureChannelRequired: false,
  };
}

export function wanted(...parts: Parameters<typeof path>): WantedPath {
  const it = path(...parts);
  return {
    key: pathKey(it),
    indexKey: pathIndexKey({ ...it, traddr: it.traddr.replace(/%.*$/, "") }),
    addressKey: endpointLabel(it),
    path: it,
  };
}

export function controller(
  change: Partial<Omit<Controller, "address">> & { address?: Partial<ControllerAddress> } = {},
): Controller {
  return {
    name: "nvme3",
    instance: 3,
    transport: "tcp",
    state: "live",
    subsysnqn: "nqn.2024-01.io.example:s1",
    hostnqn: cluster.hostnqn,
    hostid,
    ...change,
    address: { traddr: "10.0.1.1", trsvcid: "4420", ...change.address },
  };
}

export const failure = (code = "ECONNREFUSED"): Failure => ({
  code,
  message: `It failed (${code})`,
  atMs: 0,
});

export const probe = (change: Partial<ProbeFact>): ProbeFact => ({ ...newProbeFact, ...change });
export const connect = (change: Partial<ConnectFact>): ConnectFact => ({ ...newConnectFact, ...change });

export const theClusterKey = clusterKey(cluster);

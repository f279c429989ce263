/** The keys under which a line of the log says what it is about; the same everywhere, so that one can look for them. */
import { type Endpoint, endpointLabel } from "../model/endpoint.ts";
import { type Path, pathLabel } from "../model/path.ts";

/** A type of its own, and no interface: it is handed over as fields of any name. */
export type EndpointKeys = Readonly<Record<"cluster" | "hostnqn" | "endpoint", string>>;
export type PathKeys = Readonly<Record<"cluster" | "hostnqn" | "path", string>>;

export function endpointKeys(endpoint: Pick<Endpoint, "cluster" | "traddr" | "trsvcid">): EndpointKeys {
  const { subsysnqn: cluster, hostnqn } = endpoint.cluster;
  return { endpoint: endpointLabel(endpoint), cluster, hostnqn };
}

/** The host NQN is that of the path; the cluster's may be another one while files change. */
export function pathKeys(
  path: Pick<Path, "cluster" | "traddr" | "trsvcid" | "subsysnqn" | "hostnqn">,
): PathKeys {
  return { path: pathLabel(path), cluster: path.cluster.subsysnqn, hostnqn: path.hostnqn };
}

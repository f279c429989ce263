import { formatHostPort } from "../base/address.ts";
import { type Cluster, clusterKey } from "./cluster.ts";
import type { ConnectOptions } from "./connect_options.ts";
import type { EntryOrigin } from "./entry.ts";

/** A discovery controller's address within a cluster: what one persistent session is held to. */
export interface Endpoint {
  readonly cluster: Cluster;
  readonly transport: "tcp";
  /** Canonical IP address (a host name only while it is unresolved). */
  readonly traddr: string;
  readonly trsvcid: number;
  /** Host identifier wanted, UUID text; absent means the host's own. */
  readonly hostid?: string;
  /** NQN to connect to; absent means the well-known discovery NQN. */
  readonly discoveryNqn?: string;
  readonly options: ConnectOptions;
  /** It is remembered, and was secured; its keys and secrets are in the entry files, which were not read yet. */
  readonly secretsUnknown?: true;
  /** `user`: a file names it. `referral`: only logs do. The words of internal.json. */
  readonly source: "user" | "referral";
  /** The entries that mean it, first file first; empty for a referral. */
  readonly origins: readonly EntryOrigin[];
  /** Host name that gave this address, when an entry names one. */
  readonly hostName?: string;
}

/** What an endpoint *is*: two endpoints with one key are one. */
export function endpointKey(
  endpoint: { cluster: Cluster; transport: string; traddr: string; trsvcid: number },
): string {
  return `${endpoint.transport} ${endpoint.traddr} ${endpoint.trsvcid} ${clusterKey(endpoint.cluster)}`;
}

/** What we *call* it: `10.0.0.1:8009`. */
export function endpointLabel(endpoint: { traddr: string; trsvcid: number }): string {
  return formatHostPort(endpoint.traddr, endpoint.trsvcid);
}

import type { Cluster } from "./cluster.ts";
import type { ConnectOptions } from "./connect_options.ts";

/**
 * One line of one file: a consumer's wish for one discovery endpoint. Several entries may mean one endpoint; the
 * union is made in `config/entries.ts`.
 */
export interface Entry {
  readonly cluster: Cluster;
  readonly transport: "tcp";
  /** Canonical IP address, or a host name in lower case. */
  readonly traddr: string;
  readonly trsvcid: number;
  /** UUID text in lower case; absent means the host's own. */
  readonly hostid?: string;
  /** NQN of the discovery controller; absent means the well-known one. */
  readonly discoveryNqn?: string;
  readonly persistent: boolean;
  readonly options: ConnectOptions;
  /** It is remembered, and was secured; its file, which has the keys and secrets, cannot be read. */
  readonly secretsUnknown?: true;
  readonly origin: EntryOrigin;
}

/** Where an entry stands, for messages and status. */
export interface EntryOrigin {
  /** File name inside clientConfigDir, `internal.json`, or `command line`. */
  readonly file: string;
  /** 1-based; 0 where lines mean nothing. */
  readonly line: number;
}

/** What of a text could not be used; it costs only itself. */
export interface LineError {
  readonly file: string;
  /** 1-based; 0 for the whole file. */
  readonly line: number;
  /** 1-based; 0 where it is unknown. */
  readonly column: number;
  readonly message: string;
}

/** Who the agent of a simulated run speaks for: the host identities, each with its entry file and its cluster. */
import type { Cluster } from "../../src/model/cluster.ts";
import { hostid, hostnqn } from "./fabric_world.ts";

export interface SimHost {
  readonly hostnqn: string;
  readonly hostid: string;
  readonly cluster: Cluster;
  /** Its entry file. */
  readonly file: string;
}

const subsysnqn = "nqn.2024-01.org.example:cluster";
const secondHostnqn = "nqn.2024-01.org.example:second-host";

/** The first is the machine's own, which needs no identifier in its file. */
export const simHosts: readonly [SimHost, SimHost] = [
  { hostnqn, hostid, cluster: { subsysnqn, hostnqn }, file: "cluster" },
  {
    hostnqn: secondHostnqn,
    hostid: "44444444-4455-6677-8899-aabbccddeeff",
    cluster: { subsysnqn, hostnqn: secondHostnqn },
    file: "second",
  },
];

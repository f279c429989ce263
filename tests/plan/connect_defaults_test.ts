import { Secret } from "../../src/base/secret.ts";
import { type Cluster, clusterKey } from "../../src/model/cluster.ts";
import { discoveryNqn } from "../../src/nvme/spec.ts";
import type { Policy } from "../../src/plan/facts.ts";
import { connectDefaultsOf, secretsProblem } from "../../src/plan/connect_defaults.ts";
import { assert, assertEquals } from "../assert.ts";

const one = { subsysnqn: "nqn.2024-01.io.example:one", hostnqn: "nqn.2014-08.org.example:host" };
const two = { ...one, subsysnqn: "nqn.2024-01.io.example:two" };
const secret = new Secret("one");
const other = new Secret("other");
const policy: Policy = {
  dryRun: false,
  connectDefaults: { ctrlLossTmo: 5, dhchapSecret: secret, dhchapCtrlSecret: secret },
  clusterDefaults: new Map([[clusterKey(one), { dhchapSecret: other }]]),
  hostid: null,
};

const pathOf = (cluster: Cluster, subsysnqn = "nqn.2024-01.io.example:volume") => ({ cluster, subsysnqn });

Deno.test("connectDefaultsOf() takes each option of the cluster before those of all", () => {
  assertEquals(connectDefaultsOf(policy, pathOf(one)), { ...policy.connectDefaults, dhchapSecret: other });
  assert(connectDefaultsOf(policy, pathOf(one)).dhchapSecret === other);
  for (const cluster of [two, { ...one, hostnqn: `${one.hostnqn}2` }]) {
    assert(connectDefaultsOf(policy, pathOf(cluster)) === policy.connectDefaults);
  }
  assertEquals(
    connectDefaultsOf({ ...policy, clusterDefaults: undefined }, pathOf(one)),
    policy.connectDefaults,
  );
});

Deno.test("secretsProblem() wants the host's secret beside the controller's, wherever they come from", () => {
  const host = { dhchapSecret: secret };
  const ctrl = { dhchapCtrlSecret: secret };
  const good = [[{}, {}], [host, {}], [host, ctrl], [ctrl, host], [{}, { ...host, ...ctrl }]] as const;
  for (const [defaults, options] of good) assertEquals(secretsProblem(defaults, options), null);
  for (const [defaults, options] of [[ctrl, {}], [{}, ctrl]] as const) {
    assert(secretsProblem(defaults, options)?.includes("the host has none"));
  }
});

Deno.test("connectDefaultsOf() answers those of the subsystem where the cluster has no name, and only there", () => {
  const [mine, other] = [new Secret("a"), new Secret("b")];
  const hostnqn = "nqn.2024-01.io.example:host";
  const subsysnqn = "nqn.2024-01.io.example:volume";
  const policy = {
    dryRun: false,
    hostid: null,
    connectDefaults: { dhchapSecret: other, nrIoQueues: 4 },
    clusterDefaults: new Map([[clusterKey({ hostnqn, subsysnqn }), { dhchapSecret: mine }]]),
  };
  const unnamed = { hostnqn, subsysnqn: discoveryNqn };
  assertEquals(connectDefaultsOf(policy, { cluster: unnamed, subsysnqn }), {
    dhchapSecret: mine,
    nrIoQueues: 4,
  });
  const another = { cluster: { hostnqn, subsysnqn: "nqn.2024-01.io.example:cluster" }, subsysnqn };
  assertEquals(connectDefaultsOf(policy, another), policy.connectDefaults);
});

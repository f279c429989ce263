import { assertEquals } from "../assert.ts";
import { clusterKey, clusterLabel } from "../../src/model/cluster.ts";
import { endpointKey, endpointLabel } from "../../src/model/endpoint.ts";

const endpoint = {
  cluster: { subsysnqn: "nqn.2016-01.com.example:s", hostnqn: "nqn.2014-08.org.example:h" },
  transport: "tcp",
  traddr: "10.0.0.1",
  trsvcid: 8009,
};

Deno.test("endpointKey() differs with each part of what an endpoint is, and with nothing else", () => {
  const others = [
    { ...endpoint, traddr: "10.0.0.2" },
    { ...endpoint, trsvcid: 8010 },
    { ...endpoint, cluster: { ...endpoint.cluster, subsysnqn: "nqn.2016-01.com.example:t" } },
    { ...endpoint, cluster: { ...endpoint.cluster, hostnqn: "nqn.2014-08.org.example:i" } },
    { ...endpoint, cluster: { subsysnqn: endpoint.cluster.hostnqn, hostnqn: endpoint.cluster.subsysnqn } },
  ];
  assertEquals(new Set([endpoint, ...others].map(endpointKey)).size, others.length + 1);
  const dressed = { ...endpoint, hostid: "x", source: "referral", options: { tls: true } };
  assertEquals(endpointKey(dressed), endpointKey(endpoint));
});

Deno.test("clusterKey() tells host and subsystem apart", () => {
  const { subsysnqn, hostnqn } = endpoint.cluster;
  assertEquals(
    clusterKey({ subsysnqn, hostnqn }) === clusterKey({ subsysnqn: hostnqn, hostnqn: subsysnqn }),
    false,
  );
});

Deno.test("labels are for people", () => {
  assertEquals(endpointLabel(endpoint), "10.0.0.1:8009");
  assertEquals(endpointLabel({ ...endpoint, traddr: "fe80::1%eth0" }), "[fe80::1%eth0]:8009");
  assertEquals(clusterLabel(endpoint.cluster), "nqn.2016-01.com.example:s for nqn.2014-08.org.example:h");
});

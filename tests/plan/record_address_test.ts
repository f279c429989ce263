import type { ConnectOptions } from "../../src/model/connect_options.ts";
import { discoveryNqn, transportType } from "../../src/nvme/spec.ts";
import { clusterKey } from "../../src/model/cluster.ts";
import { plan } from "../../src/plan/plan.ts";
import { recordAddress } from "../../src/plan/record_address.ts";
import { assert, assertEquals } from "../assert.ts";
import { cluster, endpoint, entry, facts, list, live, member, nvm, referral } from "./fact_samples.ts";

const sub = "nqn.2024-01.io.example:x";

/** Where a record with this address leads from an endpoint's log; a refusal begins with `refused`. */
function leadsTo(traddr: string, from = "10.0.0.1", options: ConnectOptions = {}): string {
  const record = { ...nvm("10.1.0.1:4420", sub), traddr };
  const address = recordAddress(record, { traddr: from, options });
  return address.problem === undefined ? address.traddr : `refused: ${address.problem}`;
}

Deno.test("recordAddress() gives canonical addresses", () => {
  assertEquals(leadsTo("10.1.0.1"), "10.1.0.1");
  assertEquals(leadsTo("FD00:0:0::1"), "fd00::1");
  assertEquals(leadsTo("::ffff:10.1.0.1"), "10.1.0.1");
});

Deno.test("recordAddress() gives a link-local address the link of its reporter, and no other", () => {
  assertEquals(leadsTo("fe80::2", "fe80::1%eth0"), "fe80::2%eth0");
  assertEquals(leadsTo("FEBF::2", "fe80::1%eth0"), "febf::2%eth0");
  assertEquals(leadsTo("fe80::2%eth1", "fe80::1%eth0"), "fe80::2%eth1");
  assertEquals(leadsTo("fe80::2", "10.0.0.1", { hostIface: "eth2" }), "fe80::2%eth2");
  assertEquals(leadsTo("fe80::2", "10.0.0.1"), "fe80::2", "Nothing says which link");
  assertEquals(leadsTo("fec0::2", "fe80::1%eth0"), "fec0::2");
  assertEquals(leadsTo("fd00::2", "fe80::1%eth0"), "fd00::2");
  assertEquals(leadsTo("10.1.0.1", "fe80::1%eth0"), "10.1.0.1");
});

for (const traddr of ["0.0.0.0", "::", "0:0:0:0:0:0:0:0", "::0", "::ffff:0.0.0.0", "::%eth0"]) {
  Deno.test(`recordAddress() refuses ${traddr}, which would be this very host`, () => {
    assert(leadsTo(traddr).startsWith(`refused: TRADDR ${traddr} is no address to connect to`));
  });
}

Deno.test("recordAddress() refuses other transports and what the decoder refused", () => {
  const reporter = endpoint("a");
  const rdma = { ...nvm("10.1.0.1:4420", sub), trtype: transportType.rdma };
  assertEquals(recordAddress(rdma, reporter).problem, "transport type 1 (rdma) is not supported, only TCP");
  const unknown = { ...rdma, trtype: 77 };
  assertEquals(recordAddress(unknown, reporter).problem, "transport type 77 is not supported, only TCP");
  const hostile = { ...nvm("10.1.0.1:4420", sub), problem: "it holds a comma" };
  assertEquals(recordAddress(hostile, reporter).problem, "it holds a comma");
});

/** Active members after one pass over this log of `name`, and what was refused. */
function follow(name: string, ...records: ReturnType<typeof referral>[]) {
  const { list: planned, wanted } = plan(
    facts({
      entries: [entry(name)],
      list: list(member(name)),
      sessions: new Map([live(name, ...records)]),
    }),
    0,
  );
  const members = planned.get(clusterKey(cluster))!.members.map((it) => it.endpoint.traddr);
  return { members, refused: wanted.refused };
}

Deno.test("plan() follows a link-local referral on the link of its reporter", () => {
  const { members, refused } = follow("[fe80::1%eth0]:8009", referral("[fe80::2]:8009"));
  assertEquals([members, refused], [["fe80::1%eth0", "fe80::2%eth0"], []]);
});

Deno.test("plan() takes an endpoint that names itself without its link for itself", () => {
  assertEquals(follow("[fe80::1%eth0]:8009", referral("[fe80::1]:8009")).members, ["fe80::1%eth0"]);
});

Deno.test("plan() follows no referral to all addresses or by another transport, and tells of each", () => {
  const wildcard = { ...referral("b"), traddr: "::" };
  const rdma = { ...referral("c"), trtype: transportType.rdma };
  const { members, refused } = follow("a", wildcard, rdma, referral("d"));
  assertEquals(members, ["10.0.0.1", "10.0.0.4"]);
  assertEquals(refused.map(({ endpoint, subnqn, traddr }) => [endpoint, subnqn, traddr]), [
    ["10.0.0.1:8009", discoveryNqn, "::"],
    ["10.0.0.1:8009", discoveryNqn, "10.0.0.3"],
  ]);
});

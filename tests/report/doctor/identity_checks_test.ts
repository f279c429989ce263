import type { Controller } from "../../../src/model/controller.ts";
import { identityFindings, type IdentityReading } from "../../../src/report/doctor/identity_checks.ts";
import { assert, assertEquals } from "../../assert.ts";

const uuid = "3727683d-0a94-4075-b94d-3f6b628c0e31";
const other = "441bf04f-d038-4f78-9749-b8e9b3cace19";
const hostnqn = `nqn.2014-08.org.nvmexpress:uuid:${uuid}`;

const well: IdentityReading = {
  hostnqn,
  hostid: uuid,
  isDerived: false,
  machineUuid: uuid,
  wanted: [{ hostnqn, hostid: uuid, origin: "cluster:1" }],
  controllers: [],
};

function controller(name: string, nqn: string, hostid: string): Controller {
  return {
    name,
    instance: 0,
    transport: "tcp",
    state: "live",
    subsysnqn: "nqn.2024-01.io.example:s",
    address: { traddr: "10.0.0.1", trsvcid: "4420" },
    hostnqn: nqn,
    hostid,
  };
}

function find(change: Partial<IdentityReading>, check: string) {
  return identityFindings({ ...well, ...change }).filter((finding) => finding.check === check);
}

Deno.test("identityFindings() finds nothing wrong with an identity of this host alone", () => {
  assertEquals(identityFindings(well).map(({ verdict }) => verdict), ["ok", "ok", "ok"]);
});

Deno.test("identityFindings() tells identifiers that many hosts have", () => {
  const common = [
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "00112233-4455-6677-8899-aabbccddeeff",
  ];
  for (const hostid of common) {
    const [found] = find({ hostid }, "host identifier");
    assertEquals([found?.verdict, found?.message.startsWith(hostid)], ["failure", true]);
  }
  assertEquals(find({ hostid: null }, "host identifier")[0]?.verdict, "warning");
});

Deno.test("identityFindings() says where an identifier comes from, and that it is not the host NQN's", () => {
  const [found] = find({ hostid: other, isDerived: true }, "host identifier");
  assertEquals(found?.verdict, "ok");
  assert(/made of what is known.*another UUID/.test(found!.message), found!.message);
});

Deno.test("identityFindings() tells a host NQN that cannot be used, and a file that is of no use", () => {
  assertEquals(find({ hostnqn: "x".repeat(300) }, "host NQN")[0]?.verdict, "failure");
  assertEquals(
    find({ problem: "Cannot use /etc/nvme/hostnqn: it is empty" }, "host NQN")[0]?.verdict,
    "failure",
  );
  assertEquals(find({ hostnqn: null }, "host NQN")[0]?.verdict, "ok");
});

Deno.test("identityFindings() tells each entry that the kernel will refuse, the controller in the way, and what to do", () => {
  const holder = "nqn.2014-08.org.example:somebody-else";
  const controllers = [controller("nvme7", holder, uuid)];
  const [found, ...more] = find({ controllers }, "identities in use");
  assertEquals([found?.verdict, more.length], ["failure", 0]);
  for (const word of ["cluster:1", "EINVAL", "nvme7", holder]) {
    assert(found!.message.includes(word), found!.message);
  }
  assert(found!.advice!.includes("-I"), found!.advice!);
});

Deno.test("identityFindings() says whether an identifier is the machine's own", () => {
  const told = (machineUuid: string | null) => find({ machineUuid }, "host identifier")[0]!.message;
  assert(told(uuid).endsWith(", the machine's UUID"), told(uuid));
  assert(/not the machine's UUID: drawn once, or of another machine/.test(told(other)), told(other));
  assert(/for root to see/.test(told("forbidden")), told("forbidden"));
  assertEquals(told(null), uuid);
});

Deno.test("identityFindings() tells a host NQN, and an entry's identifier, that many hosts have", () => {
  const common = "00112233-4455-6677-8899-aabbccddeeff";
  const [name] = find({ hostnqn: `nqn.2014-08.org.nvmexpress:uuid:${common}` }, "host NQN");
  assertEquals(name?.verdict, "failure");
  assert(/example or a copied image/.test(name!.message), name!.message);
  const [entry] = find({ wanted: [{ hostnqn, hostid: common, origin: "cluster:7" }] }, "identities in use");
  assertEquals(entry?.verdict, "warning");
  assert(entry!.message.startsWith(`cluster:7 goes by host identifier ${common}`), entry!.message);
});

/** What hosts were told: noted when it is read, in whatever spelling, and never by asking. */
import { decodeLogHeader, decodeLogRecords } from "../../src/nvme/discovery_log.ts";
import { discoveryNqn, recordSubtype, transportType } from "../../src/nvme/spec.ts";
import { assert, assertEquals } from "../assert.ts";
import { ControllerMachine } from "./controller_machine.ts";
import { Fabric } from "./fabric.ts";
import { FabricHost, hostA, hostB } from "./fabric_host.ts";
import type { FabricRecord } from "./fabric_log.ts";
import { canonicalPlace, pageDigest } from "./served.ts";

const sub1 = "nqn.2024-01.org.example:sub1";

function newHost(fabric: Fabric, hostnqn = hostA): FabricHost {
  return new FabricHost(new ControllerMachine({ fabric, nodeId: "n1" })).start({ hostnqn });
}

/** The digest of the log as a host decodes it. */
function digestOf(page: Uint8Array): string {
  const { genctr, numrec } = decodeLogHeader(page);
  return pageDigest(genctr, decodeLogRecords(page.subarray(1024), numrec));
}

Deno.test("Served holds what a host read, and nothing for a test that asks", () => {
  const fabric = Fabric.build({ nodes: 2, subsystems: 1 });
  fabric.logPage("n1", hostA);
  fabric.discoveryLog("n1", hostA);
  const { served } = fabric;
  assertEquals([served.named(hostA).size, served.referred(hostA).size, served.pages("n1", hostA).size], [
    0,
    0,
    0,
  ]);
  newHost(fabric).readLog();
  assertEquals([...served.named(hostA)], [`10.0.0.1 4420 ${sub1}`]);
  assertEquals([...served.referred(hostA)], ["10.0.0.2 8009"]);
  assertEquals([...served.pages("n1", hostA)], [digestOf(fabric.logPage("n1", hostA))]);
  assertEquals([served.named(hostB).size, served.pages("n2", hostA).size, served.pages("n1", hostB).size], [
    0,
    0,
    0,
  ]);
});

Deno.test("Served keeps every page that stood while a log was read in pieces, and what is gone since", () => {
  const fabric = Fabric.build({ nodes: 2, subsystems: 1 });
  const host = newHost(fabric);
  const digests = [digestOf(fabric.logPage("n1", hostA))];
  host.readLog({ bytes: 1024 });
  fabric.addSubsystem("nqn.2024-01.org.example:late");
  digests.push(digestOf(fabric.logPage("n1", hostA)));
  host.readLog({ offset: 1024, bytes: 1024 });
  fabric.removeSubsystem(sub1);
  const unread = digestOf(fabric.logPage("n1", hostA));
  fabric.removeReferral("n1", "n2");
  digests.push(digestOf(fabric.logPage("n1", hostA)));
  host.readLog({ offset: 2048, bytes: 1024 });
  const pages = fabric.served.pages("n1", hostA);
  assertEquals([...pages], digests);
  assert(!pages.has(unread), "A page that nobody read was kept");
  assert(fabric.served.named(hostA).has(`10.0.0.1 4420 ${sub1}`));
});

Deno.test("Served tells pages of one generation apart after a restart, and generations of one page", () => {
  const fabric = Fabric.build({ nodes: 1, subsystems: 1 });
  const host = newHost(fabric);
  host.readLog();
  fabric.touch("n1");
  host.readLog();
  const one = [...fabric.served.pages("n1", hostA)];
  assertEquals(one.map((digest) => digest.split(":")[0]), ["1", "2"]);
  assertEquals(new Set(one.map((digest) => digest.split(":")[2])).size, 1);
  fabric.restartNode("n1");
  fabric.addSubsystem("nqn.2024-01.org.example:other");
  newHost(fabric).readLog();
  const generations = [...fabric.served.pages("n1", hostA)].map((digest) => digest.split(":"));
  assertEquals(generations.map(([genctr]) => genctr), ["1", "2", "1"]);
  assertEquals(new Set(generations.map(([, , hash]) => hash)).size, 2);
});

Deno.test("Served writes addresses in one spelling, without padding, and leaves out what is no name over TCP", () => {
  const fabric = Fabric.build({ nodes: 1, subsystems: 0 });
  const nvm = { trsvcid: "4420", subnqn: sub1 };
  const records: FabricRecord[] = [
    { ...nvm, traddr: "::ffff:10.0.0.7" },
    { ...nvm, traddr: "FD00:0:0:0:0:0:0:1  ", trsvcid: "4420 ", subnqn: `${sub1} ` },
    { ...nvm, traddr: "10.0.0.8\0behind", subnqn: `${sub1}\0behind` },
    { ...nvm, traddr: "Not-An-Address." },
    { ...nvm, traddr: "10.0.0.9", trtype: transportType.rdma },
    { ...nvm, traddr: "10.0.0.9", subtype: 4 },
    { raw: new Uint8Array(1024).fill(2) },
    { subtype: recordSubtype.referral, traddr: "fd00::0:2", trsvcid: "8009", subnqn: discoveryNqn },
  ];
  fabric.injectRecords("n1", records);
  newHost(fabric).readLog();
  assertEquals([...fabric.served.named(hostA)], [
    `10.0.0.7 4420 ${sub1}`,
    `fd00::1 4420 ${sub1}`,
    `10.0.0.8 4420 ${sub1}`,
    `Not-An-Address. 4420 ${sub1}`,
  ]);
  assertEquals([...fabric.served.referred(hostA)], ["fd00::2 8009"]);
});

Deno.test("Served digests a page as a host decodes it, strange text and all", () => {
  const fabric = Fabric.build({ nodes: 1, subsystems: 1 });
  fabric.injectRecords("n1", [
    { traddr: "10.0.0.9 ", trsvcid: "4420", subnqn: "nqn.2024-01.org.example:ü\n" },
    { traddr: "DHHC-1:00:x", trsvcid: "4420", subnqn: "nqn.2024-01.org.example:DHHC-1:00:AAAA:" },
    { traddr: "10.0.0.9\0x", trsvcid: "-1:", subnqn: "a b" },
    { raw: new Uint8Array(1024).fill(0xff) },
  ]);
  newHost(fabric).readLog();
  assertEquals([...fabric.served.pages("n1", hostA)], [digestOf(fabric.logPage("n1", hostA))]);
});

Deno.test("pageDigest() differs with every field, with order and with generation", () => {
  const record = { subtype: 2, traddr: "10.0.0.1", trsvcid: "4420", subnqn: sub1 };
  const other = { ...record, traddr: "10.0.0.2" };
  const digests = [
    pageDigest(1n, [record, other]),
    pageDigest(1n, [other, record]),
    pageDigest(2n, [record, other]),
    pageDigest(1n, [record]),
    pageDigest(1n, []),
    ...[{ subtype: 1 }, { traddr: "10.0.0.3" }, { trsvcid: "4421" }, { subnqn: "a" }].map((change) =>
      pageDigest(1n, [{ ...record, ...change }])
    ),
  ];
  assertEquals(new Set(digests).size, digests.length);
});

Deno.test("canonicalPlace() knows thousands of addresses, one after the other", () => {
  for (let round = 0; round < 2; round++) {
    for (let at = 1; at <= 3_000; at++) {
      const group = at.toString(16);
      assertEquals(canonicalPlace(`FD00:0::${group.toUpperCase()}:1`, "1 "), `fd00::${group}:1 1`);
      assertEquals(canonicalPlace(`::ffff:10.0.0.${at % 256}`, " 1"), `10.0.0.${at % 256}  1`);
    }
  }
});

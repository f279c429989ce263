/** Defects of the predecessor in what it had the kernel connect, and as whom; and in what it made of sysfs. */
import { formatHostId, parseHostId } from "../../src/nvme/nqn.ts";
import { recordSubtype, transportType } from "../../src/nvme/spec.ts";
import { readControllers } from "../../src/io/sysfs.ts";
import { detectEntries } from "../../src/config/detected_entries.ts";
import { assert, assertEquals } from "../assert.ts";
import { HostTree } from "../cli/host_tree.ts";
import type { FabricRecord } from "../fabric/fabric_log.ts";
import { cluster, FabricWorld, hostid, hostnqn } from "../sim/fabric_world.ts";

const ownHostid = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

/** Host identifiers in the Connect data that go to each address from now on. */
function watchHostIds(world: FabricWorld): Map<string, Set<string>> {
  const seen = new Map<string, Set<string>>();
  const { network } = world.memory;
  const dial = network.dial.bind(network);
  network.dial = async (target, signal) => {
    const connection = await dial(target, signal);
    const write = connection.write.bind(connection);
    connection.write = (bytes) => {
      const ids = seen.get(target.traddr) ?? new Set();
      // CapsuleCmd with 1024 bytes behind its SQE: Connect, whose data begin with the identifier.
      if (bytes[0] === 4 && bytes.length === 72 + 1_024) {
        seen.set(target.traddr, ids.add(hostIdAt(bytes, 72)));
      }
      return write(bytes);
    };
    return connection;
  };
  return seen;
}

function hostIdAt(bytes: Uint8Array, offset: number): string {
  return formatHostId(bytes.subarray(offset, offset + 16));
}

Deno.test("endpoints from referrals keep the host's identity, on the wire, in the kernel and in memory", async () => {
  assert(parseHostId(ownHostid) !== null && hostid !== String(ownHostid), "Precondition: it is no default");
  const world = new FabricWorld({ nodes: 3, subsystems: 1, topology: "ring" });
  const seen = watchHostIds(world);
  const line = `-t tcp -a 10.0.0.1 -q ${hostnqn} -n ${cluster.subsysnqn} -I ${ownHostid}\n`;
  world.memory.configDir.write("cluster", line);
  await world.start();
  await world.untilLive(3, 5_000);
  const expected = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => [address, [ownHostid]]);
  assertEquals([...seen].map(([address, ids]) => [address, [...ids]]).sort(), expected);
  const { kernel, store, clock } = world.memory;
  assertEquals(kernel.list().map((controller) => controller.hostid), [ownHostid, ownHostid, ownHostid]);
  await clock.advance(1_000);
  const saved = () => (JSON.parse(store.text!).entries as { Hostid: string }[]).map(({ Hostid }) => Hostid);
  assertEquals(saved(), [ownHostid, ownHostid, ownHostid]);
  // After a restart too, while the one that is configured is gone.
  world.crash();
  world.fabric.setNodeDown("n1");
  seen.clear();
  await world.start();
  await clock.advance(10_000);
  assertEquals([...seen].map(([address, ids]) => [address, [...ids]]).sort(), expected.slice(1));
  await world.stop();
});

const record = (change: FabricRecord): FabricRecord => ({
  trtype: transportType.tcp,
  adrfam: 1,
  subtype: recordSubtype.nvm,
  portid: 1,
  traddr: "10.0.0.1",
  trsvcid: "4420",
  subnqn: "nqn.2024-01.org.example:other",
  ...change,
});

/** What an agent made of these records beside a good one; answers the connects that the kernel was asked for. */
async function connectsAfter(records: readonly FabricRecord[]) {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  world.fabric.injectRecords("n1", records);
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(1, 5_000);
  await world.memory.clock.advance(120_000);
  const { refused } = world.agent.snapshot();
  const endpoints = world.endpoints();
  const dialed = [...world.memory.network.counts.dialsTo.keys()].sort();
  await world.stop();
  world.memory.assertClean();
  return { texts: world.memory.kernel.connects.map(({ text }) => text), refused, endpoints, dialed };
}

Deno.test("what a log names over another transport is neither connected nor followed as tcp", async () => {
  const others = [transportType.rdma, transportType.fc, transportType.loop, 0, 77];
  const records = others.flatMap((trtype) => [
    record({ trtype }),
    record({ trtype, subtype: recordSubtype.referral, traddr: "10.0.0.2", trsvcid: "8009" }),
  ]);
  const { texts, endpoints, dialed } = await connectsAfter(records);
  assertEquals([texts.length, endpoints, dialed.filter((to) => !to.startsWith("10.0.0.1:"))], [1, [
    "10.0.0.1:8009",
  ], []]);
  assert(!texts[0]!.includes("example:other"), texts[0]);
  const control = await connectsAfter([record({})]);
  assert(
    control.texts.length > 1 && control.texts[1]!.includes("example:other"),
    "Precondition: tcp is connected",
  );
});

Deno.test("a log's strings add no option to a connect, and each such record is refused with a reason", async () => {
  const injections = [
    { subnqn: "nqn.2024-01.org.example:x,hostnqn=nqn.2024-01.org.example:evil" },
    { subnqn: "nqn.2024-01.org.example:x,dhchap_secret=evil" },
    { subnqn: "nqn.2024-01.org.example:x\nevil" },
    { traddr: "10.0.0.1,host_iface=evil" },
    { traddr: "10.0.0.1,hostid=evil" },
    { trsvcid: "4420,evil=1" },
    { trsvcid: "4420\nevil" },
    { subtype: recordSubtype.referral, traddr: "10.0.0.2,evil", trsvcid: "8009" },
  ];
  const { texts, refused, endpoints } = await connectsAfter(injections.map(record));
  assertEquals([texts.length, endpoints], [1, ["10.0.0.1:8009"]]);
  assert(texts.every((text) => !text.includes("evil")), texts.join("\n"));
  assertEquals(refused.length, injections.length);
  assert(refused.every(({ reason }) => reason.length > 5));
});

Deno.test("auto-detection finds controllers with src_addr, over IPv6 and beyond nvme9", async () => {
  await using tree = await HostTree.make();
  const subsysnqn = "nqn.2016-01.com.lightbitslabs:uuid:volumes";
  const addresses: Record<string, string> = {
    nvme1: "traddr=10.0.0.1,trsvcid=4420",
    nvme2: "traddr=10.0.0.2,trsvcid=4420,src_addr=10.0.9.9",
    nvme3: "traddr=10.0.0.3,trsvcid=4420,host_traddr=10.0.9.9,host_iface=eth0,src_addr=10.0.9.9",
    nvme4: "traddr=fd00::4,trsvcid=4420,src_addr=fd00::9",
    nvme5: "traddr=fe80::5%eth0,trsvcid=4420",
    nvme10: "traddr=10.0.0.10,trsvcid=4420",
    nvme123: "traddr=fd00::123,trsvcid=4420",
  };
  for (const [name, address] of Object.entries(addresses)) {
    await tree.addController({ name, subsysnqn, cntrltype: "io" });
    const directory = `sys/class/nvme/${name}`;
    await tree.write(`${directory}/address`, `${address}\n`);
    await tree.write(`${directory}/hostnqn`, `${hostnqn}\n`);
    await tree.write(`${directory}/hostid`, `${hostid}\n`);
  }
  const controllers = await readControllers(`${tree.root}/sys/class/nvme`);
  const { entries, skipped } = detectEntries(controllers, {
    subsystemMatch: ["com.lightbitslabs"],
    discoveryServicePort: 8009,
  });
  assertEquals(skipped, []);
  assertEquals(entries.map(({ traddr }) => traddr), [
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.3",
    "fd00::4",
    "fe80::5%eth0",
    "10.0.0.10",
    "fd00::123",
  ]);
  assertEquals(
    new Set(entries.map((entry) => `${entry.cluster.hostnqn} ${entry.hostid} ${entry.trsvcid}`)),
    new Set([
      `${hostnqn} ${hostid} 8009`,
    ]),
  );
});

/** What doctor finds on its way through a fabric in memory, in virtual time: each fault by its name. */
import { KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { examineNetwork, type NetworkReading } from "../../src/cli/doctor_network.ts";
import type { NetworkOptions, NetworkSights } from "../../src/cli/doctor_steps.ts";
import type { Controller } from "../../src/model/controller.ts";
import type { Entry } from "../../src/model/entry.ts";
import { checkControllers } from "../../src/report/doctor/controller_checks.ts";
import type { Finding } from "../../src/report/doctor/finding.ts";
import { endpointFinding, pathFinding } from "../../src/report/doctor/network_checks.ts";
import { checkWay } from "../../src/report/doctor/way_checks.ts";
import { assert, assertEquals } from "../assert.ts";
import { cluster, FabricWorld, hostid, hostnqn } from "../sim/fabric_world.ts";

const sub = "nqn.2024-01.org.example:sub1";

/** A host on jumbo frames over which all comes and goes. */
const sights: NetworkSights = {
  routeTo: () => ({ sourceAddress: "10.0.0.100", mtuBytes: 9_000 }),
  interfaceOf: () => Promise.resolve({ name: "eth1", mtu: 9_000 }),
  tcpTermsWith: () =>
    Promise.resolve({ sendBytesMax: 8_948, receiveBytesMax: 8_948, pathMtuBytes: 9_000, roundTripMs: 0.2 }),
  echoOf: () => Promise.resolve("back"),
};

function entry(traddr: string, trsvcid = 8009, more: Partial<Entry> = {}): Entry {
  const origin = { file: "one", line: 1 };
  return { cluster, transport: "tcp", traddr, trsvcid, persistent: true, options: {}, origin, ...more };
}

interface Exam extends NetworkReading {
  /** `ok 10.0.0.1:8009`, of each group in its order. */
  readonly verdicts: string[];
  finding(check: string): Finding;
}

async function examine(
  world: FabricWorld,
  entries: readonly Entry[],
  change: Partial<NetworkOptions> = {},
): Promise<Exam> {
  const { clock, network } = world.memory;
  let reading: NetworkReading | undefined;
  examineNetwork(entries, {
    sights,
    world: { clock, dialer: network, resolver: network },
    katoMs: 10_000,
    auxSuffix: "",
    controllers: [],
    hostidOf: () => hostid,
    narrow: null,
    agentReasons: null,
    onProgress: () => {},
    ...change,
  }).then((found) => reading = found);
  await clock.runUntil(() => reading !== undefined, limits.doctorMs + limits.doctorEndpointMs, "The exam");
  const { endpoints, ways, paths } = reading!;
  const findings = [...endpoints.map(endpointFinding), ...ways.map(checkWay), ...paths.map(pathFinding)];
  return {
    ...reading!,
    verdicts: findings.map(({ verdict, check }) => `${verdict} ${check}`),
    finding: (check) => {
      const found = findings.find((finding) => finding.check === check);
      assert(found !== undefined, `${check} in ${findings.map((finding) => finding.check).join(", ")}`);
      return found;
    },
  };
}

function live(traddr: string, change: Partial<Controller> = {}): Controller {
  return {
    name: "nvme0",
    instance: 0,
    transport: "tcp",
    state: "live",
    subsysnqn: sub,
    address: { traddr, trsvcid: "4420" },
    hostnqn,
    ...change,
  };
}

Deno.test("examineNetwork() finds nothing where all is well, and asks each port once", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1 });
  const controllers = [live("10.0.0.1"), live("10.0.0.2", { name: "nvme1" })];
  const found = await examine(world, [entry("10.0.0.1")], { controllers });
  assertEquals(found.verdicts, [
    "ok 10.0.0.1:8009",
    "ok 10.0.0.2:8009",
    "ok way to 10.0.0.1",
    "ok way to 10.0.0.2",
    `ok ${sub} at 10.0.0.1:4420`,
    `ok ${sub} at 10.0.0.2:4420`,
  ]);
  assertEquals(
    found.endpoints[0]!.steps.map(({ name }) => name),
    ["route", "TCP", "ICResp", "Connect", "Identify", "log"],
  );
  assertEquals([found.isComplete, found.leftOut, found.refused.length], [true, null, 0]);
  assertEquals(checkControllers({ ...found, controllers })[0]?.message, "2 over TCP, each named by a log");
  assertEquals(world.memory.network.counts.dialsTo.get("10.0.0.1:4420"), 1);
  assertEquals(world.memory.network.openSockets, 0, "every connection is closed");
});

Deno.test("examineNetwork() tells a node that is down from one that swallows, and goes on with the others", async () => {
  const world = new FabricWorld({ nodes: 3, subsystems: 1 });
  world.fabric.setNodeDown("n2");
  world.memory.network.setFault("10.0.0.3", { swallow: "both" });
  const startMs = world.memory.clock.nowMs();
  const found = await examine(world, [entry("10.0.0.1"), entry("10.0.0.2"), entry("10.0.0.3")], {
    controllers: [live("10.0.0.1")],
  });
  assertEquals(found.verdicts.slice(0, 3), [
    "ok 10.0.0.1:8009",
    "failure 10.0.0.2:8009",
    "failure 10.0.0.3:8009",
  ]);
  const [down, silent] = [found.finding("10.0.0.2:8009"), found.finding("10.0.0.3:8009")];
  assert(
    /ECONNREFUSED.*failed at TCP/.test(down.message) && /does the target run/.test(down.advice!),
    down.message,
  );
  assert(/no answer.*failed at TCP/.test(silent.message) && /firewall/.test(silent.advice!), silent.message);
  assertEquals(found.isComplete, false);
  assert(world.memory.clock.nowMs() - startMs < 2 * limits.dialTimeoutMs, "both at once");
});

Deno.test("examineNetwork() tells a port that accepts and says nothing", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  world.memory.network.setFault("10.0.0.1:8009", { mute: true });
  const { message, advice } = (await examine(world, [entry("10.0.0.1")])).finding("10.0.0.1:8009");
  assert(/No ICResp.*failed at ICResp/.test(message), message);
  assert(/accepts connections and says nothing/.test(advice!), advice);
});

Deno.test("examineNetwork() names an I/O port in an entry", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  const { message, verdict } = (await examine(world, [entry("10.0.0.1", 4420)])).finding("10.0.0.1:4420");
  assertEquals(verdict, "failure");
  assert(message.startsWith("This port speaks NVMe/TCP and is not for discovery: "), message);
});

Deno.test("examineNetwork() names a discovery port in a log's record for a volume", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1, mesh: false });
  const { fabric } = world;
  const other = "nqn.2024-01.org.example:elsewhere";
  const [record] = fabric.discoveryLog("n1", hostnqn).filter(({ subnqn }) => subnqn === sub);
  assert(record !== undefined);
  fabric.injectRecords("n1", [{ ...record, subnqn: other, traddr: "10.0.0.2", trsvcid: "8009" }]);
  const found = (await examine(world, [entry("10.0.0.1")])).finding(`${other} at 10.0.0.2:8009`);
  assertEquals(found.verdict, "failure");
  assert(found.message.startsWith("This port answers as a discovery controller: "), found.message);
});

Deno.test("examineNetwork() names the status by which a target refuses a host, while the kernel retries as well", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  const { fabric } = world;
  fabric.setStale("n1", true);
  fabric.setAnyHost(sub, false);
  for (const controllers of [[], [live("10.0.0.1", { state: "connecting" })]]) {
    const found = (await examine(world, [entry("10.0.0.1")], { controllers })).finding(
      `${sub} at 10.0.0.1:4420`,
    );
    assertEquals(found.verdict, "failure");
    assert(/Connect Invalid Host/.test(found.message), found.message);
    assertEquals(/nvme0 is connecting/.test(found.message), controllers.length > 0);
    assert(found.advice!.startsWith(`Allow host NQN ${hostnqn}`), found.advice);
  }
});

Deno.test("examineNetwork() repeats what the agent says of a path that is not live", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  const agentReasons = new Map([[`${sub} 10.0.0.1:4420 ${hostnqn}`, "waiting for 5 s"]]);
  const found = (await examine(world, [entry("10.0.0.1")], { agentReasons })).finding(
    `${sub} at 10.0.0.1:4420`,
  );
  assert(/no controller is free.*; the agent says: waiting for 5 s$/.test(found.message), found.message);
});

Deno.test("examineNetwork() tells a name that nobody knows, one that is not answered, and goes where a name leads", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  const { network } = world.memory;
  network.setName("node1.example", ["10.0.0.1"]);
  network.setName("slow.example", "hang");
  const names = ["node1.example", "gone.example", "slow.example"];
  const found = await examine(world, names.map((name) => entry(name)));
  assertEquals(found.verdicts.slice(0, 3), [
    "ok node1.example:8009",
    "failure gone.example:8009",
    "failure slow.example:8009",
  ]);
  assert(/no such name.*failed at name/.test(found.finding("gone.example:8009").message));
  assert(
    /No answer for slow\.example within 30 s.*failed at name/.test(
      found.finding("slow.example:8009").message,
    ),
  );
  assertEquals(found.endpoints[0]!.steps[0]!.name, "name");
});

Deno.test("examineNetwork() stops at the route where there is none, and dials nothing", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  const without: NetworkSights = {
    ...sights,
    routeTo: ({ traddr }) => {
      throw new KernelError(
        "ENETUNREACH",
        `Cannot find a way to ${traddr}: ENETUNREACH (the network is unreachable)`,
      );
    },
  };
  const { message, advice } = (await examine(world, [entry("10.0.0.1")], { sights: without })).finding(
    "10.0.0.1:8009",
  );
  assert(/the network is unreachable.*failed at route/.test(message), message);
  assert(/ip route get/.test(advice!), advice);
  assertEquals(world.memory.network.counts.dials, 0);
});

Deno.test("examineNetwork() goes on without what a host cannot tell of its routes", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  const blind: NetworkSights = {
    ...sights,
    routeTo: () => {
      throw new KernelError("no-ffi", "Cannot load libc.so.6");
    },
  };
  const found = await examine(world, [entry("10.0.0.1")], { sights: blind, controllers: [live("10.0.0.1")] });
  assertEquals(found.verdicts, ["ok 10.0.0.1:8009", `ok ${sub} at 10.0.0.1:4420`]);
});

Deno.test("examineNetwork() finds a way that swallows large packets, by a second try as well", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  let lost = 0;
  const lossy = (losses: number): NetworkSights => ({
    ...sights,
    echoOf: (_target, bytes) => Promise.resolve(bytes < 1_500 || ++lost > losses ? "back" : "lost"),
  });
  const once = await examine(world, [entry("10.0.0.1")], { sights: lossy(1) });
  assertEquals(once.finding("way to 10.0.0.1").verdict, "ok", "one packet may be lost by chance");
  lost = 0;
  const always = await examine(world, [entry("10.0.0.1")], { sights: lossy(Infinity) });
  const { verdict, message } = always.finding("way to 10.0.0.1");
  assertEquals([verdict, lost], ["failure", 2]);
  assert(/^Packets of 9000 bytes do not get there/.test(message), message);
});

Deno.test("examineNetwork() goes to one endpoint alone, or to one path, where that is asked", async () => {
  const world = new FabricWorld({ nodes: 3, subsystems: 1 });
  const { counts } = world.memory.network;
  const meant = (host: string, port?: number) => ({ narrow: { text: host, host, port } });
  const one = await examine(world, [entry("10.0.0.1"), entry("10.0.0.2")], meant("10.0.0.2"));
  assertEquals(one.endpoints.map(({ label }) => label), ["10.0.0.2:8009"]);
  assertEquals(one.paths.map(({ traddr }) => traddr), ["10.0.0.2"]);
  assertEquals([counts.dialsTo.has("10.0.0.1:8009"), counts.dialsTo.has("10.0.0.3:8009")], [false, false]);

  const referral = await examine(world, [entry("10.0.0.1")], meant("10.0.0.3", 8009));
  assertEquals(referral.endpoints.map(({ label }) => label), ["10.0.0.3:8009"]);

  const path = await examine(world, [entry("10.0.0.1")], meant("10.0.0.3", 4420));
  assertEquals([path.endpoints.length, path.paths.map(({ traddr }) => traddr)], [0, ["10.0.0.3"]]);

  const nobody = await examine(world, [entry("10.0.0.1")], meant("10.0.0.77"));
  assertEquals(nobody.endpoints.length + nobody.paths.length + nobody.ways.length, 0);
});

Deno.test("examineNetwork() asks nothing new after its time, and names what it left out", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  const count = 40 * limits.doctorAtOnce;
  const dead = Array.from({ length: count }, (_, at) => entry(`10.1.${at >> 8}.${at & 255}`));
  world.memory.network.setFault("10.0.0.1", { swallow: "both" });
  for (const { traddr } of dead) world.memory.network.setFault(traddr, { swallow: "both" });
  const startMs = world.memory.clock.nowMs();
  const found = await examine(world, dead);
  const tookMs = world.memory.clock.nowMs() - startMs;
  assert(tookMs < limits.doctorMs + limits.doctorEndpointMs, `${tookMs} ms`);
  assertEquals(found.leftOut, `${count - found.endpoints.length} endpoints`);
  assert(found.endpoints.length > 0 && found.endpoints.length < count, `${found.endpoints.length}`);
  assertEquals(found.isComplete, false);
});

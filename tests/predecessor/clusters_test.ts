/** Defects of the predecessor in what it kept of a cluster: who is retried, who leaves the list, under which port. */
import type { Cluster } from "../../src/model/cluster.ts";
import { assert, assertEquals } from "../assert.ts";
import { cluster, FabricWorld, hostnqn } from "../sim/fabric_world.ts";

const second: Cluster = { subsysnqn: "nqn.2024-01.org.example:second", hostnqn };
const subsystem = (n: number) => `nqn.2024-01.org.example:sub${n}`;

function sessionsTo(world: FabricWorld): Record<string, string> {
  const endpoints = world.agent.snapshot().clusters.flatMap((state) => state.endpoints);
  return Object.fromEntries(endpoints.map(({ address, state }) => [address, state]));
}

Deno.test("two dead clusters both keep retrying, and both come back", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1, mesh: false });
  const { clock, network } = world.memory;
  for (const id of ["n1", "n2"]) world.fabric.setNodeDown(id);
  world.dropFile("first", ["n1"]);
  world.dropFile("second", ["n2"], second);
  await world.start();
  const dials = () =>
    ["10.0.0.1:8009", "10.0.0.2:8009"].map((address) => network.counts.dialsTo.get(address) ?? 0);
  // Its single timer made the cluster that failed last forget the other.
  let before = dials();
  for (let minute = 0; minute < 5; minute++) {
    await clock.advance(90_000);
    const now = dials();
    assert(now.every((count, at) => count > before[at]!), `${before} and 90 s later ${now} attempts`);
    before = now;
  }
  assertEquals(world.livePaths(), [], "Precondition: both were dead throughout");
  for (const id of ["n2", "n1"]) {
    world.fabric.setNodeUp(id);
    await clock.advance(70_000);
    assertEquals(sessionsTo(world)[id === "n1" ? "10.0.0.1:8009" : "10.0.0.2:8009"], "live", id);
  }
  assertEquals(world.livePaths(), world.offeredPaths());
  await world.stop();
});

for (const how of ["the cluster takes it out", "its line is deleted"] as const) {
  Deno.test(`removing any endpoint keeps the cluster alive, when ${how}`, async () => {
    // Whichever the predecessor held its only connection to: it is among the three.
    for (const gone of ["n1", "n2", "n3"]) {
      const byReferral = how === "the cluster takes it out";
      const world = new FabricWorld({ nodes: 3, subsystems: 1, mesh: byReferral });
      const { clock, network } = world.memory;
      const all = ["n1", "n2", "n3"];
      const rest = all.filter((id) => id !== gone);
      const goneAddress = `10.0.0.${gone[1]}:8009`;
      world.dropFile("cluster", all);
      await world.start();
      await world.untilLive(3, 5_000);
      assertEquals(network.connectionsTo(goneAddress), 1, "Precondition: it has a session");
      if (byReferral) world.fabric.removeNode(gone);
      else world.dropFile("cluster", rest);
      // One that is configured is given up when it failed twice.
      await clock.runUntil(() => world.endpoints().length === 2, 20_000, `${gone} off the list`);
      await clock.runUntil(() => network.connectionsTo(goneAddress) === 0, 5_000, "The end of its session");
      const expected = rest.map((id) => [`10.0.0.${id[1]}:8009`, "live"]);
      const live = Object.entries(sessionsTo(world)).filter(([address]) => address !== goneAddress);
      assertEquals(live, expected, `Without ${gone}`);
      world.fabric.addSubsystem(subsystem(2), { nodes: rest });
      const newPaths = () => world.livePaths().filter((path) => path.startsWith(`${subsystem(2)} `));
      await clock.runUntil(() => newPaths().length === 2, 1_000, `A change without ${gone}`);
      assertEquals(world.memory.kernel.losses, [], "No volume was touched");
      await world.stop();
    }
  });
}

Deno.test("endpoints on ports other than 8009 keep their port, on the list, in memory and after a restart", async () => {
  const world = new FabricWorld({ nodes: 3, subsystems: 1, discoveryPort: 18_009 });
  const { clock, network, store } = world.memory;
  const expected = ["10.0.0.1:18009", "10.0.0.2:18009", "10.0.0.3:18009"];
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(3, 5_000);
  for (let n = 2; n <= 4; n++) {
    world.fabric.addSubsystem(subsystem(n));
    await world.untilLive(3 * n, 2_000);
    assertEquals(world.endpoints(), expected, `After change ${n}`);
  }
  const ports = () =>
    (JSON.parse(store.text ?? "{}").entries as { Trsvcid: number }[]).map(({ Trsvcid }) => Trsvcid);
  assertEquals(ports(), [18_009, 18_009, 18_009]);
  world.crash();
  await world.start();
  await clock.advance(30_000);
  assertEquals([world.endpoints(), ports()], [expected, [18_009, 18_009, 18_009]]);
  const elsewhere = [...network.counts.dialsTo.keys()].filter((address) => address.endsWith(":8009"));
  assertEquals(elsewhere, [], "Nobody was looked for on the usual port");
  await world.stop();
});

Deno.test("one session an endpoint, however often it is named and however much changes", async () => {
  const world = new FabricWorld({ nodes: 3, subsystems: 1 });
  const { clock, network } = world.memory;
  world.dropFile("one", ["n1", "n2"]);
  world.dropFile("two", ["n1"]);
  await world.start();
  await world.untilLive(3, 5_000);
  for (let n = 2; n <= 5; n++) {
    world.fabric.addSubsystem(subsystem(n));
    await world.untilLive(3 * n, 2_000);
    world.dropFile(`file${n}`, ["n3", "n1"]);
    await clock.advance(2_000);
  }
  for (const id of ["n1", "n2", "n3"]) {
    const address = `10.0.0.${id[1]}:8009`;
    assertEquals([world.fabric.connections(id).length, network.connectionsTo(address)], [1, 1], address);
    // It opened one more for every log that it read.
    assertEquals(network.counts.dialsTo.get(address), 1, address);
  }
  await world.stop();
});

Deno.test("-l stays in its cluster", async () => {
  const world = new FabricWorld({ nodes: 4, mesh: false });
  world.fabric.refer(["n1", "n2"]);
  world.fabric.refer(["n3", "n4"]);
  world.fabric.addSubsystem(subsystem(1), { nodes: ["n1", "n2"] });
  world.fabric.addSubsystem(subsystem(2), { nodes: ["n3", "n4"] });
  world.dropFile("first", ["n1"], cluster, { ctrlLossTmo: 77 });
  world.dropFile("second", ["n3"], second);
  await world.start({ policy: { dryRun: false, connectDefaults: { ctrlLossTmo: 600 }, hostid: null } });
  await world.untilLive(4, 5_000);
  const { connects } = world.memory.kernel;
  const told = connects.map(({ options }) => [options?.traddr, options?.given.get("ctrl_loss_tmo")]).sort();
  // The referrals n2 and n4 have no -l of their own: that of their own cluster counts.
  assertEquals(told, [["10.0.0.1", "77"], ["10.0.0.2", "77"], ["10.0.0.3", "600"], ["10.0.0.4", "600"]]);
  await world.stop();
});

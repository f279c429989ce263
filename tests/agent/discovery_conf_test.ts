/** nvme-cli's discovery.conf beside the entry files, on a fabric in virtual time. */
import { assert, assertEquals } from "../assert.ts";
import { FabricWorld, hostid, hostnqn } from "../sim/fabric_world.ts";

const path = "/etc/nvme/discovery.conf";
const line = (address: string, more = "") => `-t tcp -a ${address} ${more}\n`;

function clustersOf(world: FabricWorld): string[] {
  return world.agent.snapshot().clusters.map(({ endpoints }) =>
    endpoints.map(({ address }) => address).sort().join(" ")
  ).sort();
}

const policy = { dryRun: false, connectDefaults: {}, hostid, hostnqn };
const two = ["10.0.0.1:8009 10.0.0.2:8009"];

Deno.test("Agent connects what discovery.conf leads to, and keeps it when the file goes", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 2 });
  const { configDir, log } = world.memory;
  await world.start({ policy });
  await world.memory.clock.advance(2_000);
  assertEquals(world.livePaths(), [], "a missing file has no entries");
  configDir.write(path, `# a comment\n-t rdma -a 10.0.0.9\n${line("10.0.0.1")}`);
  await world.untilLive(4, 5_000);
  assertEquals(clustersOf(world), two);
  const notices = log.lines.filter(({ message }) => message.includes("Passed over line"));
  assertEquals(notices.length, 1);
  assert(notices[0]!.message.startsWith(`${path}:2: `), notices[0]!.message);
  configDir.setReadError(path, `Cannot read ${path}: EACCES`);
  await world.memory.clock.advance(5_000);
  assertEquals(clustersOf(world), two, "what was known stays");
  configDir.setReadError(path, null);
  configDir.remove(path);
  await world.memory.clock.runUntil(() => world.endpoints().length === 0, 5_000, "The end of all sessions");
  await world.memory.clock.advance(60_000);
  assertEquals(world.livePaths().length, 4, "the volumes stay");
  assertEquals(await world.stop(), { timers: 0, sockets: 0, watchers: 0 });
});

Deno.test("Agent holds one session an endpoint, whether discovery.conf, an entry file or a referral names it", async () => {
  const world = new FabricWorld({ nodes: 3, subsystems: 1 });
  const { configDir, network, kernel } = world.memory;
  configDir.write(path, line("10.0.0.1") + line("10.0.0.2") + line("10.0.0.3"));
  world.dropFile("cluster", ["n1"]);
  await world.start({ policy });
  await world.untilLive(3, 5_000);
  await world.memory.clock.advance(60_000);
  assertEquals(clustersOf(world), ["10.0.0.1:8009 10.0.0.2:8009 10.0.0.3:8009"]);
  assertEquals(network.openSockets, 3, "one connection an endpoint");
  assertEquals(kernel.list().length, 3, "one controller a path");
  const { dialsTo } = network.counts;
  world.fabric.addSubsystem("nqn.2024-01.org.example:later");
  await world.untilLive(6, 2_000);
  configDir.remove("cluster");
  await world.memory.clock.advance(30_000);
  assertEquals(world.endpoints(), ["10.0.0.1:8009", "10.0.0.2:8009", "10.0.0.3:8009"]);
  assertEquals(network.openSockets, 3);
  assert((dialsTo.get("10.0.0.1:8009") ?? 0) <= 3, "opened anew when it changes its cluster, and not again");
  assertEquals(kernel.losses, []);
  await world.stop();
});

Deno.test("Agent has two fabrics of one discovery.conf apart, across a restart and the death of one", async () => {
  const world = new FabricWorld({ nodes: 4, topology: "none", kind: "spdk" });
  const { fabric } = world;
  for (const [a, b] of [["n1", "n2"], ["n3", "n4"]] as const) {
    fabric.addReferral(a, b);
    fabric.addReferral(b, a);
  }
  const { configDir, store, clock } = world.memory;
  configDir.write(path, line("10.0.0.1") + line("10.0.0.3"));
  await world.start({ policy });
  const apart = ["10.0.0.1:8009 10.0.0.2:8009", "10.0.0.3:8009 10.0.0.4:8009"];
  await clock.runUntil(() => clustersOf(world).join() === apart.join(), 5_000, "The clusters");
  await clock.runUntil(() => (store.text ?? "").includes("10.0.0.4"), 1_000, "The saved list");
  fabric.setNodeDown("n3");
  await world.stop();
  await world.start({ policy });
  await clock.advance(60_000);
  assertEquals(clustersOf(world), apart, "who is unreachable is not gone");
  fabric.setNodeUp("n3");
  fabric.removeReferral("n3", "n4");
  fabric.setNodeDown("n4");
  await clock.runUntil(
    () => clustersOf(world).join() === [apart[0], "10.0.0.3:8009"].join(),
    120_000,
    "The end of n4",
  );
  await world.stop();
});

/** Several host NQNs on one host, none of which has an identifier of its own: the whole agent, in virtual time. */
import type { Cluster } from "../../src/model/cluster.ts";
import { derivedHostId } from "../../src/plan/host_identity.ts";
import { assert, assertEquals } from "../assert.ts";
import { FabricWorld, hostid } from "../sim/fabric_world.ts";

const [first, second, third] = ["a", "b", "c"].map((name) => `nqn.2024-01.org.example:${name}`) as [
  string,
  string,
  string,
];
const clusterOf = (hostnqn: string): Cluster => ({ subsysnqn: "nqn.2024-01.org.example:cluster", hostnqn });
const policy = { dryRun: false, connectDefaults: {}, hostid, hostnqn: second };

/** Identifiers that the kernel has, by host NQN. */
function idsOf(world: FabricWorld): Map<string | undefined, string | undefined> {
  const pairs = world.memory.kernel.list().map(({ hostnqn, hostid: id }) => [hostnqn, id] as const);
  return new Map(pairs.sort());
}

async function untilLive({ memory }: FabricWorld, count: number, what: string): Promise<void> {
  const live = () => memory.kernel.list().filter(({ state }) => state === "live").length;
  await memory.clock.runUntil(() => live() === count, 5_000, what);
}

Deno.test("Agent connects for every host NQN without -I, each under an identifier of its own, and says so once", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1 });
  const { memory } = world;
  world.dropFile("one", ["n1"], clusterOf(first));
  world.dropFile("two", ["n1"], clusterOf(second));
  await world.start({ policy });
  await untilLive(world, 4, "Both hosts' controllers");
  const expected = new Map([[first, derivedHostId(first, hostid)], [second, hostid]]);
  assertEquals(idsOf(world), expected, "the host's own goes to the host's own NQN");
  const notices = () => memory.log.find("goes by host ID", "warn").map(({ message }) => message);
  assertEquals(notices().length, 1, notices().join("\n"));
  assert(notices()[0]!.includes(`Host NQN ${first} goes by host ID ${expected.get(first)}`), notices()[0]);
  memory.assertClean();
  await world.stop();

  // The kernel forgets, as in a reboot, and another one comes up beside them.
  memory.kernel.reboot();
  world.dropFile("0-new", ["n1"], clusterOf(third));
  await world.start({ policy: { ...policy, hostnqn: third } });
  await untilLive(world, 6, "All hosts' controllers");
  assertEquals(idsOf(world), new Map([...expected, [third, derivedHostId(third, hostid)]]));
  assertEquals(await world.stop(), { timers: 0, sockets: 0, watchers: 0 });
});

Deno.test("Agent leaves the identity of what is in use as it is, and gives way itself", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  const { memory } = world;
  world.dropFile("two", ["n1"], clusterOf(second));
  await world.start({ policy: { ...policy, hostnqn: undefined } });
  await untilLive(world, 1, "The first");
  assertEquals(idsOf(world), new Map([[second, hostid]]));
  await world.stop();
  const before = memory.kernel.list()[0];
  world.dropFile("one", ["n1"], clusterOf(first));
  await world.start({ policy: { ...policy, hostnqn: first } });
  await untilLive(world, 2, "Both");
  assertEquals(idsOf(world), new Map([[first, derivedHostId(first, hostid)], [second, hostid]]));
  assertEquals(memory.kernel.list()[0], before);
  assertEquals(memory.kernel.losses, []);
  await world.stop();
});

Deno.test("Agent lets another NQN have the host's own identifier after a restart, when its owner is gone for good", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  const { memory } = world;
  world.dropFile("one", ["n1"], clusterOf(first));
  await world.start({ policy: { ...policy, hostnqn: undefined } });
  await untilLive(world, 1, "The first");
  assert(memory.store.text?.includes(`"host_id_owner": "${first}"`), memory.store.text ?? "nothing");
  memory.configDir.remove("one");
  memory.kernel.reboot();
  world.dropFile("two", ["n1"], clusterOf(second));
  await untilLive(world, 1, "The second");
  assertEquals(idsOf(world).get(second), derivedHostId(second, hostid), "the first may come back any moment");
  await world.stop();
  memory.kernel.reboot();
  await world.start({ policy: { ...policy, hostnqn: undefined } });
  await untilLive(world, 1, "The second once more");
  assertEquals(idsOf(world), new Map([[second, hostid]]));
  await world.stop();
});

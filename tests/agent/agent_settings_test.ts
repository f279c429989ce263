/** What settings change in an agent: its secrets, its pace, its names, before and while it runs. */
import { Secret } from "../../src/base/secret.ts";
import { clusterKey } from "../../src/model/cluster.ts";
import { assert, assertEquals } from "../assert.ts";
import { cluster, FabricWorld, hostid } from "../sim/fabric_world.ts";

const secretOf = (letter: string) => new Secret(`DHHC-1:00:${btoa(letter.repeat(36))}:`);
const policy = { dryRun: false, connectDefaults: {}, hostid };
const pace = { reconnectIntervalMs: 5_000, katoMs: 10_000 };

function lastConnect(world: FabricWorld): string {
  return world.memory.kernel.connects.at(-1)!.text;
}

Deno.test("Agent gives the kernel the secrets of the cluster, else of all, and shows none", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  const [own, other, all] = [secretOf("o"), secretOf("x"), secretOf("a")];
  for (const secret of [own, other, all]) world.memory.log.forbid(secret.reveal());
  const clusterDefaults = new Map([
    [clusterKey(cluster), { dhchapSecret: own }],
    [clusterKey({ ...cluster, subsysnqn: "nqn.other" }), { dhchapSecret: other }],
  ]);
  world.dropFile("cluster", ["n1"]);
  await world.start({
    policy: { ...policy, connectDefaults: { dhchapSecret: all, dhchapCtrlSecret: all }, clusterDefaults },
  });
  await world.untilLive(1, 5_000);
  assert(lastConnect(world).includes(`,dhchap_secret=${own.reveal()}`), lastConnect(world));
  assert(lastConnect(world).includes(`,dhchap_ctrl_secret=${all.reveal()}`), lastConnect(world));
  const seen = JSON.stringify(world.agent.snapshot()) + world.memory.store.text;
  for (const secret of [own, other, all]) assert(!seen.includes(secret.reveal()));
  await world.stop();
  world.memory.assertClean();
});

Deno.test("Agent.reconfigure() has new connects made with the new settings, and retries at once what had failed", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  world.dropFile("cluster", ["n1"]);
  // A controller's secret alone is refused, at every attempt.
  await world.start({ policy: { ...policy, connectDefaults: { dhchapCtrlSecret: secretOf("c") } } });
  const reason = () => world.agent.snapshot().paths[0]?.reason ?? "";
  const { clock } = world.memory;
  await clock.runUntil(() => reason().includes("the host has none"), 5_000, "The refusal");
  await clock.advance(60_000);
  assertEquals(world.livePaths(), []);
  const sessions = world.memory.network.counts.dials;
  const connectDefaults = { dhchapSecret: secretOf("h"), nrIoQueues: 3 };
  world.agent.reconfigure({ ...pace, policy: { ...policy, connectDefaults } });
  await world.untilLive(1, 1_000);
  assert(/,nr_io_queues=3,dhchap_secret=DHHC-1:/.test(lastConnect(world)), lastConnect(world));
  assert(world.memory.network.counts.dials <= sessions + 1, "The session stays; the address is proven once");
  assertEquals(await world.stop(), { timers: 0, sockets: 0, watchers: 0 });
});

Deno.test("Agent.reconfigure() sets the pause between looks that nothing asked for", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  await world.start({ pollingMs: 200 });
  const { clock, configDir } = world.memory;
  configDir.dropHints = true;
  const scansWithin = async (ms: number) => {
    const before = configDir.scans;
    await clock.advance(ms);
    return configDir.scans - before;
  };
  const often = await scansWithin(10_000);
  assert(often > 40, `${often} scans in 10 s`);
  world.agent.reconfigure({ ...pace, policy, pollingMs: 5_000 });
  await clock.advance(1_000);
  const rarely = await scansWithin(20_000);
  assert(rarely >= 3 && rarely <= 5, `${rarely} scans in 20 s`);
  world.agent.reconfigure({ ...pace, policy });
  await clock.advance(1_000);
  const usually = await scansWithin(10_000);
  assert(usually >= 9 && usually <= 11, `${usually} scans in 10 s`);
  await world.stop();
});

Deno.test("Agent connects the subsystems that end with auxSuffix in place of those that logs name, once", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1 });
  // The log of each node names both; what ends so already is left alone, so that two paths remain.
  const [named = ""] = world.fabric.subsystems.keys();
  world.fabric.addSubsystem(`${named}.aux`);
  world.dropFile("cluster", ["n1"]);
  for (let run = 0; run < 2; run++) {
    await world.start({ policy: { ...policy, auxSuffix: "aux" } });
    await world.untilLive(2, 5_000);
    await world.memory.clock.advance(60_000);
    assertEquals(world.livePaths(), [`${named}.aux at 10.0.0.1`, `${named}.aux at 10.0.0.2`]);
    const { clusters, paths } = world.agent.snapshot();
    assertEquals(clusters.map(({ subsysnqn }) => subsysnqn), [cluster.subsysnqn], "Entries keep their names");
    assertEquals(paths.map(({ state }) => state), ["live", "live"]);
    assert(!world.memory.store.text?.includes(".aux"), "In memory too");
    await world.stop();
  }
  assertEquals(world.memory.kernel.connects.length, 2, "What is there is found again under its name");
});

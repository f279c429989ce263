/** The whole agent on a fabric of byte-level targets, in virtual time: the main job in small. */
import { Agent } from "../../src/agent/agent.ts";
import { limits } from "../../src/base/limits.ts";
import { assert, assertEquals } from "../assert.ts";
import { FabricWorld, hostid, hostnqn } from "../sim/fabric_world.ts";

const subsystem = (n: number) => `nqn.2024-01.org.example:sub${n}`;

for (const kind of ["nvmet", "spdk"] as const) {
  Deno.test(`Agent connects every path of a ${kind} cluster from one file that names one node`, async () => {
    const world = new FabricWorld({ nodes: 3, subsystems: 4, kind });
    await world.start();
    assertEquals(world.livePaths(), [], "nothing is connected before");
    world.dropFile("cluster", ["n1"]);
    await world.untilLive(12, 5_000);
    assertEquals(world.livePaths(), world.offeredPaths());
    assertEquals(world.endpoints(), ["10.0.0.1:8009", "10.0.0.2:8009", "10.0.0.3:8009"]);
    assertEquals(await world.stop(), { timers: 0, sockets: 0, watchers: 0 });
    assertEquals(world.livePaths().length, 12, "stopping leaves the storage connected");
    world.memory.assertClean();
  });

  Deno.test(`Agent notices five changes of a ${kind} cluster, one after the other, on the same session`, async () => {
    const world = new FabricWorld({ nodes: 1, subsystems: 1, kind });
    world.dropFile("cluster", ["n1"]);
    await world.start();
    await world.untilLive(1, 5_000);
    const dials = world.memory.network.connectionsTo("10.0.0.1:8009");
    assertEquals(dials, 1);
    for (let n = 2; n <= 6; n++) {
      world.fabric.addSubsystem(subsystem(n));
      await world.untilLive(n, 1_000);
    }
    const { events, failures } = world.agent.snapshot().clusters[0]!.endpoints[0]!;
    assert(events >= 5, `${events} events were seen`);
    const { dialsTo } = world.memory.network.counts;
    assertEquals([dialsTo.get("10.0.0.1:8009"), failures], [1, 0], "All of them on the first connection");
    await world.stop();
    world.memory.assertClean();
  });
}

Deno.test("Agent has sessions, probes and the kernel's connects leave by the source of the entry", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1 });
  const { network, kernel } = world.memory;
  const dialed = new Map<string, Set<string | undefined>>();
  const dial = network.dial.bind(network);
  network.dial = (target, signal) => {
    const kind = target.trsvcid === 8009 ? "session" : "probe";
    dialed.set(kind, (dialed.get(kind) ?? new Set()).add(`${target.hostTraddr} ${target.hostIface}`));
    return dial(target, signal);
  };
  world.dropFile("cluster", ["n1"], undefined, { hostTraddr: "10.0.9.9", hostIface: "eth0" });
  await world.start();
  await world.untilLive(2, 5_000);
  const expected = new Set(["10.0.9.9 eth0"]);
  assertEquals([dialed.get("session"), dialed.get("probe")], [expected, expected]);
  const sources = kernel.list().map(({ address }) => `${address.hostTraddr} ${address.hostIface}`);
  assertEquals(new Set(sources), expected);
  await world.stop();
});

Deno.test("Agent follows a referral that is added and taken back, on the list and in internal.json", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1, mesh: false });
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(1, 5_000);
  const saved = () => world.memory.store.text ?? "";
  assert(!saved().includes("10.0.0.2"), "the second node is unknown before");
  world.fabric.addReferral("n1", "n2");
  await world.untilLive(2, 2_000);
  await world.memory.clock.runUntil(() => saved().includes("10.0.0.2"), 1_000, "The saved referral");
  world.fabric.removeReferral("n1", "n2");
  await world.memory.clock.runUntil(() => world.endpoints().length === 1, 2_000, "The removal");
  await world.memory.clock.runUntil(() => !saved().includes("10.0.0.2"), 1_000, "The saved removal");
  assertEquals(world.livePaths().length, 2, "the path stays connected");
  await world.stop();
});

Deno.test("Agent has a node's paths live again after its ports vanished, and removes none meanwhile", async () => {
  const world = new FabricWorld({ nodes: 3, subsystems: 2 });
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(6, 5_000);
  world.fabric.setNodeDown("n2");
  await world.untilLive(4, 20_000);
  await world.memory.clock.advance(30_000);
  world.fabric.setNodeUp("n2");
  await world.untilLive(6, 60_000);
  assertEquals(world.memory.kernel.losses, [], "no controller was ever removed");
  await world.stop();
});

Deno.test("Agent connects again what was disconnected behind its back", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 2 });
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(2, 5_000);
  world.memory.kernel.deleteController("nvme0");
  assertEquals(world.livePaths().length, 1);
  await world.untilLive(2, 2_000);
  world.memory.kernel.dropHints = true;
  world.memory.kernel.deleteController("nvme1");
  await world.untilLive(2, 10_000);
  await world.stop();
});

Deno.test("Agent resumes from internal.json after a crash and touches no live controller", async () => {
  const world = new FabricWorld({ nodes: 3, subsystems: 2 });
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(6, 5_000);
  await world.memory.clock.advance(2_000);
  const connects = world.memory.kernel.connects.length;
  world.crash();
  world.fabric.setNodeDown("n1");
  await world.start();
  assertEquals(world.endpoints().length, 3, "the referrals are remembered, though their reporter is down");
  await world.memory.clock.advance(20_000);
  world.fabric.setNodeUp("n1");
  await world.untilLive(6, 60_000);
  assertEquals(world.memory.kernel.connects.length, connects, "nothing was connected twice");
  await world.stop();
});

Deno.test("Agent takes the files when the directory changed while it was down", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1, mesh: false });
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(1, 5_000);
  await world.memory.clock.advance(2_000);
  world.crash();
  world.dropFile("cluster", ["n2"]);
  await world.start();
  await world.untilLive(2, 5_000);
  assertEquals(world.endpoints(), ["10.0.0.2:8009"]);
  await world.stop();
});

Deno.test("Agent connects the living paths no later for a node that swallows packets", async () => {
  const took = async (silent: boolean) => {
    const world = new FabricWorld({ nodes: 3, subsystems: 4 });
    if (silent) world.memory.network.setFault("10.0.0.1", { swallow: "both" });
    world.dropFile("cluster", ["n1", "n2"]);
    await world.start();
    const start = world.memory.clock.nowMs();
    await world.untilLive(silent ? 8 : 12, 10_000);
    const ms = world.memory.clock.nowMs() - start;
    if (silent) {
      const touched = world.memory.kernel.connects.some(({ text }) => text.includes("10.0.0.1,"));
      assert(!touched, "the kernel was never asked for the dead address");
      world.memory.network.setFault("10.0.0.1", null);
      await world.untilLive(12, 60_000);
    }
    await world.stop();
    return ms;
  };
  const without = await took(false);
  const withSilent = await took(true);
  assert(withSilent <= without + 1_000, `${withSilent} ms with, ${without} ms without`);
});

Deno.test("Agent serves two clusters and two host NQNs, one cluster dead throughout", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1, mesh: false });
  const other = "nqn.2014-08.org.nvmexpress:uuid:99999999-4455-6677-8899-aabbccddeeff";
  world.dropFile("dead", ["n2"]);
  world.fabric.setNodeDown("n2");
  const file = world.memory.configDir;
  file.write(
    "live",
    `-t tcp -a 10.0.0.1 -q ${other} -n nqn.2024-01.org.example:c2 -I 99999999-4455-6677-8899-aabbccddeeff\n`,
  );
  await world.start();
  await world.memory.clock.runUntil(
    () => world.livePaths(other).length === 1,
    5_000,
    "The other host's path",
  );
  assertEquals(world.livePaths(hostnqn), []);
  assertEquals(world.endpoints(), ["10.0.0.1:8009", "10.0.0.2:8009"]);
  await world.memory.clock.advance(60_000);
  world.fabric.setNodeUp("n2");
  await world.untilLive(1, 60_000);
  await world.stop();
  world.memory.assertClean();
});

Deno.test("Agent waits for the kernel module and uses it when it comes", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  world.memory.kernel.loaded = false;
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.memory.clock.advance(10_000);
  assertEquals(world.livePaths(), []);
  world.memory.kernel.loaded = true;
  await world.untilLive(1, 10_000);
  await world.stop();
});

Deno.test("Agent goes on without a disk and saves when it is back", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  world.memory.store.writeError = "ENOSPC";
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(1, 5_000);
  assertEquals(world.memory.store.text, null);
  assertEquals(world.memory.log.find("Cannot save the state", "error").length, 1);
  world.memory.store.writeError = null;
  await world.memory.clock.runUntil(() => world.memory.store.text !== null, 20_000, "The save");
  await world.stop();
});

for (const [what, fault] of [["mute", { mute: true }], ["swallowed", { swallow: "both" }]] as const) {
  Deno.test(`Agent.stop() leaves nothing behind while it asks a ${what} I/O port`, async () => {
    const world = new FabricWorld({ nodes: 1, subsystems: 1 });
    world.memory.network.setFault("10.0.0.1:4420", fault);
    world.dropFile("cluster", ["n1"]);
    await world.start();
    const probing = () => world.agent.snapshot().paths[0]?.state === "probing";
    await world.memory.clock.runUntil(probing, 1_000, "The probe");
    await world.memory.clock.advance(50);
    assert(
      probing() && world.memory.leaks().sockets === 2,
      "Precondition: a session and a probe are under way",
    );
    const beforeMs = world.memory.clock.nowMs();
    assertEquals(await world.stop(), { timers: 0, sockets: 0, watchers: 0 });
    const tookMs = world.memory.clock.nowMs() - beforeMs;
    assert(tookMs < 1_000, `The stop took ${tookMs} ms`);
  });
}

Deno.test("Agent.stop() waits for a disk that hangs no longer than its bound, and leaves nothing behind", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  world.memory.store.saveMs = 3_600_000;
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(1, 5_000);
  assertEquals([world.memory.store.saves.length, world.memory.store.text], [1, null], "A save hangs");
  const beforeMs = world.memory.clock.nowMs();
  assertEquals(await world.stop(), { timers: 0, sockets: 0, watchers: 0 });
  const tookMs = world.memory.clock.nowMs() - beforeMs;
  assert(tookMs <= limits.stopTimeoutMs, `The stop took ${tookMs} ms`);
});

Deno.test("Agent.start() does nothing after stop(), and stop() before the first pass ends the start", async () => {
  for (const order of ["stop first", "stop meanwhile"]) {
    const world = new FabricWorld({ nodes: 1, subsystems: 1 });
    world.dropFile("cluster", ["n1"]);
    const agent = new Agent(world.memory.boot(), {
      policy: { dryRun: false, connectDefaults: {}, hostid },
      reconnectIntervalMs: 5_000,
      katoMs: 10_000,
    });
    let runs: boolean | null = null;
    const start = () => agent.start().then((result) => runs = result);
    let stopped = false;
    if (order === "stop meanwhile") start();
    agent.stop().then(() => stopped = true);
    if (order === "stop first") start();
    await world.memory.clock.advance(60_000);
    assertEquals([runs, stopped, world.livePaths()], [false, true, []], order);
    assertEquals(world.memory.exit(), { timers: 0, sockets: 0, watchers: 0 }, order);
    assertEquals(world.memory.network.counts.dials, 0, order);
  }
});

Deno.test("Agent.rescan() makes every waiting retry due now", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1, mesh: false });
  const { clock, network, configDir, kernel } = world.memory;
  network.setFault("10.0.0.1:8009", { dialError: "EHOSTUNREACH" });
  network.setFault("10.0.0.2:4420", { dialError: "EHOSTUNREACH" });
  world.dropFile("cluster", ["n1", "n2"]);
  await world.start();
  const { agent } = world;
  const waits = () => {
    const { clusters, paths } = agent.snapshot();
    return [...clusters[0]!.endpoints, ...paths].flatMap(({ retryInMs }) => retryInMs ?? []);
  };
  await clock.runUntil(
    () => waits().length === 2 && Math.min(...waits()) > 10_000,
    300_000,
    "A long backoff",
  );
  network.healAll();
  kernel.dropHints = true;
  configDir.dropHints = true;
  agent.rescan();
  await world.untilLive(2, 1_000);
  const before = network.counts.dials;
  agent.rescan();
  await clock.advance(500);
  assertEquals(network.counts.dials, before, "What is well is left alone");
  world.dropFile("cluster", ["n1"]);
  agent.rescan();
  await clock.runUntil(() => world.endpoints().length === 1, 300, "The files' change, without any hint");
  await world.stop();
});

Deno.test("Agent.summary() counts what the snapshot shows", async () => {
  const world = new FabricWorld({ nodes: 3, subsystems: 2 });
  world.memory.network.setFault("10.0.0.3", { dialError: "EHOSTUNREACH" });
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(4, 5_000);
  await world.memory.clock.advance(200);
  const { clusters, paths, summary } = world.agent.snapshot();
  assertEquals(world.agent.summary(), summary);
  assertEquals(summary, { clusters: 1, endpoints: 3, sessionsLive: 2, pathsWanted: 4, pathsLive: 4 });
  assertEquals([clusters[0]!.endpoints.length, paths.length], [3, 4]);
  await world.stop();
});

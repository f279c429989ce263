/** The service manager's watchdog, fed by passes of a whole agent in virtual time: what feeds it, and what must not. */
import type { Agent } from "../../src/agent/agent.ts";
import { WatchdogFeed } from "../../src/cli/watchdog_feed.ts";
import { assert, assertEquals } from "../assert.ts";
import { FabricWorld } from "../sim/fabric_world.ts";
import { MemoryNotifier } from "../sim/memory_world.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const watchdogMs = 60_000;

/** An agent whose passes feed the watchdog, as `serve` ties them. */
async function startFed(world: FabricWorld): Promise<{ feed: WatchdogFeed; alive: () => number }> {
  const { notifier, clock } = world.memory;
  notifier.watchdogMs = watchdogMs;
  let agent: Agent | null = null;
  const feed = new WatchdogFeed({ clock, notifier }, () => agent?.requestPass());
  agent = await world.start({ onPass: () => feed.handlePass() });
  feed.start();
  return { feed, alive: () => notifier.told.filter((one) => one === "alive").length };
}

/** Longest time without a sign of life while `lengthMs` go by. */
async function longestPauseMs(world: FabricWorld, alive: () => number, lengthMs: number): Promise<number> {
  const { clock } = world.memory;
  let longest = 0;
  let lastMs = clock.nowMs();
  let last = alive();
  for (const endMs = clock.nowMs() + lengthMs; clock.nowMs() < endMs;) {
    await clock.advance(100);
    if (alive() !== last) lastMs = clock.nowMs();
    last = alive();
    longest = Math.max(longest, clock.nowMs() - lastMs);
  }
  return longest;
}

Deno.test("WatchdogFeed has an idle agent make passes, and tells of them", async () => {
  const world = new FabricWorld({ nodes: 3, subsystems: 1 });
  world.dropFile("cluster", ["n1"]);
  const { feed, alive } = await startFed(world);
  await world.untilLive(3, 5_000);
  const longest = await longestPauseMs(world, alive, 3_600_000);
  assert(longest <= watchdogMs / 2, `${longest} ms without a sign of life`);
  feed.stop();
  assertEquals(await world.stop(), { timers: 0, sockets: 0, watchers: 0 });
});

Deno.test("WatchdogFeed is fed while the kernel is busy with one connect for ten minutes", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  world.memory.kernel.extraMs = 600_000;
  world.dropFile("cluster", ["n1"]);
  const { feed, alive } = await startFed(world);
  const longest = await longestPauseMs(world, alive, 590_000);
  assertEquals(world.livePaths(), [], "the connect is not done");
  assert(longest <= watchdogMs / 2, `${longest} ms without a sign of life`);
  world.memory.kernel.extraMs = 0;
  await world.untilLive(1, 60_000);
  feed.stop();
  await world.stop();
});

Deno.test("WatchdogFeed is not fed when no pass comes to its end, though timers run", async () => {
  const clock = new VirtualClock();
  const notifier = new MemoryNotifier();
  notifier.watchdogMs = watchdogMs;
  let asked = 0;
  let isStuck = false;
  const feed: WatchdogFeed = new WatchdogFeed({ clock, notifier }, () => {
    asked++;
    if (!isStuck) feed.handlePass();
  });
  feed.start();
  await clock.advance(watchdogMs);
  assertEquals([asked, notifier.told.length], [3, 3]);
  isStuck = true;
  await clock.advance(watchdogMs * 10);
  assertEquals([asked, notifier.told.length], [33, 3], "asked for, and none was made");
});

Deno.test("WatchdogFeed is not fed by an agent whose passes fail", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  world.dropFile("cluster", ["n1"]);
  const { feed, alive } = await startFed(world);
  await world.untilLive(1, 5_000);
  const { agent } = world;
  // Half a fact, such as no code of ours records: the plan stumbles over it.
  Object.defineProperty(agent.facts, "sessions", { value: null });
  const before = alive();
  agent.requestPass();
  const advanced = world.memory.clock.advance(watchdogMs);
  const error = await advanced.then(() => null, (failure) => failure);
  assert(error instanceof TypeError, "a pass failed");
  assertEquals(alive(), before);
  feed.stop();
  world.crash();
});

Deno.test("WatchdogFeed tells a few of many passes, and is quiet where nobody waits", async () => {
  const clock = new VirtualClock();
  const notifier = new MemoryNotifier();
  notifier.watchdogMs = watchdogMs;
  const feed = new WatchdogFeed({ clock, notifier }, () => {});
  for (let pass = 0; pass < 6_000; pass++) {
    feed.handlePass();
    await clock.advance(10);
  }
  assertEquals(notifier.told.length, 6);

  const unwatched = new MemoryNotifier();
  const idle = new WatchdogFeed({ clock, notifier: unwatched }, () => {
    throw new Error("asked");
  });
  idle.start();
  idle.handlePass();
  await clock.advance(watchdogMs);
  assertEquals([unwatched.told, clock.liveTimers()], [[], 0]);
});

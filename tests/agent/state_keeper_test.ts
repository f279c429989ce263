import { StateKeeper } from "../../src/agent/state_keeper.ts";
import { limits } from "../../src/base/limits.ts";
import type { EndpointList } from "../../src/plan/facts.ts";
import { assert, assertEquals } from "../assert.ts";
import { list, member, referred } from "../plan/fact_samples.ts";
import { MemoryLog } from "../sim/memory_log.ts";
import { MemoryStore } from "../sim/memory_store.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

function setUp() {
  const clock = new VirtualClock();
  const store = new MemoryStore(clock.ownedBy("world"), () => 0.5);
  const log = new MemoryLog(clock);
  return { clock, store, log, keeper: new StateKeeper({ clock, store, log }) };
}

/** Addresses in the file. */
function saved(store: MemoryStore): string[] {
  const document = JSON.parse(store.text ?? "{}");
  return (document.entries ?? []).map((entry: { Traddr: string }) => entry.Traddr);
}

const a = () => list(member("a"));
const ab = () => list(member("a"), referred("b", "a"));

Deno.test("StateKeeper saves the first list, and each that differs", async () => {
  const { clock, store, keeper } = setUp();
  keeper.keep(a(), "00");
  await clock.advance(100);
  assertEquals([saved(store), store.saves.length], [["10.0.0.1"], 1]);
  keeper.keep(ab(), "00");
  await clock.advance(100);
  assertEquals([saved(store), store.saves.length], [["10.0.0.1", "10.0.0.2"], 2]);
});

Deno.test("StateKeeper saves nothing when nothing has changed, whatever the object and the hour", async () => {
  const { clock, store, keeper } = setUp();
  const same = a();
  keeper.keep(same, "00");
  await clock.advance(100);
  keeper.keep(same, "00");
  await clock.advance(60_000);
  keeper.keep(a(), "00");
  await clock.advance(60_000);
  assertEquals([store.saves.length, clock.liveTimers("agent")], [1, 0]);
});

Deno.test("StateKeeper saves when only the configuration has changed", async () => {
  const { clock, store, keeper } = setUp();
  keeper.keep(a(), "00");
  await clock.advance(100);
  keeper.keep(a(), "01");
  await clock.advance(100);
  assertEquals(store.saves.length, 2);
});

Deno.test("StateKeeper saves one at a time, and the last list of a flurry", async () => {
  const { clock, store, keeper } = setUp();
  store.saveMs = 50;
  keeper.keep(a(), "00");
  for (let n = 0; n < 20; n++) keeper.keep(list(member("a"), member(`10.1.0.${n}:8009`)), "00");
  await clock.advance(1_000);
  assertEquals([store.saves.length, saved(store)], [2, ["10.0.0.1", "10.1.0.19"]]);
});

Deno.test("StateKeeper saves again what was undone while the save between was under way", async () => {
  const { clock, store, keeper } = setUp();
  store.saveMs = 50;
  keeper.keep(a(), "00");
  await clock.advance(100);
  keeper.keep(ab(), "00");
  keeper.keep(a(), "00");
  await clock.advance(1_000);
  assertEquals(saved(store), ["10.0.0.1"]);
});

Deno.test("StateKeeper goes on with a full disk, says so once, and saves the newest list when there is room", async () => {
  const { clock, store, log, keeper } = setUp();
  store.writeError = "ENOSPC";
  keeper.keep(a(), "00");
  await clock.advance(limits.saveRetryMs * 3);
  keeper.keep(ab(), "00");
  await clock.advance(limits.saveRetryMs);
  assertEquals([log.find("Cannot save", "error").length, store.text], [1, null]);
  assert(store.saves.length >= 4, `${store.saves.length} attempts`);
  store.writeError = null;
  await clock.advance(limits.saveRetryMs);
  assertEquals([saved(store), log.find("saved again").length], [["10.0.0.1", "10.0.0.2"], 1]);
  await clock.advance(60_000);
  assertEquals([clock.liveTimers("agent"), log.violations], [0, []]);
});

Deno.test("StateKeeper tells of another error than before", async () => {
  const { clock, store, log, keeper } = setUp();
  store.writeError = "ENOSPC";
  keeper.keep(a(), "00");
  await clock.advance(limits.saveRetryMs + 10);
  store.writeError = "EROFS";
  await clock.advance(limits.saveRetryMs);
  assertEquals(log.find("Cannot save").map(({ message }) => /ENOSPC|EROFS/.exec(message)?.[0]), [
    "ENOSPC",
    "EROFS",
  ]);
});

Deno.test("StateKeeper.stop() waits for the save under way and for the one outstanding", async () => {
  const { clock, store, keeper } = setUp();
  store.saveMs = 50;
  keeper.keep(a(), "00");
  keeper.keep(ab(), "00");
  let stopped = false;
  keeper.stop().then(() => stopped = true);
  await clock.advance(40);
  assert(!stopped);
  await clock.advance(100);
  assertEquals([stopped, saved(store)], [true, ["10.0.0.1", "10.0.0.2"]]);
});

Deno.test("StateKeeper.stop() tries once more with a full disk, and then leaves no timer", async () => {
  const { clock, store, keeper } = setUp();
  store.writeError = "ENOSPC";
  keeper.keep(a(), "00");
  await clock.advance(10);
  const before = store.saves.length;
  let stopped = false;
  keeper.stop().then(() => stopped = true);
  await clock.advance(10);
  assertEquals([stopped, store.saves.length - before, clock.liveTimers("agent")], [true, 1, 0]);
});

Deno.test("StateKeeper.stop() waits a bounded time for a disk that hangs, and says so", async () => {
  const { clock, store, keeper, log } = setUp();
  store.saveMs = 10 * limits.stopTimeoutMs;
  keeper.keep(a(), "00");
  let stopped = false;
  keeper.stop().then(() => stopped = true);
  await clock.advance(limits.stopTimeoutMs - 1);
  assert(!stopped, "Precondition: the save is under way");
  await clock.advance(1);
  assertEquals([stopped, log.find("Cannot wait", "error").length, clock.liveTimers("agent")], [true, 1, 0]);
  store.writeError = "EIO";
  await clock.advance(20 * limits.stopTimeoutMs);
  assertEquals(clock.liveTimers("agent"), 0, "Nothing is tried again afterwards");
});

Deno.test("StateKeeper.load() gives back what keep() saved", async () => {
  const { clock, store, keeper, log } = setUp();
  keeper.keep(ab(), "0f");
  await clock.advance(100);
  const state = await new StateKeeper({ clock, store, log }).load();
  assertEquals([state?.entries.map(({ traddr }) => traddr), state?.configDigest], [
    ["10.0.0.1", "10.0.0.2"],
    "0f",
  ]);
});

Deno.test("StateKeeper.load() answers nothing without a file", async () => {
  const { keeper, log } = setUp();
  assertEquals([await keeper.load(), log.lines.length], [null, 0]);
});

Deno.test("StateKeeper.load() sets a corrupt file aside and says so", async () => {
  const { keeper, store, log } = setUp();
  store.put("{ not json");
  assertEquals(await keeper.load(), null);
  assertEquals([store.setAsides.length, store.text, log.find("set aside").length], [1, null, 1]);
});

Deno.test("StateKeeper.load() leaves a file alone that cannot be read now", async () => {
  const { keeper, store, log } = setUp();
  store.put("{}");
  store.readError = "EIO";
  assertEquals([await keeper.load(), store.setAsides.length, log.find("Cannot read").length], [null, 0, 1]);
});

Deno.test("StateKeeper.load() goes on when the corrupt file cannot be moved", async () => {
  const { keeper, store, log } = setUp();
  store.put("{ not json");
  store.writeError = "EROFS";
  assertEquals([await keeper.load(), log.find("Cannot set").length], [null, 1]);
});

const empty: EndpointList = new Map();

Deno.test("StateKeeper saves a list that became empty", async () => {
  const { clock, store, keeper } = setUp();
  keeper.keep(a(), "00");
  await clock.advance(100);
  keeper.keep(empty, "01");
  await clock.advance(100);
  assertEquals(saved(store), []);
});

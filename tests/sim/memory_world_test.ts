import { AssertionError } from "../../src/base/assert.ts";
import type { World } from "../../src/model/world.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import type { ByteMachine } from "./memory_connection.ts";
import { MemoryWorld } from "./memory_world.ts";

const connectText = "transport=tcp,nqn=nqn.2020-01.com.example:a,traddr=10.0.0.1,trsvcid=4420";
const target = { traddr: "10.0.0.1", trsvcid: 4420, timeoutMs: 4_000 };

/** Says one byte every 10 ms. */
class TickMachine implements ByteMachine {
  closed = false;
  #nextMs: number;
  #due = false;

  constructor(nowMs: number) {
    this.#nextMs = nowMs + 10;
  }

  handleBytes(): void {}

  handleTimeout(nowMs: number): void {
    this.#due = true;
    this.#nextMs = nowMs + 10;
  }

  handleClose(): void {
    this.closed = true;
  }

  takeBytes(): Uint8Array | null {
    if (!this.#due) return null;
    this.#due = false;
    return new Uint8Array([1]);
  }

  nextTimeoutMs(): number {
    return this.#nextMs;
  }
}

function setUp(seed = 1) {
  const world = new MemoryWorld({ seed });
  world.network.listen("10.0.0.1", 4420, ({ nowMs }) => new TickMachine(nowMs));
  return world;
}

/** A small agent: ticks, reads a socket, watches, connects, saves; notes everything that reaches it. */
function live(world: World, seen: string[]): void {
  const tick = () => {
    seen.push(`tick ${world.random().toFixed(6)}`);
    world.clock.setTimer(25 + world.random(), tick);
  };
  tick();
  world.configDir.watch(() => seen.push("directory"));
  world.kernel.watch(() => seen.push("kernel"));
  world.kernel.connect(connectText)
    .then(({ instance }) => seen.push(`nvme${instance}`), (error) => seen.push(error.code));
  world.store.save("state").then(() => seen.push("saved"));
  world.log.info("Started");
  (async () => {
    const connection = await world.dialer.dial(target);
    const buffer = new Uint8Array(8);
    while (await connection.read(buffer) !== null) seen.push("byte");
  })();
}

Deno.test("MemoryWorld: one seed gives one run, another seed another", async () => {
  const run = async (seed: number) => {
    const world = setUp(seed);
    const seen: string[] = [];
    live(world.boot(), seen);
    await world.clock.advance(100);
    world.configDir.write("a", "1");
    await world.clock.advance(100);
    return seen;
  };
  const first = await run(5);
  for (const kind of ["tick", "byte", "directory", "kernel", "nvme0", "saved"]) {
    assert(first.some((line) => line.startsWith(kind)), `No ${kind}`);
  }
  assertEquals(await run(5), first);
  assert(JSON.stringify(await run(6)) !== JSON.stringify(first));
});

Deno.test("MemoryWorld.crash() ends a run at once; the kernel goes on; the next run starts clean", async () => {
  const world = setUp();
  const seen: string[] = [];
  const first = world.boot();
  live(first, seen);
  await world.clock.advance(20);
  const { timers, sockets, watchers } = world.leaks();
  assert(timers > 0 && sockets === 1 && watchers === 2);
  const before = seen.length;
  world.crash();
  assertEquals(world.leaks(), { timers: 0, sockets: 0, watchers: 0 });
  first.log.info("From the grave");
  first.clock.setTimer(1, () => seen.push("from the grave"));
  first.kernel.watch(() => seen.push("from the grave"));
  world.configDir.write("a", "1");
  await world.clock.advance(1_000);
  assertEquals(seen.length, before);
  assertEquals(world.log.find("grave"), []);
  assertEquals(world.kernel.list().map(({ state }) => state), ["live"]);
  live(world.boot(), seen);
  await world.clock.advance(100);
  assert(seen.slice(before).includes("EALREADY"));
});

Deno.test("MemoryWorld.powerLoss() ends the run, its writes and the kernel's controllers; what was saved stays", async () => {
  const world = setUp();
  const seen: string[] = [];
  const first = world.boot();
  live(first, seen);
  await world.clock.advance(100);
  assertEquals(world.kernel.list().length, 1);
  for (const port of [4421, 4422]) void first.kernel.connect(connectText.replace("4420", `${port}`));
  world.network.setFault("10.0.0.1:4421", { swallow: "both" });
  await world.clock.advance(10);
  assertEquals(world.kernel.inFlightOf(1), 2);
  const before = seen.length;
  world.powerLoss();
  assertEquals(world.leaks(), { timers: 0, sockets: 0, watchers: 0 });
  assertEquals([world.kernel.list(), world.kernel.inFlight, world.store.text], [[], 0, "state"]);
  live(world.boot(), seen);
  await world.clock.advance(100);
  assert(seen.slice(before).includes("nvme0"), "Nothing of before holds the lock");
  await world.clock.advance(10_000);
  assertEquals(world.kernel.list().map(({ address, state }) => `${address.trsvcid} ${state}`), ["4420 live"]);
  assertEquals(world.kernel.connects.map(({ run }) => run), [1, 1, 1, 2]);
});

Deno.test("MemoryWorld.healAll() ends every fault of network, kernel, directory and disk", async () => {
  const world = setUp();
  const { network, kernel, configDir, store } = world;
  const states = () => {
    const parts = [network, kernel, configDir, store] as object[];
    const values = parts.flatMap((part) =>
      Object.entries(part).filter(([, value]) => typeof value !== "object")
    );
    return [
      ...values,
      configDir.spuriousHintsMs,
      store.writeError,
      store.saveMs,
      kernel.refuse,
      kernel.loaded,
    ];
  };
  const connection = world.boot().dialer.dial(target);
  await world.clock.advance(2);
  // Counts and numbers of runs stay; everything else comes back.
  const healthy = states();
  network.setFault("10.0.0.1", { stallAfterBytes: 1 });
  network.socketsMax = 0;
  kernel.removeModule();
  Object.assign(kernel, { tornSysfs: true, connectFactor: 9, refuse: "EIO", extraMs: 9, renumbers: true });
  Object.assign(kernel, { readMs: 9, readError: "EIO", dropHints: true, hintDelayMs: 9 });
  Object.assign(configDir, { scanError: "EIO", scanMs: 9, dropHints: true, hintDelayMs: 9 });
  configDir.spuriousHintsMs = 9;
  Object.assign(store, { writeError: "EIO", readError: "EIO", saveMs: 9 });
  store.disk.spaceBytes = 0;
  world.healAll();
  assertEquals(states(), healthy);
  assertEquals(store.disk.spaceBytes, Infinity);
  const buffer = new Uint8Array(8);
  const open = await connection;
  for (let read = 0; read < 3; read++) {
    const count = open.read(buffer);
    await world.clock.advance(20);
    assertEquals(await count, 1, "The stall has ended");
  }
});

Deno.test("MemoryWorld.crash() in the middle of a dial leaves no socket", async () => {
  const world = setUp();
  world.network.setFault("10.0.0.1", { swallow: "both" });
  let settled = false;
  const mark = () => void (settled = true);
  world.boot().dialer.dial(target).then(mark, mark);
  await world.clock.advance(500);
  assertEquals(world.leaks().sockets, 1);
  world.crash();
  await world.clock.advance(10_000);
  assertEquals([settled, world.leaks().sockets], [false, 0]);
});

Deno.test("MemoryWorld.exit() tells what was left behind", async () => {
  const world = setUp();
  const run = world.boot();
  run.clock.setTimer(1_000, () => {});
  assertThrows(() => world.boot(), AssertionError);
  assertEquals(world.exit(), { timers: 1, sockets: 0, watchers: 0 });
  const next = world.boot();
  next.clock.setTimer(5, () => {});
  next.clock.setTimer(5, () => {}).cancel();
  await world.clock.advance(5);
  assertEquals(world.exit(), { timers: 0, sockets: 0, watchers: 0 });
});

Deno.test("MemoryWorld: the kernel asks the network, and the subsystem behind it", async () => {
  const world = new MemoryWorld({
    seed: 1,
    admits: ({ subsysnqn }) => subsysnqn.endsWith(":a") ? "accepted" : "denied",
  });
  world.network.listen("10.0.0.1", 4420, ({ nowMs }) => new TickMachine(nowMs));
  const { kernel } = world.boot();
  const results: string[] = [];
  const connect = async (text: string) => {
    const known = results.length;
    kernel.connect(text).then(() => results.push("ok"), (error) => results.push(error.code));
    await world.clock.runUntil(() => results.length > known, 10_000);
  };
  await connect(connectText);
  await connect(connectText.replace(":a", ":b"));
  await connect(connectText.replace("4420", "4421"));
  world.network.setFault("10.0.0.1", { mute: true });
  await connect(connectText.replace(":a", ":a2"));
  world.network.setFault("10.0.0.1", { dialError: "ENETUNREACH" });
  await connect(connectText.replace(":a", ":a3"));
  assertEquals(results, ["ok", "EIO", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH"]);
});

Deno.test("MemoryWorld.assertClean() finds a secret in the state file and in the service status", () => {
  for (
    const spill of [
      (world: MemoryWorld) => world.store.put("hunter2"),
      (world: MemoryWorld) => world.notifier.status("hunter2"),
    ]
  ) {
    const world = setUp();
    world.log.forbid("hunter2");
    world.assertClean();
    spill(world);
    assertThrows(() => world.assertClean(), AssertionError, "secret");
  }
});

import { FactStore } from "../../src/agent/fact_store.ts";
import { KernelWatch } from "../../src/agent/kernel_watch.ts";
import { limits } from "../../src/base/limits.ts";
import { KernelError } from "../../src/base/errors.ts";
import type { Controller } from "../../src/model/controller.ts";
import { assertEquals } from "../assert.ts";
import { controller } from "../plan/path_samples.ts";
import { MemoryWorld } from "../sim/memory_world.ts";

function setUp(options: { dryRun?: boolean; missing?: boolean } = {}) {
  const { clock, configDir, log, network: dialer, store, notifier } = new MemoryWorld({ seed: 1 });
  const seen = { asked: 0, read: 0, closed: 0 };
  const state = {
    missing: options.missing ?? false,
    list: [] as Controller[],
    readMs: 0,
    error: null as string | null,
    hint: () => {},
  };
  const kernel = {
    connect: () => Promise.reject(new KernelError("EIO", "No")),
    // deno-lint-ignore require-await
    supportedOptions: async () => {
      seen.asked++;
      if (state.missing) throw new KernelError("ENOENT", "The module nvme-fabrics is not loaded");
      return new Set(["nqn"]);
    },
    controllers: async () => {
      seen.read++;
      const { list } = state;
      if (state.readMs > 0) {
        await new Promise<void>((resolve) => clock.ownedBy("world").setTimer(state.readMs, resolve));
      }
      if (state.error !== null) throw new KernelError("EIO", state.error);
      return list;
    },
    watch: (onHint: () => void) => {
      state.hint = onHint;
      return { close: () => void seen.closed++ };
    },
  };
  const facts = new FactStore({
    policy: { dryRun: false, connectDefaults: {}, hostid: null },
    reconnectIntervalMs: 5_000,
    random: () => 0.5,
    onChange: () => {},
  });
  const world = {
    clock,
    configDir,
    log,
    dialer,
    resolver: dialer,
    store,
    notifier,
    kernel,
    random: () => 0.5,
  };
  return { clock, log, facts, seen, state, watch: new KernelWatch(world, facts, options.dryRun ?? false) };
}

Deno.test("KernelWatch knows controllers and options when it has started", async () => {
  const { watch, facts, state } = setUp();
  state.list = [controller()];
  await watch.start();
  assertEquals([facts.controllers?.list.length, facts.kernel.present], [1, true]);
  assertEquals([...facts.kernel.options ?? []], ["nqn"]);
  watch.stop();
});

Deno.test("KernelWatch reads again at a hint, and periodically without", async () => {
  const { watch, facts, state, clock, seen } = setUp();
  await watch.start();
  state.list = [controller()];
  for (let n = 0; n < 10; n++) state.hint();
  await clock.advance(limits.sysfsHintMs);
  assertEquals([facts.controllers?.list.length, seen.read], [1, 2], "a burst of hints is one reading");
  state.list = [];
  await clock.advance(limits.sysfsIntervalMs);
  assertEquals([facts.controllers?.list.length, seen.read], [0, 3]);
  watch.stop();
});

Deno.test("KernelWatch reads once more for hints that came during a reading", async () => {
  const { watch, state, clock, seen, facts } = setUp();
  await watch.start();
  state.readMs = 30;
  state.hint();
  await clock.advance(limits.sysfsHintMs + 10);
  state.list = [controller()];
  for (let n = 0; n < 10; n++) state.hint();
  await clock.advance(200);
  assertEquals([seen.read, facts.controllers?.list.length], [3, 1]);
  watch.stop();
});

Deno.test("KernelWatch keeps what it knew when sysfs cannot be read, and says so once", async () => {
  const { watch, state, clock, facts, log } = setUp();
  state.list = [controller()];
  await watch.start();
  state.error = "I/O error";
  await clock.advance(limits.sysfsIntervalMs * 3);
  assertEquals([facts.controllers?.list.length, log.find("I/O error").length], [1, 1]);
  watch.stop();
});

Deno.test("KernelWatch looks for a missing module until it is there, saying so once each way", async () => {
  const { watch, state, clock, facts, log } = setUp({ missing: true });
  await watch.start();
  assertEquals(facts.kernel.present, false);
  await clock.advance(limits.kernelMissingRetryMs * 5);
  assertEquals(log.find("not loaded", "error").length, 1);
  state.missing = false;
  await clock.advance(limits.kernelMissingRetryMs);
  assertEquals([facts.kernel.present, log.find("is there now").length], [true, 1]);
  watch.stop();
});

Deno.test("KernelWatch asks for a missing module at one pace, however often it is told to", async () => {
  const { watch, clock, seen } = setUp({ missing: true });
  await watch.start();
  for (let n = 0; n < 10; n++) await watch.askKernel();
  const before = seen.asked;
  await clock.advance(limits.kernelMissingRetryMs * 10);
  assertEquals(seen.asked - before, 10);
  watch.stop();
});

Deno.test("KernelWatch asks nothing of the kernel in a dry run", async () => {
  const { watch, facts, seen } = setUp({ dryRun: true });
  await watch.start();
  assertEquals([seen.asked, facts.kernel.present, facts.controllers?.list], [0, null, []]);
  watch.stop();
});

Deno.test("KernelWatch.stop() leaves no timer and no watcher, also during a reading", async () => {
  const { watch, state, clock, seen } = setUp({ missing: true });
  await watch.start();
  state.readMs = 50;
  state.hint();
  watch.stop();
  await clock.advance(60_000);
  assertEquals([clock.liveTimers("agent"), seen.closed], [0, 1]);
});

Deno.test("KernelWatch sets no timer for a hint after its stop: a connect may end later", async () => {
  const { watch, clock } = setUp();
  await watch.start();
  watch.stop();
  watch.refresh();
  assertEquals(clock.liveTimers("agent"), 0);
});

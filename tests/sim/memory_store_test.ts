import { ConfigError, KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { seededRandom } from "../../src/base/random.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { MemoryStore } from "./memory_store.ts";
import { VirtualClock } from "./virtual_clock.ts";

function setUp(seed = 1) {
  const clock = new VirtualClock({ nowMs: 0 });
  return { clock, store: new MemoryStore(clock, seededRandom(seed)) };
}

Deno.test("MemoryStore saves, loads, sets aside", async () => {
  const { clock, store } = setUp();
  assertEquals(await store.load(), null);
  const save = store.save("one");
  assertEquals(store.text, null);
  await clock.advance(1);
  await save;
  assertEquals(new TextDecoder().decode((await store.load())!), "one");
  assertEquals(await store.setAside(), `${store.path}.corrupt-1`);
  assertEquals([store.text, store.setAsides.length], [null, 1]);
});

Deno.test("MemoryStore fails with the errno of the moment and keeps the old content", async () => {
  const { clock, store } = setUp();
  store.put("old");
  store.writeError = "ENOSPC";
  const failed = assertRejects(() => store.save("new"), KernelError, "ENOSPC");
  await clock.advance(1);
  await failed;
  await assertRejects(() => store.setAside(), KernelError);
  assertEquals([store.text, store.saves.length, store.saves[0]!.endedMs], ["old", 1, Infinity]);
  store.readError = "EACCES";
  await assertRejects(() => store.load(), KernelError, "EACCES");
  store.readError = null;
  store.put(new Uint8Array(limits.stateBytesMax + 1));
  assertEquals((await assertRejects(() => store.load(), ConfigError)).code, "too-large");
});

for (const end of ["crash", "powerLoss"] as const) {
  Deno.test(`MemoryStore.${end}() leaves the old content or the new, and acknowledges nothing`, async () => {
    const found = new Set<string | null>();
    for (let seed = 0; seed < 200; seed++) {
      const { clock, store } = setUp(seed);
      store.put("old");
      let acknowledged = false;
      store.save("new").then(() => acknowledged = true);
      await clock.advance((seed % 8) / 8);
      store[end]();
      await clock.advance(10);
      found.add(store.text);
      assertEquals([acknowledged, store.saves[0]!.endedMs], [false, Infinity]);
      const next = store.save("next");
      await clock.advance(1);
      await next;
      assertEquals([store.text, store.disk.paths], ["next", [store.path]]);
      store.powerLoss();
      assertEquals(store.text, "next");
    }
    assertEquals([...found].sort(), ["new", "old"]);
  });
}

Deno.test("MemoryStore takes exactly as long as it is told, in steps", async () => {
  const { clock, store } = setUp();
  for (const saveMs of [1, 7, 1_000]) {
    store.saveMs = saveMs;
    const startMs = clock.nowMs();
    const save = store.save("text");
    await clock.advance(saveMs);
    await save;
    assertEquals(store.saves.at(-1)!.endedMs - startMs, saveMs);
  }
  assertEquals([store.disk.operations, clock.liveTimers()], [18, 0]);
});

Deno.test("MemoryStore damages what is there", () => {
  const { store } = setUp();
  const content = "x".repeat(1_000);
  for (const how of ["truncate", "garbage", "empty"] as const) {
    store.put(content);
    store.damage(how);
    assert(store.text !== content, how);
  }
});

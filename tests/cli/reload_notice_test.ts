import { ReloadNotice } from "../../src/cli/reload_notice.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { MemoryNotifier } from "../sim/memory_world.ts";

Deno.test("ReloadNotice tells of a reload from its start to its end", async () => {
  const notifier = new MemoryNotifier();
  const notice = new ReloadNotice(notifier);
  notice.ready();
  await notice.during(() => {
    assertEquals(notifier.told, ["ready", "reloading"]);
    return Promise.resolve();
  });
  assertEquals(notifier.told, ["ready", "reloading", "ready"]);
});

Deno.test("ReloadNotice is ready again when the last of several reloads is done, and after one that fails", async () => {
  const notifier = new MemoryNotifier();
  const notice = new ReloadNotice(notifier);
  notice.ready();
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const both = [notice.during(() => first.promise), notice.during(() => second.promise)];
  second.resolve();
  await both[1];
  assertEquals(notifier.told, ["ready", "reloading", "reloading"]);
  first.reject(new Error("no good"));
  await assertRejects(() => both[0]!, Error, "no good");
  assertEquals(notifier.told.at(-1), "ready");
});

Deno.test("ReloadNotice says nothing before the service is ready, and nothing once it stops", async () => {
  const notifier = new MemoryNotifier();
  const notice = new ReloadNotice(notifier);
  await notice.during(() => Promise.resolve());
  assertEquals(notifier.told, []);
  notice.ready();
  await notice.during(() => {
    notice.stop();
    return Promise.resolve();
  });
  assertEquals(notifier.told, ["ready", "reloading"]);
});

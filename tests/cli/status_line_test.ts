import { StatusLine, statusText } from "../../src/cli/status_line.ts";
import { assertEquals } from "../assert.ts";
import { MemoryNotifier } from "../sim/memory_world.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const summary = { clusters: 1, endpoints: 3, sessionsLive: 3, pathsWanted: 12, pathsLive: 11 };

Deno.test("StatusLine counts once a second however many passes there are, and tells only what is new", async () => {
  const clock = new VirtualClock();
  const notifier = new MemoryNotifier();
  const line = new StatusLine({ clock, notifier });
  let counts = 0;
  let pathsLive = 11;
  for (let pass = 0; pass < 290; pass++) {
    line.handlePass(() => {
      counts++;
      return { ...summary, pathsLive };
    });
    if (pass === 250) pathsLive = 12;
    await clock.advance(10);
  }
  assertEquals(counts, 2);
  await clock.advance(1_000);
  assertEquals([counts, notifier.told.length, clock.liveTimers()], [3, 2, 0]);
  assertEquals(notifier.told[1], `status ${statusText({ ...summary, pathsLive: 12 })}`);
});

Deno.test("statusText() says how much is live", () => {
  assertEquals(statusText(summary), "11 of 12 paths live, 3 of 3 endpoints in session");
});

/** A hundred changes a second, each of them an event, for a minute: nothing grows, and the end is right. */
import { assert } from "../../assert.ts";
import type { Scenario } from "../scenario.ts";
import { pause } from "../waiting.ts";

const perSecond = 100;
const stormSubsystems = 20;

export const eventStorm: Scenario = {
  name: "event-storm",
  about: `${perSecond} changes a second`,
  run: async (run) => {
    const host = await run.host({ nodes: 3, subsystems: 4 });
    await host.begin();
    for (let index = 0; index < stormSubsystems; index++) {
      await host.change("addSubsystem", `nqn.2024-01.org.example:event-${index}`, { nodes: [] });
    }
    const seconds = run.full ? 60 : 10;
    const before = await host.agentCounts();
    await run.repeat(host, {
      fault: `AEN storm, ${perSecond} changes a second`,
      times: run.full ? 2 : 1,
      limitMs: 5_000,
      checked: `for ${seconds} s; paths, sessions, list; a change after it`,
      strike: async () => {
        const startMs = performance.now();
        let changes = 0;
        for (; performance.now() - startMs < seconds * 1_000; changes++) {
          const nqn = `nqn.2024-01.org.example:event-${changes % stormSubsystems}`;
          const isLink = Math.floor(changes / stormSubsystems) % 2 === 0;
          await host.change(isLink ? "link" : "unlink", nqn, `n${changes % 3 + 1}`);
          const dueMs = startMs + (changes + 1) * 1_000 / perSecond;
          await pause(Math.max(0, dueMs - performance.now()));
        }
        run.say(`${changes} changes in ${seconds} s`);
        assert(changes > seconds * perSecond * 0.8, `Only ${changes} changes were made`);
      },
      end: () => Promise.resolve(),
    });
    const after = await host.agentCounts();
    run.say(
      `descriptors ${before.descriptors} → ${after.descriptors}, resident ${mib(before.residentBytes)} → ${
        mib(after.residentBytes)
      } MiB`,
    );
    assert(after.descriptors <= before.descriptors + 10, "Descriptors were left open");
    assert(after.residentBytes < before.residentBytes + 64 * 2 ** 20, "Memory grew with the events");
  },
};

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

/**
 * The agent in a memory cgroup: it must do with 200 MB what it is for. Then the limit is made so small that the system
 * kills it, and a service manager starts it again.
 */
import { assert } from "../../assert.ts";
import { MemoryGroup } from "../memory_group.ts";
import type { Scenario } from "../scenario.ts";
import { pause, until } from "../waiting.ts";

const limitBytes = 200 * 2 ** 20;

export const memoryLimit: Scenario = {
  name: "memory-limit",
  about: "the agent in a memory cgroup of 200 MB, then in one too small",
  run: async (run) => {
    const group = await MemoryGroup.create(limitBytes);
    run.addCleanup(() => group.remove());
    const host = await run.host({ nodes: 2, subsystems: 500, kato: 10, agentWrapper: group.wrapper });
    await host.begin(60_000);
    const times = run.full ? 200 : 20;
    for (let time = 0; time < times; time++) {
      // Two logs of 500 KiB each time.
      await host.change("addSubsystem", `nqn.2024-01.org.example:memory-${time}`);
    }
    await host.untilWell("all is well within the limit", 30_000);
    await host.noticeChange();
    assert(await group.usedBytes() <= limitBytes, "The limit does not hold");
    assert(await group.kills() === 0, "The agent was killed for its memory");
    run.say(`most used: ${(await group.mostBytes() / 2 ** 20).toFixed()} MiB`);
    await host.checkNothingLost();
    run.addRow({
      fault: "memory limit of 200 MB, 1,000 paths, logs of 500 KiB read after every change",
      tried: times,
      recoveredMs: [],
      limitMs: 0,
      lost: await host.lost(),
      checked: "never killed for its memory; paths, sessions, list",
    });
    await run.repeat(host, {
      fault: "killed for its memory, started again",
      times: run.full ? 10 : 2,
      limitMs: 60_000,
      noticeMs: 10_000,
      checked: "paths, sessions, list",
      strike: async (time) => {
        const before = await group.kills();
        host.expectAgentDeath();
        for (let turn = 0; await group.kills() === before; turn++) {
          assert(turn < 200, "The agent lives with next to no memory");
          await group.squeeze();
          await host.change("addSubsystem", `nqn.2024-01.org.example:squeeze-${time}-${turn}`);
          await pause(50);
        }
        await until("the agent is dead", 5_000, () => host.agent.isRunning ? "it lives" : null);
        await group.setLimit(limitBytes);
      },
      end: async () => {
        await host.killAgent();
        host.startAgent();
      },
    });
  },
};

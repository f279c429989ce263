/**
 * kill -9 of the agent in a loop, under change: subsystems come, a node leaves and joins, files are dropped. It is
 * killed while it starts as well as just after a change. Controllers stay, what is remembered can always be loaded,
 * and is right each time that it is waited for.
 */
import { assert } from "../../assert.ts";
import type { FaultHost } from "../fault_host.ts";
import type { Scenario } from "../scenario.ts";
import { pause } from "../waiting.ts";

/** Until all is well after a start, ms. */
const limitMs = 15_000;

async function changeSomething(host: FaultHost, time: number): Promise<void> {
  const kind = time % 5;
  if (kind === 0) await host.change("addSubsystem", `nqn.2024-01.org.example:kill-${time}`);
  else if (kind === 1) await host.leave("n4");
  else if (kind === 2) await host.dropFile("extra.conf", ["n3"]);
  else if (kind === 3) await host.join("n4");
  else await Deno.remove(`${host.configDir}/extra.conf`);
}

export const agentKilled: Scenario = {
  name: "agent-killed",
  about: "kill -9 of the agent in a loop, under change",
  run: async (run) => {
    const host = await run.host({ nodes: 4, subsystems: 3 });
    const times = run.full ? 200 : 30;
    const recoveredMs: number[] = [];
    let afterChange = 0;
    for (let time = 0; time < times; time++) {
      host.startAgent();
      if (time % 3 === 2) {
        // Anywhere between the program's first step and its first pass.
        await pause((time * 37) % 900);
      } else {
        recoveredMs.push(await host.untilWell("all is well after a start", limitMs));
        await changeSomething(host, afterChange++);
        await pause((time * 13) % 120);
      }
      await host.killAgent();
      await host.rememberedEndpoints();
      await host.checkNothingLost();
    }
    host.startAgent();
    recoveredMs.push(await host.untilWell("all is well in the end", limitMs));
    await host.noticeChange();
    assert(afterChange > times / 2, "Too few changes were made");
    await host.checkNothingLost();
    run.addRow({
      fault: "agent killed with -9 under change",
      tried: times,
      recoveredMs,
      limitMs,
      lost: await host.lost(),
      checked: "internal.json loadable each time; list, paths and sessions right after each start waited for",
    });
  },
};

/** The cable between host and targets is pulled: every address is unreachable at once, and every connection silent. */
import { assert } from "../../assert.ts";
import type { Scenario } from "../scenario.ts";
import { pause, until } from "../waiting.ts";

export const linkDown: Scenario = {
  name: "link-down",
  about: "the cable to all targets is pulled, for less and for more than KATO",
  run: async (run) => {
    const host = await run.host({ nodes: 3, subsystems: 4, kato: 2, net: "10.77", isLinked: true });
    await host.begin();
    await run.repeat(host, {
      fault: "link down, all nodes",
      times: run.full ? 10 : 3,
      limitMs: 30_000,
      checked: "a change meanwhile; the list stays; paths, sessions",
      strike: async (time) => {
        const from = host.agent.logged;
        await host.namespace.unplug();
        await host.change("addSubsystem", `nqn.2024-01.org.example:cable-${time}`);
        if (time % 3 === 1) return await pause(1_000);
        for (const id of host.members) await host.untilFailed(id, 15_000, { from });
        await pause(run.full ? 10_000 : 1_000);
        await until("the kernel sees its paths lost", 10_000, async () => {
          const live = (await host.livePaths()).size;
          return live === 0 ? null : `${live} are live`;
        });
        assert((await host.rememberedEndpoints())?.length === 3, "An unreachable node left the list");
      },
      end: () => host.namespace.plug(),
    });
  },
};

/** One direction of a node's packets vanishes: what it says, or what it is told. Connections stand and are silent. */
import { assert } from "../../assert.ts";
import type { Scenario } from "../scenario.ts";
import { pause } from "../waiting.ts";

export const oneWay: Scenario = {
  name: "one-way",
  about: "packets from a node vanish, then packets to it",
  run: async (run) => {
    const host = await run.host({ nodes: 3, subsystems: 4 });
    await host.begin();
    await run.repeat(host, {
      fault: "one-way drop, one node of three",
      times: run.full ? 6 : 2,
      limitMs: 30_000,
      checked: "changes at the other two noticed meanwhile; paths, sessions, list",
      strike: async (time) => {
        const from = host.agent.logged;
        const direction = time % 2 === 0 ? "saddr" : "daddr";
        await host.namespace.addRule(`ip ${direction} ${host.addressOf("n2")} tcp sport != 0 counter drop`);
        await host.untilFailed("n2", 20_000, { from });
        await host.noticeChange(5_000, ["n1", "n3"]);
        await pause(run.full ? 15_000 : 0);
        assert(await host.namespace.matched() > 2, "No packet was dropped");
        assert(await host.pathProblem(["n2"]) !== null, "The paths of n2 stayed live");
      },
      end: () => host.namespace.clearRules(),
    });
  },
};

/** Connections are reset in the middle of what they do, again and again, all of them. */
import { assert } from "../../assert.ts";
import type { Scenario } from "../scenario.ts";
import { pause } from "../waiting.ts";

export const resetStorm: Scenario = {
  name: "reset-storm",
  about: "one packet of five resets its connection",
  run: async (run) => {
    const host = await run.host({ nodes: 3, subsystems: 4 });
    await host.begin();
    await run.repeat(host, {
      fault: "RST storm",
      times: run.full ? 5 : 2,
      limitMs: 40_000,
      checked:
        "a change in the storm and one after it; paths, sessions, list (the kernel waits 10 s for an ICResp that is lost)",
      strike: async (time) => {
        const from = host.agent.logged;
        await host.namespace.addRule(
          "tcp flags & (syn|rst) == 0 numgen random mod 5 == 0 counter reject with tcp reset",
        );
        await host.change("addSubsystem", `nqn.2024-01.org.example:storm-${time}`);
        await pause(run.full ? 20_000 : 4_000);
        const reset = await host.namespace.matched();
        assert(reset > 10, `Only ${reset} connections were reset`);
        await host.untilFailed("n1", 5_000, { from });
      },
      end: () => host.namespace.clearRules(),
    });
  },
};

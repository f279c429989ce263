/** Packets vanish, each with the same chance, in both directions of every connection. */
import { assert } from "../../assert.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { pause } from "../waiting.ts";

async function lose(run: ScenarioRun, percent: number): Promise<void> {
  const host = await run.host({ nodes: 3, subsystems: 4 });
  await host.begin();
  await run.repeat(host, {
    fault: `packet loss ${percent} %`,
    times: run.full ? 5 : 2,
    limitMs: 20_000,
    checked: "ten changes a second meanwhile, one after it; paths, sessions, list",
    strike: async (time) => {
      await host.namespace.addRule(`meta l4proto tcp numgen random mod 100 < ${percent} counter drop`);
      await host.change("addSubsystem", `nqn.2024-01.org.example:lossy-${time}`, { nodes: [] });
      const wanted = run.full ? 20 * percent : 2 * percent;
      for (let turn = 0; await host.namespace.matched() < wanted; turn++) {
        assert(turn < 400, `Only ${await host.namespace.matched()} packets were dropped`);
        const method = Math.floor(turn / 3) % 2 === 0 ? "link" : "unlink";
        await host.change(method, `nqn.2024-01.org.example:lossy-${time}`, `n${turn % 3 + 1}`);
        await pause(100);
      }
    },
    end: () => host.namespace.clearRules(),
  });
}

export const packetLoss: Scenario = {
  name: "packet-loss",
  about: "10 and 30 of 100 packets are dropped",
  run: async (run) => void await Promise.all([lose(run, 10), lose(run, 30)]),
};

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
    checked: "a change under loss and one after it; paths, sessions, list",
    strike: async (time) => {
      await host.namespace.addRule(`meta l4proto tcp numgen random mod 100 < ${percent} counter drop`);
      await host.change("addSubsystem", `nqn.2024-01.org.example:lossy-${time}`);
      await pause(run.full ? 20_000 : 4_000);
      const dropped = await host.namespace.matched();
      assert(dropped > 10, `Only ${dropped} packets were dropped`);
    },
    end: () => host.namespace.clearRules(),
  });
}

export const packetLoss: Scenario = {
  name: "packet-loss",
  about: "10 and 30 of 100 packets are dropped",
  run: async (run) => void await Promise.all([lose(run, 10), lose(run, 30)]),
};

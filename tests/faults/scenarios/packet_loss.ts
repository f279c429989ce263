/** Packets vanish, each with the same chance, in both directions of every connection. */
import { assert } from "../../assert.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { pause } from "../waiting.ts";

const limitMs = 20_000;

async function lose(run: ScenarioRun, percent: number): Promise<void> {
  const host = await run.host({ nodes: 3, subsystems: 4 });
  await host.begin();
  const recoveredMs: number[] = [];
  const times = run.full ? 5 : 2;
  for (let time = 0; time < times; time++) {
    await host.namespace.addRule(`meta l4proto tcp numgen random mod 100 < ${percent} counter drop`);
    await host.change("addSubsystem", `nqn.2024-01.org.example:lossy-${time}`);
    await pause(run.full ? 20_000 : 4_000);
    const dropped = await host.namespace.matched();
    assert(dropped > 10, `Only ${dropped} packets were dropped`);
    await host.namespace.clearRules();
    recoveredMs.push(await host.untilWell("all live after the loss", limitMs));
    await host.noticeChange();
  }
  await host.checkNothingLost();
  run.addRow({
    fault: `packet loss ${percent} %`,
    tried: times,
    recoveredMs,
    limitMs,
    lost: await host.lost(),
    checked: "paths live, sessions armed, list right, a change under loss and one after noticed",
  });
}

export const packetLoss: Scenario = {
  name: "packet-loss",
  about: "10 and 30 of 100 packets are dropped",
  run: async (run) => void await Promise.all([lose(run, 10), lose(run, 30)]),
};

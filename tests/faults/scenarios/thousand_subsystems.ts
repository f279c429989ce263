/** A thousand subsystems on one port: the port dies and comes back. */
import { assert } from "../../assert.ts";
import type { Scenario } from "../scenario.ts";

export const thousandSubsystems: Scenario = {
  name: "thousand-subsystems",
  about: "1,000 subsystems on one port, which goes and comes back",
  run: async (run) => {
    const host = await run.host({ nodes: 1, subsystems: 1_000, kato: 10 });
    const tookMs = await host.begin(60_000);
    run.say(`1,000 paths live ${tookMs.toFixed()} ms after the start`);
    await run.repeat(host, {
      fault: "1,000 subsystems on one port, its target killed with -9",
      times: run.full ? 10 : 2,
      limitMs: 30_000,
      checked: "all 1,000 paths, the session, a change",
      strike: async () => {
        await host.targets.kill("n1");
        assert((await host.livePaths()).size < 1_000, "All paths stayed live");
      },
      end: () => host.targets.restart("n1"),
    });
    await run.repeat(host, {
      fault: "1,000 subsystems on one port, the agent killed with -9",
      times: run.full ? 10 : 2,
      limitMs: 30_000,
      checked: "no connect for what is connected; the session, a change",
      strike: async () => {
        await host.killAgent();
        assert((await host.livePaths()).size >= 1_000, "Paths went with the agent");
      },
      end: () => Promise.resolve(host.startAgent()),
    });
  },
};

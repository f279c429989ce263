/**
 * A node stays away for longer than ctrl_loss_tmo: the kernel gives its controllers up, and has to be told to connect
 * them anew when the node is back. Those of the other nodes stay.
 */
import { assert } from "../../assert.ts";
import type { Scenario } from "../scenario.ts";
import { until } from "../waiting.ts";

const limitMs = 30_000;
const subsystems = 6;

export const givenUp: Scenario = {
  name: "given-up",
  about: "a node away for longer than ctrl_loss_tmo: the kernel gives its controllers up",
  run: async (run) => {
    const host = await run.host({ nodes: 3, subsystems, ctrlLossTmo: 2 });
    await host.begin();
    const recoveredMs: number[] = [];
    const times = run.full ? 20 : 3;
    for (let time = 1; time <= times; time++) {
      const id = `n${time % 3 + 1}`;
      await host.targets.kill(id);
      await until("the kernel gives up", 15_000, async () => {
        const { losses } = await host.kernelState();
        return losses.length === time * subsystems ? null : `${losses.length} were given up`;
      });
      assert(await host.pathProblem() === null, "Paths of other nodes went with them");
      const endedMs = performance.now();
      await host.targets.restart(id);
      await host.untilWell("all is well after ctrl_loss_tmo", limitMs);
      recoveredMs.push(performance.now() - endedMs);
      await host.untilStatusAgrees();
    }
    const { losses } = await host.kernelState();
    run.addRow({
      fault: "a node away for longer than ctrl_loss_tmo",
      tried: times,
      recoveredMs,
      limitMs,
      lost: losses.length - times * subsystems,
      checked: "what the kernel gave up is connected anew, nothing else was given up; paths, sessions, list",
    });
  },
};

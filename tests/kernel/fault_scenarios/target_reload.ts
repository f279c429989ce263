/** The target is emptied, its modules leave the kernel and return, and it is built anew: all is as it was. */
import { FaultRun } from "../fault_run.ts";
import { Fabric } from "../fabric.ts";
import { controllers } from "../initiator.ts";
import { clearTarget, reloadModules } from "../nvmet.ts";
import { until } from "../poll.ts";
import type { Lab, Scenario } from "../scenario.ts";

export const targetReload: Scenario = {
  name: "target-reload",
  title: "nvmet and nvmet_tcp taken out of the kernel and put in again, the target built anew",
  seconds: 50,
  fullSeconds: 80,
  ci: true,
  limitMs: 400_000,
  run,
};

const subsystems = 2;

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab, { subsystems });
  await run.repeat({
    fault: "target's modules reloaded, configuration rebuilt",
    times: lab.full ? 4 : 2,
    // Controllers that stay wait 10 s between attempts; those that the new target refuses for good are removed by the
    // kernel itself, and wanted again.
    limitMs: 60_000,
    checked: "the list stays; paths, sessions, a change; no controller removed but by the kernel itself",
    strike: async () => {
      await clearTarget();
      await until("all sessions are lost", 20_000, () => run.lookForNoSession());
      await until("all controllers lose their connection", 20_000, async () => {
        const live = (await controllers()).filter((one) => one.state === "live");
        return live.length === 0 ? null : `${live.length} still live`;
      });
      await reloadModules();
    },
    end: async () => {
      run.fabric = await Fabric.build({ subsystems, disks: false });
    },
  });
  return run.summary;
}

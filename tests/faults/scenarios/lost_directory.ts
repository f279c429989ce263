/** The directory of entry files is deleted and made again, under load: changes at the targets, files that come and go. */
import { assert } from "../../assert.ts";
import type { Scenario } from "../scenario.ts";
import { pause } from "../waiting.ts";

export const lostDirectory: Scenario = {
  name: "lost-directory",
  about: "the directory of entry files is deleted and made again, under load",
  run: async (run) => {
    const host = await run.host({ nodes: 3, subsystems: 3 });
    await host.begin();
    let loads = 0;
    const load = setInterval(() => {
      const [method, at] = [loads % 2 === 0 ? "link" : "unlink", `n${loads % 3 + 1}`] as const;
      loads++;
      host.change(method, "nqn.2024-01.org.example:load", at).catch(() => {});
    }, 20);
    await host.change("addSubsystem", "nqn.2024-01.org.example:load");
    const recoveredMs: number[] = [];
    const limitMs = 5_000;
    const times = run.full ? 100 : 12;
    try {
      for (let time = 0; time < times; time++) {
        await Deno.remove(host.configDir, { recursive: true });
        // Sometimes at once, sometimes seen missing.
        await pause([0, 5, 60, 1_300][time % 4]!);
        assert((await host.rememberedEndpoints())?.length === 3, "An endpoint left with the directory");
        const endedMs = performance.now();
        await Deno.mkdir(host.configDir);
        if (time % 3 === 1) await pause(40);
        await host.dropFile(`again-${time}.conf`, time % 2 === 0 ? ["n1", "n2"] : ["n2", "n3"]);
        await host.change("addSubsystem", `nqn.2024-01.org.example:lost-${time}`);
        await host.untilWell("all is well with the directory", limitMs);
        recoveredMs.push(performance.now() - endedMs);
      }
    } finally {
      clearInterval(load);
    }
    await host.noticeChange();
    await host.untilWell("all is well in the end", limitMs);
    await host.checkNothingLost();
    run.say(`${loads} changes meanwhile`);
    run.addRow({
      fault: "clientConfigDir deleted and made again, 50 changes a second meanwhile",
      tried: times,
      recoveredMs,
      limitMs,
      lost: await host.lost(),
      checked: "nothing leaves the list while the directory is missing; paths, sessions, list",
    });
  },
};

/** Targets die with -9: one while it sends a big log, then all at once; and come back. */
import { assert } from "../../assert.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { pause } from "../waiting.ts";

/** 600 records, 600 KiB a log. */
const bigLog = 600;

async function midPdu(run: ScenarioRun): Promise<void> {
  const host = await run.host({ nodes: 2, subsystems: bigLog, mesh: true });
  await host.begin(60_000);
  await run.repeat(host, {
    fault: "target killed with -9 while it sends a log of 600 KiB",
    times: run.full ? 20 : 3,
    limitMs: 40_000,
    checked: "also with a PDU cut short just before; paths, sessions, list",
    strike: async (time) => {
      const from = host.agent.logged;
      if (time % 2 === 1) {
        // What comes next ends in the middle of a PDU for certain.
        await host.change("setFaults", "n1", [{
          at: "logRecords",
          kind: "truncate",
          bytes: 30_000,
          skip: 1,
        }]);
        await host.restartNodes("n1");
      }
      await host.change("addSubsystem", `nqn.2024-01.org.example:big-${time}`);
      await pause((time * 7) % 40);
      await host.targets.kill("n1");
      await host.untilFailed("n1", 10_000, { from });
      assert(await host.pathProblem() === null || host.offeredPaths(["n1"]).length === 0, "n1 offers paths");
    },
    end: async (time) => {
      await host.targets.restart("n1");
      if (time % 2 === 1) await host.change("setFaults", "n1", []);
    },
  });
}

async function allKilled(run: ScenarioRun): Promise<void> {
  const host = await run.host({ nodes: 3, subsystems: 4 });
  await host.begin();
  await run.repeat(host, {
    fault: "all targets killed with -9",
    times: run.full ? 10 : 3,
    limitMs: 30_000,
    checked: "the list stays; paths, sessions",
    strike: async () => {
      await Promise.all(["n1", "n2", "n3"].map((id) => host.targets.kill(id)));
      await pause(run.full ? 5_000 : 1_000);
      assert((await host.livePaths()).size === 0, "Paths stayed live");
      assert((await host.rememberedEndpoints())?.length === 3, "A dead node left the list");
    },
    end: async () => void await Promise.all(["n1", "n2", "n3"].map((id) => host.targets.restart(id))),
  });
}

export const targetKilled: Scenario = {
  name: "target-killed",
  about: "targets killed with -9, one in the middle of a big log",
  run: async (run) => void await Promise.all([midPdu(run), allKilled(run)]),
};

/** Processes stopped for longer than the Keep Alive Timeout, and continued: a target, then the agent. */
import { assert } from "../../assert.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { pause } from "../waiting.ts";

const kato = 2;

async function stopTarget(run: ScenarioRun): Promise<void> {
  const host = await run.host({ nodes: 3, subsystems: 4, kato });
  await host.begin();
  await run.repeat(host, {
    fault: "target stopped for longer than KATO",
    times: run.full ? 10 : 2,
    limitMs: 30_000,
    checked: "changes at the others noticed meanwhile; paths, sessions, list",
    strike: async () => {
      const from = host.agent.logged;
      await host.targets.pause("n2");
      await host.noticeChange(5_000, ["n1", "n3"]);
      await pause(kato * 3_000);
      await host.untilFailed("n2", 10_000, { from });
      assert(await host.pathProblem(["n2"]) !== null, "The paths of n2 stayed live");
    },
    end: () => Promise.resolve(host.targets.resume("n2")),
  });
}

async function stopAgent(run: ScenarioRun): Promise<void> {
  const host = await run.host({ nodes: 3, subsystems: 4, kato });
  await host.begin();
  await run.repeat(host, {
    fault: "agent stopped for longer than KATO",
    times: run.full ? 10 : 2,
    limitMs: 15_000,
    checked: "changes made meanwhile; paths, sessions, list",
    strike: async (time) => {
      await host.agent.pause();
      await host.change("addSubsystem", `nqn.2024-01.org.example:unseen-${time}`);
      await pause(kato * 3_000);
      const armed = await host.targets.armed();
      assert(Object.values(armed).every((count) => count === 0), "Sessions outlived their timeout");
    },
    end: () => Promise.resolve(host.agent.resume()),
  });
}

export const stopped: Scenario = {
  name: "stopped",
  about: "SIGSTOP and SIGCONT of a target, and of the agent, longer than KATO",
  run: async (run) => void await Promise.all([stopTarget(run), stopAgent(run)]),
};

/**
 * Connects vanish: the SYN of one node of three, then of all. What stood is broken first, so that everybody must dial.
 * Nobody else waits: the other nodes' changes are noticed meanwhile.
 */
import { assert } from "../../assert.ts";
import type { FaultHost } from "../fault_host.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { pause } from "../waiting.ts";

const isSyn = "tcp flags & (fin|syn|rst|ack) == syn counter drop";

async function swallow(host: FaultHost, nodes: readonly string[]): Promise<void> {
  const from = host.agent.logged;
  for (const id of nodes) await host.namespace.addRule(`ip daddr ${host.addressOf(id)} ${isSyn}`);
  await host.restartNodes(...nodes);
  for (const id of nodes) await host.untilFailed(id, 10_000, { from, code: "dial" });
}

async function one(run: ScenarioRun): Promise<void> {
  const host = await run.host({ nodes: 3, subsystems: 4 });
  await host.begin();
  await run.repeat(host, {
    fault: "SYN black hole, one node of three",
    times: run.full ? 4 : 2,
    limitMs: 30_000,
    checked: "its controllers disconnected meanwhile: nobody waits behind them; paths, sessions, list",
    strike: async () => {
      await swallow(host, ["n2"]);
      // Whoever had the kernel connect them now would hold its lock for 3 s each.
      assert(await host.disconnect("n2") >= 4, "There was nothing to disconnect");
      await pause(run.full ? 10_000 : 1_000);
      for (let time = 0; time < 3; time++) {
        run.say(`seen: ${(await host.noticeChange(2_500, ["n1", "n3"])).toFixed()} ms`);
      }
      assert(await host.namespace.matched() > 2, "No packet was swallowed");
      assert(await host.pathProblem(["n2"]) !== null, "The paths of n2 stayed live");
    },
    end: () => host.namespace.clearRules(),
  });
}

async function all(run: ScenarioRun): Promise<void> {
  const host = await run.host({ nodes: 3, subsystems: 4 });
  await host.begin();
  await run.repeat(host, {
    fault: "SYN black hole, all nodes",
    times: run.full ? 3 : 1,
    limitMs: 45_000,
    checked: "the list stays; paths, sessions",
    strike: async () => {
      await swallow(host, ["n1", "n2", "n3"]);
      await pause(run.full ? 30_000 : 12_000);
      assert((await host.livePaths()).size === 0, "Paths stayed live");
      assert((await host.rememberedEndpoints())?.length === 3, "An unreachable node left the list");
    },
    end: () => host.namespace.clearRules(),
  });
}

export const blackHole: Scenario = {
  name: "black-hole",
  about: "connects to one node, and to all, vanish",
  run: async (run) => void await Promise.all([one(run), all(run)]),
};

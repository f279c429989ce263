/**
 * One node of three swallows all packets, again and again: its session and its controllers are lost, while changes
 * at the other two are noticed as ever.
 */
import { FaultRun } from "../fault_run.ts";
import { association, controllers, lookForAll, lookForSame } from "../initiator.ts";
import { answers, discoveryPort, swallow, swallowNothing } from "../network.ts";
import { formatSeconds, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const blackHole: Scenario = {
  name: "black-hole",
  title: "one node of three swallows packets, again and again: the others' changes are noticed meanwhile",
  seconds: 50,
  fullSeconds: 70,
  ci: true,
  limitMs: 600_000,
  run,
};

const changesMeanwhile = 3;
const noticeLimitMs = 15_000;

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab);
  const noticedMs: number[] = [];
  let before: string[] = [];
  await run.repeat({
    fault: "SYN black hole, one node of three",
    times: lab.full ? 3 : 2,
    // The kernel's connections retry their SYN after growing pauses, and wait 10 s between attempts.
    limitMs: 60_000,
    checked: `${changesMeanwhile} changes at the other two noticed meanwhile, their controllers untouched; ` +
      "sessions, list; every controller kept",
    strike: async (time) => {
      const dead = time % 3 + 1;
      const sound = run.fabric.nodes.filter((node) => node !== dead);
      const all = await controllers();
      before = await run.remember();
      const others = all.filter((one) => one.traddr !== run.fabric.address(dead));
      expect(
        others.length === run.linked.length * 2,
        `Precondition: ${others.length} controllers of the others`,
      );
      await swallow(run.fabric.address(dead));
      expect(!await answers(run.fabric.address(dead), discoveryPort), "Precondition: the node still answers");
      for (let change = 0; change < changesMeanwhile; change++) {
        const nqn = await run.add();
        noticedMs.push(
          await until(
            "a change at the others",
            noticeLimitMs,
            () => lookForAll(run.fabric.paths([nqn], sound)),
          ),
        );
        await run.drop(nqn);
      }
      await until("the node's controllers lose their connection", 40_000, async () => {
        const live = (await controllers()).filter((one) =>
          one.traddr === run.fabric.address(dead) && one.state === "live"
        );
        return live.length === 0 ? null : `${live.length} still live`;
      });
      await until("the session to the dead node is lost", 20_000, async () => {
        return await run.lookForSessions([dead]) === null ? "it is still up" : null;
      });
      expect(await run.lookForSessions(sound) === null, "A session to another node was lost");
      const kept = await lookForSame(others, association);
      expect(kept === null, `A controller of another node was touched: ${kept}`);
      expect(await run.agent.lookForStored(run.fabric.endpoints()) === null, "The list lost an endpoint");
    },
    end: swallowNothing,
  });
  await run.expectKept(before);
  run.addSummary(`changes at the others seen after at most ${formatSeconds(Math.max(...noticedMs))}`);
  return run.summary;
}

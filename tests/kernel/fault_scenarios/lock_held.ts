/**
 * The agent is killed while the kernel, on its behalf, connects into a black hole and holds its lock over all connects.
 * The next agent's connects wait for the lock at most; all other paths come to life with the hole still there.
 */
import { FaultRun } from "../fault_run.ts";
import { lookForAll } from "../initiator.ts";
import {
  answers,
  connectionsTo,
  ioPort,
  nodeAddress,
  swallowFromKernel,
  swallowNothing,
} from "../network.ts";
import { formatSeconds, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const lockHeld: Scenario = {
  name: "lock-held",
  title: "the agent killed while its connect into a black hole holds the kernel's lock",
  seconds: 80,
  fullSeconds: 180,
  ci: true,
  limitMs: 400_000,
  run,
};

const dead = 1;
const othersLimitMs = 60_000;

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab);
  const freedMs: number[] = [];
  const othersMs: number[] = [];
  let before: string[] = [];
  await run.repeat({
    fault: "agent killed while its connect into a black hole holds the kernel's lock",
    times: lab.full ? 4 : 2,
    limitMs: 60_000,
    checked:
      "with the hole still there, the other nodes' new paths live; the list whole; every controller kept",
    strike: async () => {
      before = await run.remember();
      await swallowFromKernel(run.fabric.address(dead), ioPort);
      expect(await answers(run.fabric.address(dead), ioPort), "Precondition: a probe does not get through");
      const nqn = await run.fabric.createSubsystem(`held${before.length}`);
      await run.fabric.linkEverywhere(nqn);
      run.linked.push(nqn);
      await until("a connect is stuck in the kernel", 30_000, lookForStuckConnect, 5);
      await run.agent.kill();
      freedMs.push(
        await until("the kernel ends the connect", 30_000, async () => {
          return await lookForStuckConnect() === null ? "still connecting" : null;
        }),
      );
      await run.expectKept(before);
      const list = await run.agent.lookForStored(run.fabric.endpoints());
      expect(list === null, `The list is not whole: ${list}`);
      run.agent.start();
      await run.agent.ready();
      const others = run.fabric.paths(run.linked, run.fabric.nodes.filter((node) => node !== dead));
      othersMs.push(await until("the others' new paths live", othersLimitMs, () => lookForAll(others)));
      expect(await run.lookForPaths() !== null, "Precondition: the hole was passed");
    },
    end: swallowNothing,
  });
  await run.expectKept(before);
  run.addSummary(
    `connect over ${formatSeconds(Math.max(...freedMs))} after the kill, the others live at most ` +
      `${formatSeconds(Math.max(...othersMs))} after READY`,
  );
  return run.summary;
}

/** Null when the kernel waits for an answer of the black hole. */
async function lookForStuckConnect(): Promise<string | null> {
  const connecting = await connectionsTo(ioPort, "connecting");
  return connecting.has(nodeAddress(dead)) ? null : "no connect";
}

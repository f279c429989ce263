/**
 * The agent is killed while the kernel, on its behalf, connects into a black hole and holds its lock over all connects.
 * The next agent's connects wait for the lock at most; all other paths come to life with the hole still there.
 */
import { FaultRun } from "../fault_run.ts";
import { lookForAll } from "../initiator.ts";
import {
  answers,
  ioPort,
  nodeAddress,
  swallowNewConnections,
  swallowNothing,
  tcpConnections,
} from "../network.ts";
import { formatSeconds, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const lockHeld: Scenario = {
  name: "lock-held",
  title: "the agent killed while its connect into a black hole holds the kernel's lock",
  seconds: 80,
  fullSeconds: 100,
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
    times: lab.full ? 3 : 2,
    limitMs: 60_000,
    checked:
      "with the hole still there, the other nodes' new paths live; the list whole; every controller kept",
    strike: async () => {
      before = await run.remember();
      await swallowNewConnections(run.fabric.address(dead), ioPort);
      expect(!await answers(run.fabric.address(dead), ioPort), "Precondition: the I/O port still answers");
      // The log that names the new subsystem comes through the discovery port, which answers; that counts as proof.
      const nqn = await run.fabric.createSubsystem(`held${before.length}`);
      await run.fabric.linkEverywhere(nqn);
      run.linked.push(nqn);
      await until("a connect is stuck in the kernel", 30_000, () => lookForStuckConnect(run.agent.pid), 5);
      await run.agent.kill();
      freedMs.push(
        await until("the kernel ends the connect", 30_000, async () => {
          return await lookForStuckConnect(null) === null ? "still connecting" : null;
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

/**
 * Null when the kernel itself waits for an answer of the black hole: with a socket that is none of the agent's
 * descriptors, as a probe's would be.
 */
async function lookForStuckConnect(agentPid: number | null): Promise<string | null> {
  const waiting = (await tcpConnections()).filter(({ address, port, state }) =>
    address === nodeAddress(dead) && port === ioPort && state === 2
  );
  const ofAgent = agentPid === null ? [] : await openSockets(agentPid);
  return waiting.some(({ inode }) => !ofAgent.includes(`socket:[${inode}]`)) ? null : "no connect";
}

async function openSockets(pid: number): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    found.push(await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => ""));
  }
  return found;
}

/**
 * For some seconds every packet to the discovery ports is answered with RST, then to the I/O ports as well. Sessions
 * come back after it; controllers that the kernel brings back by itself are the same ones as before.
 */
import { FaultRun } from "../fault_run.ts";
import { controllers, describe } from "../initiator.ts";
import { answers, discoveryPort, ioPort, reset, swallowNothing } from "../network.ts";
import { throughout, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const rstStorm: Scenario = {
  name: "rst-storm",
  title:
    "RST in answer to all packets for seconds, to discovery and then to I/O: all comes back, nothing is replaced",
  seconds: 65,
  fullSeconds: 100,
  ci: true,
  limitMs: 600_000,
  run,
};

const stormMs = 3_000;
/** Keep alives every two seconds at the most run into the storm. */
const lossLimitMs = 20_000;

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab);
  await strike(run, "RST storm, discovery ports", [discoveryPort], lab.full ? 4 : 2);
  await strike(run, "RST storm, discovery and I/O ports", [discoveryPort, ioPort], lab.full ? 4 : 2);
  return run.summary;
}

async function strike(run: FaultRun, fault: string, ports: readonly number[], times: number): Promise<void> {
  let before: string[] = [];
  await run.repeat({
    fault,
    times,
    // Behind the kernel's own reconnect_delay of 10 s.
    limitMs: 45_000,
    checked:
      "the list stays meanwhile; a subsystem added in the storm, a change after it; every controller kept",
    strike: async () => {
      before = await run.remember();
      for (const node of run.fabric.nodes) {
        for (const port of ports) await reset(run.fabric.address(node), port);
        const still = await answers(run.fabric.address(node), discoveryPort);
        expect(!still, `Precondition: node ${node} still answers`);
      }
      await until("all sessions are lost", lossLimitMs, () => run.lookForNoSession());
      if (ports.includes(ioPort)) {
        await until("all controllers lose their connection", lossLimitMs, lookForNoneLive);
      }
      await run.add();
      await throughout("the list stays", stormMs, () => run.agent.lookForStored(run.fabric.endpoints()));
      expect(await run.lookForNoSession() === null, "Precondition: a session came up in the storm");
    },
    end: swallowNothing,
  });
  await run.expectKept(before);
}

async function lookForNoneLive(): Promise<string | null> {
  const live = (await controllers()).filter((one) => one.state === "live");
  return live.length === 0 ? null : describe(live);
}

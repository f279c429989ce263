/** The agent may open no file any more, while its sessions are lost and the cluster changes; then it may again. */
import { runCommand } from "../command.ts";
import { FaultRun } from "../fault_run.ts";
import { controllers } from "../initiator.ts";
import { throughout, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const descriptors: Scenario = {
  name: "descriptors",
  title: "no file descriptor left while sessions are lost and subsystems added; then there are again",
  seconds: 60,
  fullSeconds: 100,
  limitMs: 400_000,
  run,
};

const shortageMs = 6_000;
const enough = 65_536;

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab);
  let before: string[] = [];
  await run.repeat({
    fault: "no file descriptor left",
    times: lab.full ? 3 : 2,
    limitMs: 60_000,
    checked:
      "sessions lost and a subsystem added meanwhile; the agent lives on, the list stays; every controller kept",
    strike: async () => {
      before = await run.remember();
      await limitDescriptors(run.agent.pid, 3);
      const comeBack = await run.fabric.vanish(2);
      await until("the session is lost", 20_000, async () => {
        return await run.lookForSessions([2]) === null ? "still up" : null;
      });
      await run.add();
      await comeBack();
      await throughout("the list stays", shortageMs, () => run.agent.lookForStored(run.fabric.endpoints()));
      expect(run.agent.isRunning, "The agent ended");
      expect(await run.lookForSessions([2]) !== null, "Precondition: a session came up without a descriptor");
      const all = await controllers();
      expect(
        all.length === before.length,
        `Precondition: ${all.length} controllers, ${before.length} before`,
      );
    },
    end: () => limitDescriptors(run.agent.pid, enough),
  });
  await run.expectKept(before);
  return run.summary;
}

/** Of the running process; the hard limit stays high, to be raised again. */
async function limitDescriptors(pid: number, soft: number): Promise<void> {
  await runCommand("prlimit", ["--pid", String(pid), `--nofile=${soft}:${enough}`]);
}

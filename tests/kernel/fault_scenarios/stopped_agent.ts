/** The agent is stopped for longer than its sessions' keep alive timeout, while the cluster changes. */
import { FaultRun } from "../fault_run.ts";
import { runCommand } from "../command.ts";
import { throughout, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const stoppedAgent: Scenario = {
  name: "stopped-agent",
  title: "the agent stopped (SIGSTOP) for longer than KATO while the cluster changes",
  seconds: 55,
  fullSeconds: 80,
  ci: true,
  limitMs: 400_000,
  run,
};

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab);
  await run.repeat({
    fault: "agent stopped for longer than KATO",
    times: lab.full ? 4 : 2,
    limitMs: 30_000,
    checked: "the target gave its sessions up; subsystems added and removed meanwhile; paths, sessions, list",
    strike: async () => {
      const expiredBefore = await expiries();
      const leaving = await run.add();
      await until("the subsystem that will leave is live", 20_000, () => run.lookForPaths());
      const before = await run.remember();
      run.agent.signal("SIGSTOP");
      lab.cleanups.unshift(["Cannot wake the agent", () => Promise.resolve(wake(run))]);
      await run.add();
      await until("the target gives the sessions up", 30_000, async () => {
        const expired = await expiries() - expiredBefore;
        return expired >= run.fabric.nodes.length ? null : `${expired} keep alive timers expired`;
      });
      await run.expectKept(before);
      await run.drop(leaving);
      const paths = await run.lookForPaths();
      expect(paths !== null, "Precondition: the new subsystem is connected while the agent is stopped");
      await throughout(
        "no agent reacts",
        500,
        async () => await run.lookForPaths() === null ? "all live" : null,
      );
    },
    end: () => Promise.resolve(run.agent.signal("SIGCONT")),
  });
  return run.summary;
}

/** A process that stands still cannot be asked to end. */
function wake(run: FaultRun): void {
  if (run.agent.isRunning) run.agent.signal("SIGCONT");
}

/** Keep alive timers that the target saw run out so far. */
async function expiries(): Promise<number> {
  const { stdout } = await runCommand("dmesg", []);
  return (stdout.match(/nvmet: ctrl \d+ keep-alive timer .* expired/g) ?? []).length;
}

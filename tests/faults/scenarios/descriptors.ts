/** The agent runs out of file descriptors: from its start, and while it runs; then it may have more. */
import { assert } from "../../assert.ts";
import type { FaultHost } from "../fault_host.ts";
import { run as runCommand } from "../namespace.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { pause, until } from "../waiting.ts";

const limitMs = 40_000;
/** Fewer than sessions and probes of this fabric take. */
const low = 64;
const enough = 4_096;
const nodes = 60;

/** The soft limit; the hard one stays, since raising that takes more than root has everywhere. */
async function setLimit(host: FaultHost, count: number): Promise<void> {
  await runCommand(["prlimit", "--pid", String(host.agent.pid), `--nofile=${count}:${enough}`]);
}

/** The runtime raises its own limit as far as it may when it begins: ours comes right after that. */
async function startWithLimit(host: FaultHost): Promise<void> {
  host.startAgent(["prlimit", `--nofile=${low}:${enough}`]);
  await until("the runtime raises its limit", 5_000, async () => {
    const text = await Deno.readTextFile(`/proc/${host.agent.pid}/limits`);
    return new RegExp(`^Max open files\\s+${enough}\\s+${enough}\\s`, "m").test(text) ? null : text;
  }, 1);
  await setLimit(host, low);
}

async function untilTold(host: FaultHost, from = 0): Promise<void> {
  await until(
    "too many open files is told",
    15_000,
    () => host.agent.linesWith("too many open files", from).length > 0 ? null : "it is not",
  );
}

async function fromTheStart(run: ScenarioRun): Promise<void> {
  const host = await run.host({ nodes, subsystems: 2, processes: 1 });
  const recoveredMs: number[] = [];
  const times = run.full ? 5 : 2;
  for (let time = 0; time < times; time++) {
    await Deno.remove(`${host.internalDir}/internal.json`).catch(() => {});
    await startWithLimit(host);
    await untilTold(host);
    await pause(2_000);
    const armed = Object.values(await host.targets.armed()).filter((count) => count > 0).length;
    assert(armed > 0, "Not one session came up with what descriptors there are");
    assert(armed < nodes, "All sessions came up: there was no shortage");
    const endedMs = performance.now();
    await setLimit(host, enough);
    await host.untilWell("all is well with enough descriptors", limitMs);
    recoveredMs.push(performance.now() - endedMs);
    await host.noticeChange();
    await host.stopAgent();
  }
  await host.checkNothingLost();
  run.addRow({
    fault: `start with ${low} file descriptors for ${nodes} endpoints`,
    tried: times,
    recoveredMs,
    limitMs,
    lost: await host.lost(),
    checked: "some sessions up meanwhile; paths, sessions, list",
  });
}

async function whileRunning(run: ScenarioRun): Promise<void> {
  const host = await run.host({ nodes: 3, subsystems: 4 });
  await host.begin();
  await run.repeat(host, {
    fault: "no file descriptor left while running",
    times: run.full ? 5 : 2,
    limitMs,
    checked: "files, log and kernel cannot be read: nothing leaves the list; paths, sessions",
    strike: async (time) => {
      const from = host.agent.logged;
      // Lower than what it has: nothing can be opened, not even a directory.
      await setLimit(host, 10);
      await host.change("addSubsystem", `nqn.2024-01.org.example:shut-${time}`);
      await host.dropFile(`more-${time}.conf`, ["n3"]);
      await host.restartNodes("n2");
      await untilTold(host, from);
      await pause(run.full ? 10_000 : 4_000);
      assert((await host.rememberedEndpoints())?.length === 3, "An endpoint left the list");
      assert((await host.pathProblem()) !== null, "Nothing is broken");
    },
    end: () => setLimit(host, enough),
  });
}

export const descriptors: Scenario = {
  name: "descriptors",
  about: "file descriptors run out, at the start and later",
  run: async (run) => void await Promise.all([fromTheStart(run), whileRunning(run)]),
};

/** internalDir on a disk that is full, then read-only; it can be written again later. */
import { assert } from "../../assert.ts";
import type { FaultHost } from "../fault_host.ts";
import { run as runCommand } from "../namespace.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { until } from "../waiting.ts";

/** The next try of a save, and a little. */
const limitMs = 15_000;

/** A node leaves or joins, so that there is something to save. */
async function moveNode(host: FaultHost, time: number): Promise<void> {
  if (time % 2 === 0) await host.leave("n4");
  else await host.join("n4");
}

async function hostOnDisk(run: ScenarioRun): Promise<FaultHost> {
  const directory = await Deno.makeTempDir({ prefix: "dc-faults-disk-" });
  run.addCleanup(() => Deno.remove(directory));
  await runCommand(["mount", "-t", "tmpfs", "-o", "size=64k", "dc-faults", directory]);
  run.addCleanup(async () => void await runCommand(["umount", directory]));
  const host = await run.host({ nodes: 4, subsystems: 2, internalDir: directory });
  await host.begin();
  return host;
}

/** The save fails and is told; what was saved before can still be loaded; paths and sessions go on. */
async function checkSaveFails(host: FaultHost, from: number): Promise<void> {
  await until(
    "the failed save is told",
    10_000,
    () => host.agent.linesWith("Cannot save the state", from).length > 0 ? null : "it is not",
  );
  assert(await host.rememberedEndpoints() !== null, "What was remembered is gone");
  assert(await host.listProblem() !== null, "The save did not fail");
  await host.noticeChange(5_000, ["n1", "n2", "n3"]);
}

async function full(run: ScenarioRun): Promise<void> {
  const host = await hostOnDisk(run);
  const ballast = `${host.internalDir}/ballast`;
  await run.repeat(host, {
    fault: "disk full under internalDir",
    times: run.full ? 10 : 2,
    limitMs,
    checked: "the last state saved stays loadable; a change meanwhile; paths, sessions, list",
    strike: async (time) => {
      const from = host.agent.logged;
      await runCommand(["sh", "-c", `head -c 1000000 /dev/zero >${ballast} || test -s ${ballast}`]);
      await moveNode(host, time);
      await checkSaveFails(host, from);
    },
    end: () => Deno.remove(ballast),
  });
}

async function readOnly(run: ScenarioRun): Promise<void> {
  const host = await hostOnDisk(run);
  // Over the directory as the agent sees it: the file system itself stays writable while its lock is held.
  const asAgent = (...words: string[]) =>
    runCommand(["nsenter", "-t", String(host.agent.pid), "-m", ...words]);
  await run.repeat(host, {
    fault: "read-only internalDir",
    times: run.full ? 10 : 2,
    limitMs,
    checked: "the last state saved stays loadable; a change meanwhile; paths, sessions, list",
    strike: async (time) => {
      const from = host.agent.logged;
      await asAgent("mount", "--bind", host.internalDir, host.internalDir);
      await asAgent("mount", "-o", "remount,bind,ro", host.internalDir);
      await moveNode(host, time);
      await checkSaveFails(host, from);
    },
    end: async () => void await asAgent("umount", host.internalDir),
  });
}

export const fullDisk: Scenario = {
  name: "full-disk",
  about: "internalDir on a disk that is full, and read-only",
  run: async (run) => void await Promise.all([full(run), readOnly(run)]),
};

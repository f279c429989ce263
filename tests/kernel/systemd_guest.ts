/**
 * Guest side of the lab with systemd: runs the named scenarios one after the other. They share one boot, one agent and
 * its volumes; a scenario leaves them as it found them.
 */
import { useBinary } from "./agent_process.ts";
import { runCommand } from "./command.ts";
import { controllers, describe, kernelClock, kernelLog } from "./initiator.ts";
import { formatSeconds } from "./poll.ts";
import { sendReport } from "./report.ts";
import { Lab, type Scenario } from "./scenario.ts";
import { systemdScenarios } from "./systemd_scenarios/index.ts";
import { shutdown } from "./systemd_scenarios/shutdown.ts";
import { setUpTarget } from "./systemd_target.ts";
import { journal, logFile } from "./systemd_unit.ts";

const scenarioLimitMs = 90_000;
const verbose = Deno.args.includes("--verbose");

async function main(): Promise<void> {
  useBinary();
  await setUpTarget();
  const names = Deno.args.filter((argument) => !argument.startsWith("--"));
  // Whatever is asked for, the machine has to be up.
  const wanted = systemdScenarios.filter(({ name }) => name === "boot" || names.includes(name));
  for (const scenario of wanted) {
    if (scenario === shutdown) continue;
    await runScenario(scenario, names.includes(scenario.name));
  }
  if (!names.includes(shutdown.name)) return await sendReport({ type: "end" });
  // What it finds is sent when nothing of ours runs any more.
  await shutdown.run(new Lab("/run/lab"));
}

async function runScenario(scenario: Scenario, isAsked: boolean): Promise<void> {
  const startedSeconds = await kernelClock();
  const details: string[] = [];
  let text = "";
  let ok = false;
  try {
    text = await limited(
      scenario.run(new Lab(`/run/lab/${scenario.name}`)),
      scenario.limitMs ?? scenarioLimitMs,
    );
    ok = true;
  } catch (error) {
    text = (error as Error).message;
    details.push(
      ...((error as Error).stack ?? "").split("\n").filter((line) => line.includes("/tests/kernel/")),
    );
  }
  if (!ok || verbose) details.push(...await gatherDetails(startedSeconds));
  if (ok && !isAsked) return;
  const tookMs = (await kernelClock() - startedSeconds) * 1_000;
  await sendReport({ type: "row", name: scenario.name, ok, text, tookMs, details });
}

async function limited(run: Promise<string>, limitMs: number): Promise<string> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => limit.reject(new Error(`The scenario has no end within ${formatSeconds(limitMs)}`)),
    limitMs,
  );
  try {
    return await Promise.race([run, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function gatherDetails(startedSeconds: number): Promise<string[]> {
  const said = async (program: string, ...args: string[]) =>
    (await runCommand(program, args, { mayFail: true })).stdout.trimEnd().split("\n");
  const log = await Deno.readTextFile(logFile).catch(() => "(no log file)");
  return [
    describe(await controllers()),
    ...await said("systemctl", "--no-pager", "--failed"),
    ...await said("systemctl", "--no-pager", "list-jobs"),
    ...(await said("systemd-analyze", "--no-pager", "blame")).slice(0, 25),
    "journal:",
    ...await journal(40),
    "log file:",
    ...log.trimEnd().split("\n").slice(-40),
    "kernel log:",
    ...await kernelLog(startedSeconds, 25),
  ];
}

await main();
Deno.exit(0);

/**
 * Guest side of the kernel lab: runs the named scenarios one after the other, each on an empty target, without
 * controllers, in fresh directories, and reports a row for each on the second serial line.
 */
import { useBinary } from "./agent_process.ts";
import { controllers, deleteAllControllers, describe, kernelClock, kernelLog } from "./initiator.ts";
import { setUpNetwork, swallowNothing } from "./network.ts";
import { clearTarget } from "./nvmet.ts";
import { formatSeconds } from "./poll.ts";
import { sendReport } from "./report.ts";
import { Lab, type Scenario } from "./scenario.ts";
import { faultScenarios } from "./fault_scenarios/index.ts";
import { scenarios } from "./scenarios/index.ts";

const scenarioLimitMs = 90_000;
const agentLogLines = 60;
const kernelLogLines = 25;
/** Logs of scenarios that passed as well. */
const verbose = Deno.args.includes("--verbose");
const full = Deno.args.includes("--full");

async function main(): Promise<void> {
  const names = Deno.args.filter((argument) => !argument.startsWith("--"));
  if (Deno.args.includes("--binary")) useBinary();
  await setUpNetwork();
  for (const name of names) {
    const scenario = [...scenarios, ...faultScenarios].find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`Cannot run ${name}: no such scenario`);
    await runScenario(scenario);
  }
  await sendReport({ type: "end" });
}

async function runScenario(scenario: Scenario): Promise<void> {
  const dir = `/guest/${scenario.name}`;
  await Deno.mkdir(dir, { recursive: true });
  const lab = new Lab(dir, full);
  const startedSeconds = await kernelClock();
  const problems: string[] = [];
  const details: string[] = [];
  let text = "";
  try {
    text = await limited(scenario.run(lab), scenario.limitMs ?? scenarioLimitMs);
    if (verbose) details.push(...await gatherDetails(lab, null, startedSeconds));
  } catch (error) {
    problems.push((error as Error).message);
    details.push(...await gatherDetails(lab, error as Error, startedSeconds));
  }
  problems.push(...await cleanUp(lab));
  const ok = problems.length === 0;
  await sendReport({
    type: "row",
    name: scenario.name,
    ok,
    text: ok ? text : problems.join("; then: "),
    tookMs: (await kernelClock() - startedSeconds) * 1_000,
    details,
  });
}

async function limited(run: Promise<string>, limitMs: number): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`The scenario has no end within ${formatSeconds(limitMs)}`)),
      limitMs,
    );
  });
  try {
    return await Promise.race([run, limit]);
  } finally {
    clearTimeout(timer);
  }
}

async function gatherDetails(lab: Lab, error: Error | null, startedSeconds: number): Promise<string[]> {
  const details = (error?.stack ?? "").split("\n").filter((line) =>
    /tests\/kernel\/(fault_)?scenarios/.test(line)
  );
  details.push(describe(await controllers()));
  for (const home of lab.homes) details.push(...await home.logTail(agentLogLines));
  details.push("kernel log:", ...await kernelLog(startedSeconds, kernelLogLines));
  return details;
}

/** Every step is tried; a step that fails fails the scenario, the next ones could not trust the guest. */
async function cleanUp(lab: Lab): Promise<string[]> {
  const problems: string[] = [];
  const steps: [string, () => Promise<unknown>][] = [
    ...lab.cleanups,
    ...lab.homes.filter((home) => home.isRunning).map((home): [string, () => Promise<unknown>] => [
      "Cannot stop the agent",
      () => home.stop(),
    ]),
    ["Cannot clear the packet rules", swallowNothing],
    ["Cannot delete the controllers", deleteAllControllers],
    ["Cannot clear the target", clearTarget],
  ];
  for (const [what, step] of steps) {
    try {
      await step();
    } catch (error) {
      problems.push(`${what}: ${(error as Error).message}`);
    }
  }
  return problems;
}

await main();
// Sockets of agents that were killed before they were ready would keep the program alive.
Deno.exit(0);

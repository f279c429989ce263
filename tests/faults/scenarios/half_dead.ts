/**
 * A thousand endpoints, of which a quarter refuses and a quarter swallows every packet. The good half must be up as
 * soon as it is without the others, give or take seconds; then the dead come back.
 */
import { assert } from "../../assert.ts";
import type { FaultHost, FaultHostOptions } from "../fault_host.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";
import { until } from "../waiting.ts";

const nodeCount = 1_000;
/** How much longer than alone the good half may take, ms. */
const extraMs = 8_000;

const plan: FaultHostOptions = {
  nodes: nodeCount,
  subsystems: 1,
  mesh: false,
  processes: 4,
  kato: 10,
};

/** Nodes of the process, 0 to 3, as they are dealt out. */
function nodesOf(process: number): string[] {
  return Array.from({ length: nodeCount / 4 }, (_, at) => `n${at * 4 + process + 1}`);
}

const good = [...nodesOf(0), ...nodesOf(1)];
const refusing = nodesOf(2);
const swallowing = nodesOf(3);

async function untilGoodAreUp(host: FaultHost, limitMs: number): Promise<number> {
  return await until("the good half is up", limitMs, async () => {
    const missing = await host.pathProblem(good);
    if (missing !== null) return missing;
    const armed = await host.targets.armed();
    const silent = good.filter((id) => (armed[id] ?? 0) === 0);
    return silent.length === 0 ? null : `${silent.length} sessions are missing`;
  });
}

/** Answers the ms it takes. */
async function goodAlone(run: ScenarioRun): Promise<number> {
  const host = await run.host({ ...plan, configured: good });
  host.startAgent();
  const tookMs = await untilGoodAreUp(host, 30_000);
  await host.close();
  return tookMs;
}

async function withTheDead(run: ScenarioRun, aloneMs: number): Promise<void> {
  const host = await run.host({ ...plan, configured: [...good, ...refusing, ...swallowing] });
  await host.targets.kill(refusing[0]!);
  const addresses = swallowing.map((id) => host.addressOf(id)).join(", ");
  await host.namespace.addRule(`ip daddr { ${addresses} } counter drop`);
  host.startAgent();
  const mixedMs = await untilGoodAreUp(host, aloneMs + extraMs);
  run.say(`the good half is up after ${aloneMs.toFixed()} ms alone, ${mixedMs.toFixed()} ms beside the dead`);
  assert(await host.namespace.matched() >= swallowing.length, "Too few packets were swallowed");
  const armed = await host.targets.armed();
  assert(swallowing.every((id) => armed[id] === 0), "A dead endpoint has a session");
  const some = good.filter((_, at) => at % 20 < 2);
  await host.noticeChange(5_000, some);
  const endedMs = performance.now();
  await host.namespace.clearRules();
  await host.targets.restart(refusing[0]!);
  const limitMs = 50_000;
  await host.untilWell("the dead are back", limitMs);
  const recoveredMs = performance.now() - endedMs;
  await host.noticeChange(5_000, host.members.filter((_, at) => at % 20 < 4));
  await host.checkNothingLost();
  const common = { tried: 1, lost: await host.lost(), checked: "the other 500: as soon as without the dead" };
  run.addRow({
    ...common,
    fault: "500 endpoints of 1,000 dead: how much longer the good ones take",
    recoveredMs: [Math.max(0, mixedMs - aloneMs)],
    limitMs: extraMs,
  });
  run.addRow({
    ...common,
    fault: "500 endpoints of 1,000 come back from the dead",
    recoveredMs: [recoveredMs],
    limitMs,
    checked: "all 1,000: paths, sessions, list; a change",
  });
}

export const halfDead: Scenario = {
  name: "half-dead",
  about: "of 1,000 endpoints 250 refuse and 250 swallow",
  run: async (run) => await withTheDead(run, await goodAlone(run)),
};

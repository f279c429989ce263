/**
 * A target that accepts and then does one thing wrong at one step of the protocol, every step at the same time at a
 * node of its own: it says nothing more, it closes, it stops in the middle of a PDU, it ends with a TermReq. Two nodes
 * are healthy throughout, and their changes are noticed meanwhile.
 */
import { assert } from "../../assert.ts";
import type { Fault } from "../../fabric/fault.ts";
import type { FaultHost } from "../fault_host.ts";
import type { Scenario, ScenarioRun } from "../scenario.ts";

const steps = [
  "icResp",
  "connect",
  "propertyGet",
  "propertySet",
  "identify",
  "setFeatures",
  "asyncEvent",
  "logHeader",
  "logRecords",
  "keepAlive",
] as const;

type Kind = (at: typeof steps[number]) => Fault;

/** Nodes 1 and 2 are healthy, node 3 has a controller that never becomes ready, then a node for each step. */
const healthy = ["n1", "n2"];
const unready = "n3";
const faultyNodes = steps.map((_, index) => `n${index + 4}`);

async function strike(host: FaultHost, kind: Kind, state: Fault, count: number): Promise<void> {
  const from = host.agent.logged;
  await host.change("setFaults", unready, [state]);
  for (const [index, id] of faultyNodes.entries()) await host.change("setFaults", id, [kind(steps[index]!)]);
  await host.restartNodes(unready, ...faultyNodes);
  await host.noticeChange(5_000, healthy);
  // The first failure is the restart's, the next ones are the fault's.
  const struck = { from, count };
  const eventNode = faultyNodes[steps.indexOf("asyncEvent")]!;
  let events = 0;
  const more = setInterval(() => {
    // The answer to an event request is the event: something must happen.
    host.change("addSubsystem", `nqn.2024-01.org.example:event-${from}-${++events}`, { nodes: [eventNode] });
  }, 1_000);
  try {
    await Promise.all([unready, ...faultyNodes].map((id) => host.untilFailed(id, 60_000, struck)));
  } finally {
    clearInterval(more);
  }
  await host.noticeChange(5_000, healthy);
  assert(await host.listProblem() !== null, "Nothing is broken");
}

async function end(host: FaultHost): Promise<void> {
  for (const id of [unready, ...faultyNodes]) await host.change("setFaults", id, []);
}

async function each(run: ScenarioRun, fault: string, kind: Kind, state: Fault): Promise<void> {
  const host = await run.host({ nodes: steps.length + 3, subsystems: 2, processes: 1, logLevel: "debug" });
  await host.begin();
  await run.repeat(host, {
    fault: `${fault}, at each of ${steps.length + 1} steps`,
    times: run.full ? 3 : 1,
    places: steps.length + 1,
    limitMs: 60_000,
    checked: "two healthy nodes' changes noticed meanwhile; paths, sessions, list",
    // What takes ten seconds each time is seen once where time is short.
    strike: () => strike(host, kind, state, run.full || state.kind !== "neverReady" ? 3 : 2),
    end: () => end(host),
  });
}

export const silentSteps: Scenario = {
  name: "silent-steps",
  about: "a target accepts and says nothing, at each step of the protocol",
  run: (run) => each(run, "target falls silent", (at) => ({ at, kind: "silent" }), { kind: "neverReady" }),
};

export const closingSteps: Scenario = {
  name: "closing-steps",
  about: "a target closes, cuts a PDU short or ends with TermReq, at each step of the protocol",
  run: async (run) => {
    await Promise.all([
      each(run, "target closes", (at) => ({ at, kind: "close" }), { kind: "fatalStatus" }),
      each(run, "target cuts a PDU short", (at) => ({ at, kind: "truncate", bytes: 11 }), {
        kind: "fatalStatus",
      }),
      each(run, "target ends with TermReq", (at) => ({ at, kind: "termReq", fes: 2 }), {
        kind: "fatalStatus",
      }),
    ]);
  },
};

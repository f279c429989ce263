/**
 * A connect that fails with a bare errno says why, in the kernel's own words: to a subsystem that does not let the host
 * in, from the command line; to one that has no controller left, in the log of an agent that connects others beside it.
 */
import { runAgent } from "../agent_process.ts";
import { controllers, describe } from "../initiator.ts";
import { setControllerIds } from "../nvmet.ts";
import { until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const kernelWords: Scenario = {
  name: "kernel-words",
  title: "connects that a target refuses: the error, and the agent's log, repeat the kernel's reason",
  seconds: 8,
  run,
};

/** Two nodes, two subsystems; the second one has a single controller to give. */
async function run(lab: Lab): Promise<string> {
  const both = hosts.map(({ hostnqn }) => hostnqn);
  const fabric = await lab.fabric({ nodes: [1, 2, 3], subsystems: 0, hosts: both });
  // The first one is the cluster's name.
  const open = await fabric.createSubsystem("open", [hosts[0].hostnqn]);
  const closed = await fabric.createSubsystem("closed", [hosts[1].hostnqn]);
  await fabric.linkEverywhere(closed);
  const refused = await runAgent([
    ...["connect", "-a", fabric.address(1), "-n", closed],
    ...["-q", hosts[0].hostnqn, "-I", hosts[0].hostid],
  ], true);
  const reason = wordsOf(refused.stderr);
  expect(refused.code === 1 && reason !== null, `connect to a closed subsystem said ${refused.stderr}`);
  expect(reason?.includes(closed) === true, `The kernel's words are not about ${closed}: ${reason}`);

  const narrow = await fabric.createSubsystem("narrow", [hosts[0].hostnqn]);
  // Two for three nodes; 6.1 takes no range of one.
  await setControllerIds(narrow, 500, 501);
  for (const nqn of [open, narrow]) await fabric.linkEverywhere(nqn);
  const agent = await lab.startAgent(fabric);
  const line = /Path not live: [^\n]*the kernel says: [^\n]*/;
  let told = "";
  await until("the kernel's words in the log", 20_000, async () => {
    told = line.exec(await agent.log())?.[0] ?? "";
    return told === "" ? "no such line" : null;
  });
  expect(told.includes(narrow), `The line is not about ${narrow}: ${told}`);
  const all = await controllers();
  const count = (nqn: string) => all.filter((controller) => controller.nqn === nqn).length;
  expect(count(open) === 3 && count(narrow) === 2, `Beside the refused one: ${describe(all)}`);
  return `${shorten(reason ?? "")}; and in the log of an agent: ${shorten(wordsOf(told) ?? "")}`;
}

function wordsOf(text: string): string | null {
  return /the kernel says: (.*)/.exec(text)?.[1] ?? null;
}

function shorten(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}

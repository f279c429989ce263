/**
 * All the ways in which files come, change and go. Every file speaks for a cluster of its own (another -n), and no
 * node refers to another, so that internal.json holds exactly what the files say.
 */
import { type AgentHome, entryLine } from "../agent_process.ts";
import type { Fabric } from "../fabric.ts";
import { association, controllers, deleteAllControllers, lookForAll, lookForSame } from "../initiator.ts";
import { formatSeconds, throughout, until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const files: Scenario = {
  name: "files",
  title: "rename in, copy, edit in place, symlink, bad line, deletion, directory recreated",
  seconds: 20,
  run,
};

/** "Within about a second", on an emulated processor. */
const effectLimitMs = 3_000;
/** The first path of a process: most of its code runs for the first time, and is compiled under emulation. */
const firstLimitMs = 10_000;

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric({ referrals: false, subsystems: 3 });
  const agent = await lab.agent();
  agent.start();
  await agent.ready();
  const line = (node: number, cluster: number) =>
    entryLine(fabric.address(node), hosts[0], fabric.nqns[cluster] ?? "");
  const steps = new Steps(agent, fabric);

  await steps.take("rename in", [1], firstLimitMs, () => agent.drop("one", line(1, 0)));
  await steps.take("copy from another file system", [1, 2], effectLimitMs, async () => {
    await Deno.writeTextFile("/tmp/two", line(2, 1));
    const [from, to] = [await Deno.stat("/tmp/two"), await Deno.stat(agent.clientConfigDir)];
    expect(from.dev !== to.dev, "Precondition: /tmp and the directory are one file system");
    await Deno.copyFile("/tmp/two", `${agent.clientConfigDir}/two`);
  });
  await steps.take(
    "in-place edit",
    [1, 2, 3],
    effectLimitMs,
    () => Deno.writeTextFile(`${agent.clientConfigDir}/one`, line(1, 0) + line(3, 2)),
  );
  const before = await controllers();
  await steps.take("deletion", [1, 3], effectLimitMs, () => Deno.remove(`${agent.clientConfigDir}/two`));
  await throughout("deletion removes no controller", 300, () => lookForSame(before, association));
  await deleteAllControllers();
  await steps.take(
    "a bad line among good ones",
    [1, 2, 3],
    effectLimitMs,
    () => agent.drop("four", `-t tcp -a 10.99.0.1 -s 70000 -q x -n y\n\x00\x01\x02 garbage\n${line(2, 1)}`),
  );
  await until(
    "the bad line is reported",
    2_000,
    async () => await agent.logContains("four:1") ? null : "no word of four:1 in the log",
  );
  await steps.take("a symlink", [1, 2, 3, 1], effectLimitMs, async () => {
    await Deno.writeTextFile("/tmp/five", line(1, 1));
    await Deno.symlink("/tmp/five", `${agent.clientConfigDir}/five`);
  });
  await steps.take("the directory removed and recreated", [2], effectLimitMs, async () => {
    await Deno.remove(agent.clientConfigDir, { recursive: true });
    await Deno.mkdir(agent.clientConfigDir);
    await Deno.writeTextFile(`${agent.clientConfigDir}/six`, line(2, 1));
  });
  await steps.take(
    "a file renamed into the new directory",
    [2, 3],
    effectLimitMs,
    () => agent.drop("seven", line(3, 2)),
  );
  return steps.text();
}

class Steps {
  readonly #times: number[] = [];
  readonly #agent: AgentHome;
  readonly #fabric: Fabric;

  constructor(agent: AgentHome, fabric: Fabric) {
    this.#agent = agent;
    this.#fabric = fabric;
  }

  /** Does something to the directory, and waits until endpoints and controllers of exactly these nodes are there. */
  async take(
    what: string,
    nodes: readonly number[],
    limitMs: number,
    action: () => Promise<void>,
  ): Promise<void> {
    await action();
    const endpoints = this.#fabric.endpoints(nodes);
    this.#times.push(await until(what, limitMs, () => this.#agent.lookForStored(endpoints)));
    await until(`${what}, live`, limitMs, () => lookForAll(this.#fabric.paths(this.#fabric.nqns, nodes)));
  }

  text(): string {
    return `${this.#times.length} kinds of change, each in the list within ${
      formatSeconds(Math.max(...this.#times))
    }`;
  }
}

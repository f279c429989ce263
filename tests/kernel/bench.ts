/**
 * Guest program: how long the agent takes, beside plain connects and nvme-cli on the same fabric in the same run.
 * Each round starts from no controller; figures are milliseconds, one a round, medians beside them.
 *
 *   scripts/kernel-lab --program bench [ROUNDS]      (5 when left out; --binary FILE measures a compiled binary)
 */
import { AgentHome, entryLine, runAgent, useBinary } from "./agent_process.ts";
import { runCommand } from "./command.ts";
import { Fabric } from "./fabric.ts";
import { deleteAllControllers, type FabricPath, lookForAll, rawConnect } from "./initiator.ts";
import { discoveryPort, setUpNetwork, swallow, swallowNothing } from "./network.ts";
import { clearTarget } from "./nvmet.ts";
import { until } from "./poll.ts";
import { sendReport } from "./report.ts";
import { hosts } from "./scenario.ts";

const [host] = hosts;
const limitMs = 60_000;
const subsystems = 4;

/** Figures of one kind, one a round. */
class Figures {
  readonly rounds: Record<string, number[]> = {};

  add(name: string, value: number): void {
    (this.rounds[name] ??= []).push(Math.round(value * 10) / 10);
  }

  medians(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.rounds).map(([name, values]) => [name, median(values)]));
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle] ?? 0
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

let homes = 0;

async function newHome(fabric: Fabric | null): Promise<AgentHome> {
  const home = await AgentHome.create(`/guest/agent${++homes}`);
  if (fabric !== null) await home.drop("cluster", entryLines(fabric));
  return home;
}

/** All nodes, the first first. */
function entryLines(fabric: Fabric): string {
  return fabric.nodes.map((node) => entryLine(fabric.address(node), host, fabric.nqns[0] ?? "")).join("");
}

function lookForCount(count: number): string | null {
  const names = [...Deno.readDirSync("/sys/class/nvme")].map(({ name }) => name);
  if (names.length < count) return `${names.length} controllers`;
  const live = names.filter((name) => {
    try {
      return Deno.readTextFileSync(`/sys/class/nvme/${name}/state`).startsWith("live");
    } catch {
      return false;
    }
  }).length;
  return live >= count ? null : `${live} live controllers`;
}

async function untilLive(paths: readonly FabricPath[]): Promise<number> {
  // Looking costs processor time that the measured program needs: count first, cheaply, and look closely at the end.
  const tookMs = await until("so many controllers live", limitMs, () => lookForCount(paths.length), 10);
  const problem = await lookForAll(paths);
  return problem === null ? tookMs : await until("all paths live", limitMs, () => lookForAll(paths));
}

/** Sum of the connects' own times, one after the other: what the kernel needs, whoever asks. */
async function rawSum(paths: readonly FabricPath[]): Promise<number> {
  let sum = 0;
  for (const path of paths) sum += await rawConnect(path, host);
  await untilLive(paths);
  return sum;
}

async function rawSumFromNothing(paths: readonly FabricPath[]): Promise<number> {
  const sum = await rawSum(paths);
  await deleteAllControllers();
  return sum;
}

/** nvme-cli, with the nodes in its discovery.conf; it may still wait for a dead node when the paths are live. */
async function connectAll(paths: readonly FabricPath[]): Promise<number> {
  const startedMs = performance.now();
  const run = runCommand("nvme", ["connect-all"], { mayFail: true, limitMs });
  await untilLive(paths);
  const tookMs = performance.now() - startedMs;
  await run;
  return tookMs;
}

async function connectAllFromNothing(paths: readonly FabricPath[]): Promise<number> {
  const tookMs = await connectAll(paths);
  await deleteAllControllers();
  return tookMs;
}

/** From the start of the process. */
async function agentColdStart(fabric: Fabric, paths: readonly FabricPath[]): Promise<number> {
  const home = await newHome(fabric);
  const startedMs = performance.now();
  home.start();
  await untilLive(paths);
  const tookMs = performance.now() - startedMs;
  await home.stop();
  await deleteAllControllers();
  return tookMs;
}

/** From the moment a file is dropped before a running agent: the same without the start of its process. */
async function agentFileDrop(fabric: Fabric, paths: readonly FabricPath[]): Promise<number> {
  const home = await newHome(null);
  home.start();
  await home.ready();
  await home.drop("cluster", entryLines(fabric));
  const tookMs = await untilLive(paths);
  await home.stop();
  await deleteAllControllers();
  return tookMs;
}

async function measureColdStart(fabric: Fabric, figures: Figures): Promise<void> {
  const paths = fabric.paths();
  figures.add("raw", await rawSumFromNothing(paths));
  figures.add("connectAll", await connectAllFromNothing(paths));
  figures.add("agent", await agentColdStart(fabric, paths));
  figures.add("agentFileDrop", await agentFileDrop(fabric, paths));
}

/** A new subsystem on all three nodes while the others are live. */
async function measureEvent(fabric: Fabric, figures: Figures, memory: Figures): Promise<void> {
  const old = fabric.paths();
  const home = await newHome(fabric);
  home.start();
  await untilLive(old);
  const added = await fabric.createSubsystem("added");
  const fresh = fabric.paths([added]);
  await fabric.linkEverywhere(added);
  figures.add("agent", await untilLive([...old, ...fresh]));
  memory.add("residentKiB", await residentKiB(home.pid));
  await home.stop();
  await deleteAllControllers();

  await rawSum(old);
  figures.add("connectAll", await connectAll([...old, ...fresh]));
  await deleteAllControllers();

  await rawSum(old);
  figures.add("raw", await rawSum(fresh));
  await deleteAllControllers();
  await fabric.unlinkEverywhere(added);
  await fabric.removeSubsystem(added);
}

/** The first node in the files swallows packets: until the paths of the other two are live. */
async function measureDeadNode(fabric: Fabric, figures: Figures): Promise<void> {
  const healthy = fabric.paths(fabric.nqns, [2, 3]);
  figures.add("raw", await rawSumFromNothing(healthy));
  figures.add("agentWithoutFault", await agentColdStart(fabric, healthy));
  await swallow(fabric.address(1));
  try {
    figures.add("agent", await agentColdStart(fabric, healthy));
    figures.add("connectAll", await connectAllFromNothing(healthy));
  } finally {
    await swallowNothing();
  }
}

async function residentKiB(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
}

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await action();
  return performance.now() - startedMs;
}

async function main(): Promise<void> {
  if (Deno.args.includes("--binary")) useBinary();
  const rounds = Number(Deno.args.find((argument) => /^\d+$/.test(argument)) ?? 5);
  await setUpNetwork();
  const fabric = await Fabric.build({ subsystems });
  const conf = fabric.nodes.map((node) =>
    `-t tcp -a ${fabric.address(node)} -s ${discoveryPort} -q ${host.hostnqn} -I ${host.hostid}\n`
  );
  await Deno.writeTextFile("/etc/nvme/discovery.conf", conf.join(""));
  // nvme-cli connects with the host's own identity, whatever a line of discovery.conf says.
  await Deno.writeTextFile("/etc/nvme/hostnqn", `${host.hostnqn}\n`);
  await Deno.writeTextFile("/etc/nvme/hostid", `${host.hostid}\n`);
  const [coldStart, event, deadNode, process] = [new Figures(), new Figures(), new Figures(), new Figures()];
  // Once before measuring: caches of the runtime, modules of the kernel.
  await agentColdStart(fabric, fabric.paths());
  for (let round = 1; round <= rounds; round++) {
    process.add("versionMs", await timeOf(() => runAgent(["--version"])));
    await measureColdStart(fabric, coldStart);
    await measureEvent(fabric, event, process);
    await measureDeadNode(fabric, deadNode);
    await sendReport({ type: "note", text: `round ${round} of ${rounds} measured` });
  }
  await clearTarget();
  const kernel = (await Deno.readTextFile("/proc/sys/kernel/osrelease")).trim();
  const figures = { coldStart, event, deadNode, process };
  const part = (of: (one: Figures) => unknown) =>
    Object.fromEntries(Object.entries(figures).map(([name, one]) => [name, of(one)]));
  const document = {
    kernel,
    rounds,
    controllers: fabric.paths().length,
    binary: Deno.args.includes("--binary"),
    medians: part((one) => one.medians()),
    figures: part((one) => one.rounds),
  };
  await sendReport({ type: "document", document });
  await sendReport({ type: "end" });
}

await main();
Deno.exit(0);

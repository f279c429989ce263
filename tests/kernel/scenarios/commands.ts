/**
 * The commands by hand, without an agent: connect, connect-all and the disconnects, and what keeps a controller: a
 * device node bound to another place (as container platforms do it), swap, a process that has the device open.
 */
import { runAgent } from "../agent_process.ts";
import { type CommandResult, runCommand } from "../command.ts";
import { expectPattern } from "../expect_pattern.ts";
import type { Fabric } from "../fabric.ts";
import {
  association,
  controllers,
  describe,
  lookForExactly,
  lookForSame,
  namespaceDevice,
  namespacePaths,
} from "../initiator.ts";
import { discoveryPort } from "../network.ts";
import { until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const commands: Scenario = {
  name: "commands",
  title: "connect twice, connect-all, disconnect: 12 paths come and go, held devices stay",
  seconds: 45,
  limitMs: 180_000,
  run,
};

interface Row {
  readonly Device: string;
  readonly Result?: string;
  readonly Already?: boolean;
}

const identity = ["-q", hosts[0].hostnqn, "-I", hosts[0].hostid];

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric();
  await connectOneTwice(fabric);
  await connectAll(fabric, 0);
  await keepMounted(lab, fabric);
  await keepAllHeld(lab, fabric);
  return "connected once, named when asked again; 12 of connect-all; mounted, swapped on and open devices kept, " +
    "12 gone in the end";
}

async function connectOneTwice(fabric: Fabric): Promise<void> {
  const [path] = fabric.paths();
  if (path === undefined) throw new Error("Precondition: the fabric has no path");
  const connect = ["connect", "-a", path.traddr, "-n", path.nqn, ...identity];
  const first = JSON.parse((await runAgent(connect)).stdout) as Row & { Cntlid: number };
  await until("the controller", 5_000, () => lookForExactly([path]));
  const [there] = await controllers();
  expect(
    first.Device === `/dev/${there?.name}` && String(first.Cntlid) === there?.cntlid,
    `connect told ${first.Device} ${first.Cntlid}, the kernel has ${there?.name} ${there?.cntlid}`,
  );
  const before = await controllers();
  const again = await runAgent(connect);
  expect(
    (JSON.parse(again.stdout) as Row).Device === first.Device,
    `The second connect told ${again.stdout}`,
  );
  expect(again.stderr.includes(`Already connected: `), `The second connect said ${again.stderr}`);
  const changed = await lookForSame(before, association);
  expect(changed === null, `The second connect touched the controller: ${changed}`);
  const list = JSON.parse((await runAgent(["list", "ctrl"])).stdout) as Record<string, unknown>;
  expect(
    Object.keys(list).map((name) => `/dev/${name}`).join() === first.Device,
    `list ctrl has ${Object.keys(list)}`,
  );
  await runAgent(["disconnect", "-d", first.Device]);
  await expectNone();
}

/** `already` of the 12 stand before. */
async function connectAll(fabric: Fabric, already: number): Promise<void> {
  const [address] = [fabric.address(1)];
  const { stdout } = await runAgent(["connect-all", "-a", address, "-s", String(discoveryPort), ...identity]);
  const rows = JSON.parse(stdout) as Row[];
  expect(rows.length === 12, `connect-all told ${rows.length} controllers`);
  const count = rows.filter((row) => row.Already === true).length;
  expect(count === already, `connect-all called ${count} connected already, not ${already}`);
  const problem = await lookForExactly(fabric.paths());
  expect(problem === null, `After connect-all: ${problem}`);
  await until("12 namespace paths", 5_000, async () => {
    const paths = await namespacePaths(await controllers());
    return paths === 12 ? null : `${paths} namespace paths`;
  });
}

/** All paths of a device that is bound elsewhere stay; one of them may go, and the data are still there. */
async function keepMounted(lab: Lab, fabric: Fabric): Promise<void> {
  const [nqn = ""] = fabric.nqns;
  const place = `${lab.dir}/node`;
  await Deno.writeTextFile(place, "");
  await runCommand("mount", ["--bind", await deviceOf(nqn), place]);
  lab.cleanups.push(["Cannot unmount", () => runCommand("umount", [place], { mayFail: true })]);
  const before = await controllers();
  expectRows(await runAgent(["disconnect", "-n", nqn], true), { kept: 3 }, `mounted at ${place}`);
  const changed = await lookForSame(before, association);
  expect(changed === null, `A controller of a mounted device was touched: ${changed}`);
  const one = before.find((controller) => controller.nqn === nqn)?.name ?? "";
  expectRows(await runAgent(["disconnect", "-d", one], true), { disconnected: 1 });
  await until("11 controllers", 5_000, () => {
    const rest = fabric.paths().filter((path) => path.nqn !== nqn || path.traddr !== addressOf(before, one));
    return lookForExactly(rest);
  });
  await expectPattern(nqn);
  await connectAll(fabric, 11);
}

async function keepAllHeld(lab: Lab, fabric: Fabric): Promise<void> {
  const [mounted = "", swapped = "", open = "", free = ""] = fabric.nqns;
  const swap = await deviceOf(swapped);
  await runCommand("mkswap", [swap]);
  await runCommand("swapon", [swap]);
  lab.cleanups.unshift(["Cannot end swapping", () => runCommand("swapoff", [swap], { mayFail: true })]);
  const file = await Deno.open(await deviceOf(open), { read: true });
  try {
    const all = await runAgent(["disconnect-all", "--yes"], true);
    expectRows(all, { kept: 9, disconnected: 3 }, "used for swap", "open in process", "mounted at ");
    await until("the held ones alone", 5_000, () => lookForExactly(fabric.paths([mounted, swapped, open])));
    await expectPattern(mounted);
    expect(!all.stderr.includes(free), `disconnect-all kept ${free}: ${all.stderr}`);
  } finally {
    file.close();
  }
  await runCommand("swapoff", [swap]);
  await runCommand("umount", [`${lab.dir}/node`]);
  expectRows(await runAgent(["disconnect-all", "--yes"], true), { disconnected: 9 });
  await expectNone();
}

function expectRows(
  { code, stdout, stderr }: CommandResult,
  wanted: { kept?: number; disconnected?: number },
  ...reasons: string[]
): void {
  const rows = JSON.parse(stdout) as Row[];
  const { kept = 0, disconnected = 0 } = wanted;
  const count = (result: string) => rows.filter((row) => row.Result === result).length;
  expect(
    count("kept") === kept && count("disconnected") === disconnected && rows.length === kept + disconnected,
    `Told ${stdout} ${stderr}; expected ${kept} kept, ${disconnected} disconnected`,
  );
  expect(code === (kept > 0 ? 1 : 0), `Ended with status ${code}: ${stderr}`);
  for (const reason of reasons) expect(stderr.includes(reason), `Nothing is said to be ${reason}: ${stderr}`);
}

function addressOf(all: Awaited<ReturnType<typeof controllers>>, name: string): string {
  return all.find((controller) => controller.name === name)?.traddr ?? "";
}

async function deviceOf(nqn: string): Promise<string> {
  await until(`a device of ${nqn}`, 5_000, async () => await namespaceDevice(nqn) === null ? "none" : null);
  return await namespaceDevice(nqn) ?? "";
}

async function expectNone(): Promise<void> {
  await until("no controller", 5_000, async () => {
    const all = await controllers();
    return all.length === 0 ? null : describe(all);
  });
}

/**
 * No agent at all: shows that the guest, its target and this lab's own tools work, so that a failure elsewhere is the
 * agent's. Measures what twelve plain connects cost.
 */
import { runCommand } from "../command.ts";
import { expectPattern } from "../expect_pattern.ts";
import { controllers, lookForExactly, namespacePaths, rawConnect } from "../initiator.ts";
import { discoveryPort } from "../network.ts";
import { formatSeconds, until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";
import type { Fabric } from "../fabric.ts";

export const rawConnectScenario: Scenario = {
  name: "raw-connect",
  title: "the guest itself: discovery logs as built, 12 plain connects, data",
  seconds: 4,
  run,
};

interface DiscoveryRecord {
  readonly subtype: string;
  readonly trsvcid: string;
  readonly traddr: string;
  readonly subnqn: string;
}

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric();
  for (const node of fabric.nodes) await checkDiscoveryLog(fabric, node);
  const paths = fabric.paths();
  const times: number[] = [];
  for (const path of paths) times.push(await rawConnect(path, hosts[0]));
  await until("12 controllers live", 5_000, () => lookForExactly(paths));
  await until("12 namespace paths", 5_000, async () => {
    const count = await namespacePaths(await controllers());
    return count === paths.length ? null : `${count} namespace paths`;
  });
  for (const nqn of fabric.nqns) await expectPattern(nqn);
  const sum = times.reduce((total, one) => total + one, 0);
  return `12 controllers live, sum of the writes ${formatSeconds(sum)} (slowest ${
    formatSeconds(Math.max(...times))
  })`;
}

/** What nvme-cli reads through 8009: the node's own entry, its subsystems on 4420, referrals to the others on 8009. */
async function checkDiscoveryLog(fabric: Fabric, node: number): Promise<void> {
  const address = fabric.address(node);
  const { stdout } = await runCommand("nvme", [
    ...["discover", "-t", "tcp", "-a", address, "-s", String(discoveryPort), "-o", "json"],
    ...["-q", hosts[0].hostnqn, "-I", hosts[0].hostid],
  ]);
  const records = (JSON.parse(stdout) as { records: DiscoveryRecord[] }).records;
  // nvme-cli words subtypes differently from version to version.
  const word = (subtype: string) =>
    ["referral", "nvme", "current"].find((one) => subtype.includes(one)) ?? subtype;
  const found = records.map((one) => `${word(one.subtype)}|${one.traddr}|${one.trsvcid}|${one.subnqn}`)
    .sort();
  const discoveryNqn = "nqn.2014-08.org.nvmexpress.discovery";
  const wanted = [
    `current|${address}|4420|${discoveryNqn}`,
    ...fabric.nqns.map((nqn) => `nvme|${address}|4420|${nqn}`),
    ...fabric.nodes.filter((other) => other !== node)
      .map((other) => `referral|${fabric.address(other)}|${discoveryPort}|${discoveryNqn}`),
  ].sort();
  expect(
    found.join("\n") === wanted.join("\n"),
    `Discovery log of node ${node}: ${found.join(", ")}; expected ${wanted.join(", ")}`,
  );
}

/** One file names one node; referrals lead to the others; every path of every subsystem goes live, with its data. */
import { association, controllers, lookForExactly, lookForSame, namespacePaths } from "../initiator.ts";
import { expectPattern } from "../expect_pattern.ts";
import { formatSeconds, throughout, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const coldStart: Scenario = {
  name: "cold-start",
  title: "3 nodes x 4 subsystems, one file with one node: 12 controllers live, data read",
  seconds: 21,
  run,
};

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric();
  const paths = fabric.paths();
  expect(paths.length === 12, `Precondition: the fabric has ${paths.length} paths`);
  const startedMs = performance.now();
  const agent = await lab.startAgent(fabric);
  const readyMs = performance.now() - startedMs;
  const tookMs = readyMs + await until("12 controllers live", 20_000, () => lookForExactly(paths));
  await until("12 namespace paths", 5_000, async () => {
    const count = await namespacePaths(await controllers());
    return count === 12 ? null : `${count} namespace paths`;
  });
  for (const nqn of fabric.nqns) await expectPattern(nqn);
  await until("three endpoints stored", 5_000, () => agent.lookForStored(fabric.endpoints()));
  const sources = (await agent.storedEntries()).map((entry) => `${entry.Traddr} ${entry.EntrySource}`).sort();
  expect(
    sources.join(", ") === "10.99.0.1 user, 10.99.0.2 referral, 10.99.0.3 referral",
    `internal.json has ${sources.join(", ")}`,
  );
  const before = await controllers();
  const stopMs = await agent.stop();
  await throughout("controllers outlive the agent", 300, () => lookForSame(before, association));
  return `12 controllers live in ${formatSeconds(tookMs)} (READY after ${
    formatSeconds(readyMs)
  }), data read; the agent stopped in ${formatSeconds(stopMs)}`;
}

/** A referral appears and goes again: the endpoint list, internal.json and the paths follow; controllers stay. */
import { association, controllers, lookForExactly, lookForSame } from "../initiator.ts";
import { formatSeconds, throughout, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const referral: Scenario = {
  name: "referral",
  title: "a referral added, then removed: endpoint list and internal.json follow",
  seconds: 14,
  run,
};

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric({ subsystems: 2, referrals: false });
  await fabric.addReferralsTo(1);
  await fabric.addReferralsTo(2);
  const agent = await lab.startAgent(fabric);
  const known = fabric.paths(fabric.nqns, [1, 2]);
  await until("the two known nodes live", 20_000, () => lookForExactly(known));
  await until("two endpoints stored", 5_000, () => agent.lookForStored(fabric.endpoints([1, 2])));

  await fabric.addReferralsTo(3);
  const addedMs = await until("the new node's paths live", 5_000, () => lookForExactly(fabric.paths()));
  await until("three endpoints stored", 3_000, () => agent.lookForStored(fabric.endpoints()));
  const source = (await agent.storedEntries()).find((entry) => entry.Traddr === fabric.address(3))
    ?.EntrySource;
  expect(source === "referral", `internal.json calls node 3 ${source}`);

  const before = await controllers();
  await fabric.removeReferralsTo(3);
  const removedMs = await until(
    "two endpoints stored again",
    5_000,
    () => agent.lookForStored(fabric.endpoints([1, 2])),
  );
  await throughout("all controllers stay", 500, () => lookForSame(before, association));
  // Once more, to see that the sessions which brought the news still listen.
  await fabric.addReferralsTo(3);
  await until("three endpoints stored once more", 5_000, () => agent.lookForStored(fabric.endpoints()));
  return `node 3 live ${formatSeconds(addedMs)} after its referral, off the list ${
    formatSeconds(removedMs)
  } after ` +
    "its removal, its controllers kept";
}

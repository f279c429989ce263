/** A node's ports vanish and come back: nobody removes its controllers meanwhile, and its session comes back too. */
import { association, controllers, identity, lookForAll, lookForExactly, lookForSame } from "../initiator.ts";
import { link } from "../nvmet.ts";
import { answers, discoveryPort } from "../network.ts";
import { formatSeconds, throughout, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const nodeReturns: Scenario = {
  name: "node-returns",
  title: "a node's ports vanish and come back: its controllers live again, none removed",
  seconds: 26,
  run,
};

/** Node 2, which only referrals name. */
const node = 2;
const outageMs = 3_000;
/** The kernel's own reconnect_delay is 10 s when nobody sets another. */
const returnLimitMs = 20_000;

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric();
  const agent = await lab.startAgent(fabric);
  await until("12 controllers live", 20_000, () => lookForExactly(fabric.paths()));
  const all = await controllers();
  const others = all.filter((one) => one.traddr !== fabric.address(node));
  expect(others.length === 8, `Precondition: ${others.length} controllers on the other nodes`);

  const comeBack = await fabric.vanish(node);
  await until("the node's controllers lose their connection", 5_000, async () => {
    const live = (await controllers()).filter((one) =>
      one.traddr === fabric.address(node) && one.state === "live"
    );
    return live.length === 0 ? null : `${live.length} still live`;
  });
  expect(!await answers(fabric.address(node), discoveryPort), "Precondition: the node still answers");
  await throughout("every controller is kept, the others untouched", outageMs, async () => {
    return await lookForSame(all, identity) ?? await lookForSame(others, association) ??
      await agent.lookForStored(fabric.endpoints());
  });

  const added = await fabric.createSubsystem("sub5");
  await comeBack();
  // Known to this node's log alone: it goes live only when the session to the node is back.
  await link(node, added);
  const sessionMs = await until(
    "the new subsystem's path live",
    returnLimitMs,
    () => lookForAll(fabric.paths([added], [node])),
  );
  const returnMs = sessionMs +
    await until(
      "all controllers live again",
      returnLimitMs,
      () => lookForExactly([...fabric.paths(fabric.nqns.slice(0, 4)), ...fabric.paths([added], [node])]),
    );
  const kept = await lookForSame(all, identity);
  expect(kept === null, `A controller was replaced: ${kept}`);
  return `8 untouched and 12 kept through ${formatSeconds(outageMs)} of outage; session back after ` +
    `${formatSeconds(sessionMs)}, all live after ${formatSeconds(returnMs)}`;
}

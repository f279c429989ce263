/** Secrets that change while the kernel brings a controller back: the whole agent, in virtual time. */
import { KernelError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import type { Kernel, SecretsRenewal } from "../../src/model/world.ts";
import { assert, assertEquals } from "../assert.ts";
import { FabricWorld, hostid } from "../sim/fabric_world.ts";

const secretOf = (letter: string) => new Secret(`DHHC-1:00:${btoa(letter.repeat(36))}:`);
const [before, after] = [secretOf("b"), secretOf("a")];
const policyWith = (dhchapSecret: Secret) => ({ dryRun: false, connectDefaults: { dhchapSecret }, hostid });
const pace = { reconnectIntervalMs: 5_000, katoMs: 10_000 };

/** A world with one live path, whose kernel answers so. */
async function setUp(answer: () => SecretsRenewal) {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  for (const secret of [before, after]) world.memory.log.forbid(secret.reveal());
  const given: string[] = [];
  const kernel: Kernel = world.memory.kernel;
  kernel.renewSecrets = ({ name, state }, { dhchapSecret }) => {
    assertEquals(state, "connecting");
    given.push(`${name} ${dhchapSecret?.equals(after) ? "after" : "before"}`);
    return Promise.resolve().then(answer);
  };
  world.dropFile("cluster", ["n1"]);
  await world.start({ policy: policyWith(before) });
  await world.untilLive(1, 5_000);
  const lose = async () => {
    world.fabric.setNodeDown("n1");
    const state = () => world.memory.kernel.list()[0]?.state;
    await world.memory.clock.runUntil(() => state() === "connecting", 60_000, "The loss");
    await world.memory.clock.advance(6_000);
  };
  return { world, given, lose };
}

Deno.test("Agent leaves live controllers alone when secrets change, and has lost ones come back with the new", async () => {
  const { world, given, lose } = await setUp(() => "renewed");
  const { clock, log, kernel } = world.memory;
  world.agent.reconfigure({ ...pace, policy: policyWith(after) });
  await clock.advance(60_000);
  assertEquals(given, [], "a live one would authenticate anew at once");
  await lose();
  await clock.advance(30_000);
  assertEquals(given, ["nvme0 after"], "once");
  assertEquals(log.find("back with the changed DH-CHAP secrets", "info").length, 1);
  world.fabric.setNodeUp("n1");
  await world.untilLive(1, 60_000);
  await clock.advance(6_000);
  await lose();
  assertEquals(given, ["nvme0 after", "nvme0 after"], "and a look at the next loss");
  assertEquals(kernel.losses, []);
  assertEquals(await world.stop(), { timers: 0, sockets: 0, watchers: 0 });
  world.memory.assertClean();
});

Deno.test("Agent gives a lost controller the secrets that change while it is lost, and tells what cannot be", async () => {
  let answer = (): SecretsRenewal => "same";
  const { world, given, lose } = await setUp(() => answer());
  const { clock, log } = world.memory;
  await lose();
  assertEquals(given, ["nvme0 before"]);
  answer = () => "without";
  world.agent.reconfigure({ ...pace, policy: policyWith(after) });
  await clock.advance(10_000);
  assertEquals(given, ["nvme0 before", "nvme0 after"]);
  assertEquals(log.find("connected without a DH-CHAP secret", "warn").length, 1);
  answer = () => {
    throw new KernelError("EACCES", "Cannot renew the DH-CHAP secrets of nvme0: EACCES; only root may");
  };
  world.agent.reconfigure({ ...pace, policy: policyWith(before) });
  await clock.advance(10_000);
  assertEquals(given.length, 3, "one attempt each");
  assertEquals(log.find("only root may", "warn").length, 1);
  const seen = JSON.stringify(world.agent.snapshot()) + world.memory.store.text;
  assert(!seen.includes("DHHC-1"));
  await world.stop();
  world.memory.assertClean();
});

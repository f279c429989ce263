/** Defects of the predecessor on the wire: what it asked for wrongly, and what it did not listen to. */
import { encodeGetLogPage, encodeIdentifyController } from "../../src/nvme/command.ts";
import { limits } from "../../src/base/limits.ts";
import { logPage } from "../../src/nvme/spec.ts";
import { assert, assertEquals } from "../assert.ts";
import { ControllerMachine } from "../fabric/controller_machine.ts";
import { Fabric, type FabricOptions } from "../fabric/fabric.ts";
import { FabricHost } from "../fabric/fabric_host.ts";
import { FabricWorld } from "../sim/fabric_world.ts";

/** Every check that nvmet makes, and the one that SPDK makes beyond. */
const strict: FabricOptions = {
  nodes: 1,
  subsystems: 1,
  kind: "nvmet",
  quirks: { badNsid: { status: 0x00b, dnr: true } },
};

/** A host that has a controller there and may spoil its commands. */
function hostAt(options: FabricOptions): FabricHost {
  const machine = new ControllerMachine({ fabric: Fabric.build(options), nodeId: "n1" });
  return new FabricHost(machine).start();
}

Deno.test("Identify and log reads pass where flags, SGL and NSID are checked, in which the predecessor's failed", async () => {
  const commands = [
    (cid: number) => encodeIdentifyController({ cid }),
    (cid: number) =>
      encodeGetLogPage({ cid, lid: logPage.discovery, offset: 0, bytes: 1_024, retainAsyncEvent: true }),
  ];
  const spoilers: readonly ((sqe: Uint8Array) => void)[] = [
    (sqe) => sqe[1] = 0,
    (sqe) => sqe[39] = 0,
    (sqe) => new DataView(sqe.buffer).setUint32(32, 16, true),
    (sqe) => new DataView(sqe.buffer).setUint32(4, 0xffff_ffff, true),
  ];
  for (const encode of commands) {
    assertEquals(hostAt(strict).run(encode).completion.status, 0);
    for (const [at, spoil] of spoilers.entries()) {
      const { completion } = hostAt(strict).run((cid) => {
        const sqe = encode(cid);
        spoil(sqe);
        return sqe;
      });
      assert(completion.status !== 0, `Precondition: the target refuses mistake ${at}`);
    }
  }
  const world = new FabricWorld(strict);
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(1, 5_000);
  await world.memory.clock.advance(60_000);
  const [endpoint] = world.agent.snapshot().clusters[0]!.endpoints;
  assertEquals([endpoint?.state, endpoint?.failures, endpoint?.error], ["live", 0, undefined]);
  assertEquals(world.memory.log.find("", "warn").map(({ message }) => message), []);
  await world.stop();
});

Deno.test("a rejected Connect is seen, told by its name, and tried again", async () => {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  const { clock, log } = world.memory;
  world.fabric.refuseDiscovery("n1", null, 0x184);
  world.dropFile("cluster", ["n1"]);
  await world.start();
  const endpoint = () => world.agent.snapshot().clusters[0]!.endpoints[0]!;
  await clock.runUntil(() => endpoint().failures > 0, 5_000, "The refusal");
  assertEquals([endpoint().state, endpoint().logReads, world.livePaths()], ["idle", 0, []]);
  assert(/invalid host/i.test(endpoint().error ?? ""), endpoint().error);
  const told = log.lines.filter(({ level, fields }) => level === "warn" && fields.code === "invalid-host");
  assertEquals(told.length, 1);
  const before = world.memory.network.counts.dialsTo.get("10.0.0.1:8009")!;
  world.fabric.refuseDiscovery("n1", null, null);
  await world.untilLive(1, 400_000);
  assertEquals(world.memory.network.counts.dialsTo.get("10.0.0.1:8009"), before + 1);
  await world.stop();
});

Deno.test("Connect asks for the keep alive timeout of the settings, never for none, and it is kept", async () => {
  for (const katoMs of [10_000, 30_000]) {
    const world = new FabricWorld({ nodes: 1, subsystems: 1 });
    world.dropFile("cluster", ["n1"]);
    await world.start({ katoMs });
    await world.untilLive(1, 5_000);
    const [connection] = world.fabric.connections("n1");
    assert(connection instanceof ControllerMachine && connection.controller !== null);
    assertEquals(connection.controller.katoMs, katoMs, "None would be two minutes here");
    await world.memory.clock.advance(10 * katoMs);
    assertEquals([connection.closed, world.fabric.connections("n1")], [false, [connection]]);
    await world.stop();
  }
});

/** Steps of every session; the last two once something happens, or time passes. */
const struck = [
  "icResp",
  "connect",
  "propertyGet",
  "propertySet",
  "identify",
  "setFeatures",
  "logHeader",
  "logRecords",
  "asyncEvent",
  "keepAlive",
] as const;

/** C2HTermReq, ICResp, CapsuleResp, C2HData, R2T, and a type that there is not. */
const types = [3, 1, 5, 7, 9, 0xff] as const;

Deno.test("a PDU that claims a length below 8 ends one session with a typed error, at any step, and no agent", async () => {
  for (const [at, step] of struck.entries()) {
    for (const plen of [0, 7]) {
      const type = types[(at + plen) % types.length]!;
      const world = new FabricWorld({ nodes: 2, subsystems: 1, mesh: false });
      const { clock, log } = world.memory;
      //                               type flags HLEN PDO PLEN
      const bytes = Uint8Array.from([type, 0, 24, 0, plen, 0, 0, 0, ...new Array(16).fill(0)]);
      world.fabric.setFaults("n1", [{ kind: "garbage", at: step, bytes }]);
      world.dropFile("cluster", ["n1", "n2"]);
      await world.start();
      await clock.advance(2_000);
      world.fabric.addSubsystem("nqn.2024-01.org.example:later");
      await clock.advance(30_000);
      const what = `PLEN ${plen} of type ${type} at ${step}`;
      const failures = log.find("Discovery session", "warn");
      assert(failures.length > 0, `Nothing was made of ${what}`);
      for (const { fields } of failures) {
        assertEquals([fields.code, fields.endpoint], ["pdu-header", "10.0.0.1:8009"], what);
      }
      const [, good] = world.agent.snapshot().clusters[0]!.endpoints;
      assertEquals([good?.state, good?.failures, good?.records], ["live", 0, 3], what);
      world.fabric.setFaults("n1", []);
      await world.untilLive(4, 2 * limits.sessionRetryMsMax);
      await world.stop();
    }
  }
});

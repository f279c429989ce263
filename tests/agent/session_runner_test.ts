import { SessionRunner } from "../../src/agent/session_runner.ts";
import { limits } from "../../src/base/limits.ts";
import { TransportError } from "../../src/base/errors.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import { encodePdu } from "../../src/nvme/pdu.ts";
import type { SessionEvent } from "../../src/protocol/session.ts";
import { assertEquals } from "../assert.ts";
import { cluster, endpoint } from "../plan/fact_samples.ts";
import { hostid } from "../plan/path_samples.ts";
import { type DrivenMachine, ScriptedController } from "../protocol/scripted_controller.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { ScriptedDialer } from "./scripted_connection.ts";

function setUp(change: Partial<Endpoint> = {}) {
  const clock = new VirtualClock();
  const dialer = new ScriptedDialer();
  const events: SessionEvent[] = [];
  const runner = new SessionRunner({
    world: { clock, dialer },
    endpoint: endpoint("a", change),
    hostid,
    katoMs: 10_000,
    onEvent: (event) => events.push(event),
  });
  /** The controller's end over the scripted connection. */
  const { connection } = dialer;
  const host: DrivenMachine = {
    handleBytes: (_nowMs, chunk) => replies.push(chunk),
    handleTimeout: () => {},
    nextTimeoutMs: () => Infinity,
    takeBytes: () => connection.written.shift() ?? null,
  };
  const replies: Uint8Array[] = [];
  const controller = new ScriptedController(host);
  const exchange = async () => {
    await clock.settle();
    for (let step = 0; step < 50; step++) {
      controller.pump();
      const reply = replies.shift();
      if (reply === undefined || !connection.reading) return;
      for (let at = 0; at < reply.length; at += limits.socketReadBytes) {
        connection.deliver(reply.slice(at, at + limits.socketReadBytes));
        await clock.settle();
      }
    }
  };
  const kinds = () => events.map(({ kind }) => kind).join(" ");
  return { clock, dialer, events, runner, controller, exchange, kinds, connection };
}

async function live(change: Partial<Endpoint> = {}) {
  const it = setUp(change);
  it.dialer.accept();
  await it.exchange();
  assertEquals(it.kinds(), "ready log");
  return it;
}

Deno.test("SessionRunner holds a session to the endpoint under the cluster's host", async () => {
  const { dialer, controller } = await live({ discoveryNqn: "nqn.2024-01.io.example:discovery" });
  const nowhere = { hostTraddr: undefined, hostIface: undefined };
  assertEquals(dialer.targets, [
    { traddr: "10.0.0.1", trsvcid: 8009, timeoutMs: limits.dialTimeoutMs, ...nowhere },
  ]);
  const { hostnqn, subnqn, hostid: bytes } = controller.connectData();
  assertEquals([hostnqn, subnqn], [cluster.hostnqn, "nqn.2024-01.io.example:discovery"]);
  assertEquals([bytes[0], bytes[1], bytes[15]], [0x00, 0x11, 0xff]);
});

Deno.test("SessionRunner leaves by the source and the interface of the entry", async () => {
  const options = { hostTraddr: "10.0.0.9", hostIface: "eth0" };
  const { dialer } = await live({ options });
  const [{ hostTraddr, hostIface } = {}] = dialer.targets;
  assertEquals({ hostTraddr, hostIface }, options);
});

Deno.test("SessionRunner asks for the digests that the entry asks for", async () => {
  const { controller } = await live({ options: { hdrDigest: true } });
  const [icReq] = controller.otherPdus;
  assertEquals(icReq?.kind === "icReq" && icReq.digests, { header: true, data: false });
});

Deno.test("SessionRunner tells of a dial that failed as the end", async () => {
  const { dialer, clock, events } = setUp();
  const error = new TransportError("ECONNREFUSED", "Refused");
  dialer.refuse(error);
  await clock.settle();
  assertEquals(events, [{ kind: "closed", error }]);
});

Deno.test("SessionRunner.stop() while dialing ends at once, and once", async () => {
  const { dialer, clock, events, runner } = setUp();
  runner.stop();
  runner.stop();
  await clock.settle();
  assertEquals([events, dialer.aborted], [[{ kind: "closed", error: null }], true]);
});

Deno.test("SessionRunner.stop() shuts the controller down and leaves no timer", async () => {
  const { clock, runner, exchange, kinds, connection, controller } = await live();
  runner.stop();
  await exchange();
  assertEquals([kinds(), controller.seen.at(-1)?.name], ["ready log closed", "readCsts"]);
  assertEquals([connection.closes > 0, clock.liveTimers()], [true, 0]);
});

Deno.test("SessionRunner.stop() is bounded when nobody answers", async () => {
  const { clock, runner, events, connection } = await live();
  runner.stop();
  await clock.advance(limits.shutdownTimeoutMs);
  assertEquals([events.at(-1), connection.closes > 0], [{ kind: "closed", error: null }, true]);
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("SessionRunner.abandon() says nothing more", async () => {
  const { clock, runner, events, connection } = await live();
  const told = events.length;
  runner.abandon();
  await clock.advance(60_000);
  assertEquals([events.length, connection.closes > 0, clock.liveTimers()], [told, true, 0]);
});

Deno.test("SessionRunner sends a TermReq to a controller that breaks the protocol, and closes", async () => {
  const { clock, connection, controller, kinds, events } = await live();
  const icResp = encodePdu({
    kind: "icResp",
    cpda: 0,
    digests: { header: false, data: false },
    maxh2cdata: 4096,
  });
  connection.deliver(icResp);
  await clock.settle();
  controller.pump();
  assertEquals([kinds(), controller.otherPdus.at(-1)?.kind], ["ready log closed", "h2cTermReq"]);
  const end = events.at(-1);
  assertEquals(end?.kind === "closed" && end.error !== null, true);
  await clock.advance(limits.termReqLingerMs);
  assertEquals([connection.closes > 0, clock.liveTimers()], [true, 0]);
});

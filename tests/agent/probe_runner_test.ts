import { ProbeRunner } from "../../src/agent/probe_runner.ts";
import { limits } from "../../src/base/limits.ts";
import { TransportError } from "../../src/base/errors.ts";
import type { ConnectOptions } from "../../src/model/connect_options.ts";
import { encodePdu } from "../../src/nvme/pdu.ts";
import { Probe, type ProbeResult } from "../../src/protocol/probe.ts";
import { assert, assertEquals } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { ScriptedDialer } from "./scripted_connection.ts";

function setUp(openPortSuffices = false, source: ConnectOptions = {}) {
  const clock = new VirtualClock();
  const dialer = new ScriptedDialer();
  const results: ProbeResult[] = [];
  const runner = new ProbeRunner<ProbeResult>({
    world: { clock, dialer },
    traddr: "10.0.1.1",
    trsvcid: 4420,
    source,
    makeQuestion: (nowMs) => new Probe(nowMs, { openPortSuffices }),
    onResult: (result) => results.push(result),
  });
  return { clock, dialer, results, connection: dialer.connection, runner };
}

Deno.test("ProbeRunner succeeds with ICResp, and closes", async () => {
  const { clock, dialer, results, connection } = setUp();
  dialer.accept();
  await clock.settle();
  assertEquals([connection.written.length, results.length], [1, 0]);
  connection.deliver(
    encodePdu({ kind: "icResp", cpda: 0, digests: { header: false, data: false }, maxh2cdata: 4096 }),
  );
  await clock.settle();
  assertEquals([results, connection.closes > 0, clock.liveTimers()], [[{ ok: true }], true, 0]);
});

Deno.test("ProbeRunner asks by the way that the connection would leave", async () => {
  const { clock, dialer } = setUp(false, { hostTraddr: "10.0.1.9", hostIface: "eth0" });
  await clock.settle();
  const [{ hostTraddr, hostIface } = {}] = dialer.targets;
  assertEquals([hostTraddr, hostIface], ["10.0.1.9", "eth0"]);
});

Deno.test("ProbeRunner fails when the dial does, or nobody answers in time", async () => {
  const refused = setUp();
  const error = new TransportError("ECONNREFUSED", "Refused");
  refused.dialer.refuse(error);
  await refused.clock.settle();
  assertEquals(refused.results, [{ ok: false, error }]);

  const mute = setUp();
  mute.dialer.accept();
  await mute.clock.advance(limits.icrespTimeoutMs);
  assert(mute.results[0]?.ok === false);
  assertEquals([mute.connection.closes > 0, mute.clock.liveTimers()], [true, 0]);
});

Deno.test("ProbeRunner asks nothing where an open port suffices, and closes at once", async () => {
  const { clock, dialer, results, connection } = setUp(true);
  dialer.accept();
  await clock.settle();
  assertEquals([results, connection.written, connection.closes > 0], [[{ ok: true }], [], true]);
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("ProbeRunner gives up at once when it is abandoned, in the dial and in the answer, and tells nothing", async () => {
  const dialing = setUp();
  dialing.runner.abandon();
  await dialing.clock.settle();
  assertEquals([dialing.dialer.aborted, dialing.results, dialing.clock.liveTimers()], [true, [], 0]);

  const { clock, dialer, results, connection, runner } = setUp();
  dialer.accept();
  await clock.settle();
  assertEquals([connection.reading, clock.liveTimers()], [true, 1], "Precondition: it waits for the answer");
  runner.abandon();
  let gone = false;
  runner.gone.then(() => gone = true);
  await clock.settle();
  assertEquals([connection.closes > 0, results, clock.liveTimers(), gone], [true, [], 0, true]);
});

import { runProbe } from "../../src/agent/probe_runner.ts";
import { limits } from "../../src/base/limits.ts";
import { TransportError } from "../../src/base/errors.ts";
import { encodePdu } from "../../src/nvme/pdu.ts";
import type { ProbeResult } from "../../src/protocol/probe.ts";
import { assert, assertEquals } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { ScriptedDialer } from "./scripted_connection.ts";

function setUp(openPortSuffices = false) {
  const clock = new VirtualClock();
  const dialer = new ScriptedDialer();
  const results: ProbeResult[] = [];
  runProbe({ world: { clock, dialer }, traddr: "10.0.1.1", trsvcid: 4420, openPortSuffices })
    .then((result) => results.push(result));
  return { clock, dialer, results, connection: dialer.connection };
}

Deno.test("runProbe() succeeds with ICResp, and closes", async () => {
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

Deno.test("runProbe() fails when the dial does, or nobody answers in time", async () => {
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

Deno.test("runProbe() asks nothing where an open port suffices, and closes at once", async () => {
  const { clock, dialer, results, connection } = setUp(true);
  dialer.accept();
  await clock.settle();
  assertEquals([results, connection.written, connection.closes > 0], [[{ ok: true }], [], true]);
  assertEquals(clock.liveTimers(), 0);
});

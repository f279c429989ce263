import { limits } from "../../src/base/limits.ts";
import { ProtocolError, TimeoutError, TransportError } from "../../src/base/errors.ts";
import { encodePdu } from "../../src/nvme/pdu.ts";
import { Probe } from "../../src/protocol/probe.ts";
import { assert, assertEquals } from "../assert.ts";
import { fc } from "../property.ts";
import { noDigests } from "./scripted_controller.ts";

const icResp = encodePdu({ kind: "icResp", cpda: 0, digests: noDigests, maxh2cdata: 4096 });

/** A probe that has sent its ICReq. */
function asked(): Probe {
  const probe = new Probe(1_000);
  const request = probe.takeBytes();
  assert(request?.length === 128 && request[0] === 0, "Precondition: ICReq was sent");
  assertEquals(probe.result, null);
  return probe;
}

function failureOf(probe: Probe): Error {
  assert(probe.result !== null && !probe.result.ok, "Expected a failed probe");
  return probe.result.error;
}

Deno.test("Probe succeeds with ICResp, also byte by byte", () => {
  for (const step of [1, 128]) {
    const probe = asked();
    for (let at = 0; at < icResp.length; at += step) probe.handleBytes(1_001, icResp.slice(at, at + step));
    assertEquals(probe.result, { ok: true });
    assertEquals([probe.takeBytes(), probe.nextTimeoutMs()], [null, Infinity]);
  }
});

Deno.test("Probe keeps its first result", () => {
  const probe = asked();
  probe.handleBytes(1_001, icResp);
  probe.handleClose(null);
  probe.handleTimeout(1e9);
  probe.handleBytes(1_002, new Uint8Array(64));
  assertEquals(probe.result, { ok: true });
});

Deno.test("Probe fails when something else answers", () => {
  const probe = asked();
  probe.handleBytes(1_001, new TextEncoder().encode("SSH-2.0-OpenSSH_9.2\r\n"));
  assert(failureOf(probe) instanceof ProtocolError);
});

Deno.test("Probe fails when the peer closes, with its error if there is one", () => {
  const closed = asked();
  closed.handleClose(null);
  assert(failureOf(closed) instanceof TransportError);
  const broken = asked();
  const reset = new TransportError("ECONNRESET", "Reset");
  broken.handleClose(reset);
  assertEquals(failureOf(broken), reset);
});

Deno.test("Probe fails when nobody answers in time, not earlier", () => {
  const probe = asked();
  assertEquals(probe.nextTimeoutMs(), 1_000 + limits.icrespTimeoutMs);
  probe.handleTimeout(probe.nextTimeoutMs() - 1);
  assertEquals(probe.result, null);
  probe.handleTimeout(probe.nextTimeoutMs());
  assert(failureOf(probe) instanceof TimeoutError);
  assertEquals(probe.nextTimeoutMs(), Infinity);
});

Deno.test("Probe that needs an open port only asks nothing", () => {
  const probe = new Probe(1_000, { openPortSuffices: true });
  assertEquals([probe.result, probe.takeBytes(), probe.nextTimeoutMs()], [{ ok: true }, null, Infinity]);
});

Deno.test("Probe.handleBytes() throws at no bytes whatever", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (chunks) => {
    const probe = asked();
    for (const chunk of chunks) probe.handleBytes(1_001, chunk);
    assert(probe.result?.ok !== true || concatLength(chunks) >= 128);
  }));
});

function concatLength(chunks: Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

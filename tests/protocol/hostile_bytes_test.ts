/**
 * What no controller of good will sends. `Session.handleBytes()` throws at nothing from outside: it closes with a
 * typed error; and however it is fed it neither spins nor keeps waiting for ever.
 */
import { AgentError } from "../../src/base/errors.ts";
import { AdminQueue } from "../../src/protocol/admin_queue.ts";
import { encodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import { assert, assertEquals } from "../assert.ts";
import { fc } from "../property.ts";
import { concat, data, noDigests, response, ScriptedController } from "./scripted_controller.ts";
import { liveSession, SessionUnderTest } from "./session_samples.ts";

/** Everything a healthy controller said up to the first log, as one stream, and the session that heard it. */
function recordedStream(): Uint8Array[] {
  const test = new SessionUnderTest({}, (controller) => {
    controller.records = [{ traddr: "10.0.0.1", trsvcid: "4420", subnqn: "nqn.2024-01.io.example:s" }];
  });
  const chunks: Uint8Array[] = [];
  const deliver = test.controller.sendBytes.bind(test.controller);
  test.controller.sendBytes = (bytes) => {
    chunks.push(bytes.slice());
    deliver(bytes);
  };
  test.start();
  assertEquals(test.kinds(), "ready log");
  return chunks;
}

/** A session after `count` deliveries of the recorded stream, the rest left out. */
function sessionAt(chunks: readonly Uint8Array[], count: number): SessionUnderTest {
  const test = new SessionUnderTest({}, (controller) => controller.icResp = null);
  test.controller.pump();
  // The session's ids are the same each time, so the recorded answers fit.
  for (const chunk of chunks.slice(0, count)) {
    test.controller.sendBytes(chunk);
    test.session.takeBytes();
  }
  assert(test.end() === undefined, "Precondition: the session stands");
  return test;
}

/** Whatever was heard: the session is closed with a typed error, or closes by itself in bounded time. */
function checkEnd(test: SessionUnderTest): void {
  for (let step = 0; step < 200 && test.end() === undefined; step++) {
    const at = test.session.nextTimeoutMs();
    assert(at !== Infinity, "An open session waits for something");
    test.controller.nowMs = Math.max(test.controller.nowMs, at);
    test.session.handleTimeout(test.controller.nowMs);
    test.session.takeBytes();
    test.controller.onDelivered();
  }
  const error = test.end();
  assert(error instanceof AgentError, `Expected a typed end, got ${error}`);
}

const stream = recordedStream();

Deno.test("Session closes with a typed error on any bytes, at any stage", () => {
  const stage = fc.integer({ min: 0, max: stream.length });
  const garbage = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 });
  fc.assert(fc.property(stage, garbage, (count, chunks) => {
    const test = sessionAt(stream, count);
    for (const chunk of chunks) test.controller.sendBytes(chunk);
    checkEnd(test);
  }));
});

Deno.test("Session closes with a typed error on bytes that begin like a PDU", () => {
  const header = fc.tuple(
    fc.constantFrom(1, 3, 5, 7, 9),
    fc.integer({ min: 0, max: 15 }),
    fc.constantFrom(24, 128),
    fc.constantFrom(0, 24, 28),
    fc.constantFrom(24, 28, 128, 1048, 4120, 0xffff_ffff),
  ).map(([type, flags, hlen, pdo, plen]) =>
    Uint8Array.of(type, flags, hlen, pdo, plen & 0xff, (plen >> 8) & 0xff, (plen >> 16) & 0xff, plen >>> 24)
  );
  const stage = fc.integer({ min: 0, max: stream.length });
  fc.assert(fc.property(stage, header, fc.uint8Array({ maxLength: 5_000 }), (count, head, rest) => {
    const test = sessionAt(stream, count);
    test.controller.sendBytes(concat([head, rest]));
    checkEnd(test);
  }));
});

Deno.test("Session closes with a typed error on a stream with bytes changed", () => {
  const whole = concat(stream);
  const change = fc.tuple(fc.integer({ min: 0, max: whole.length - 1 }), fc.integer({ min: 0, max: 255 }));
  fc.assert(fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
    const bytes = whole.slice();
    for (const [at, value] of changes) bytes[at] = value;
    const test = new SessionUnderTest({}, (controller) => controller.icResp = null);
    test.controller.pump();
    let from = 0;
    for (const { length } of stream) {
      test.controller.sendBytes(bytes.slice(from, from + length));
      test.session.takeBytes();
      from += length;
    }
    checkEnd(test);
  }));
});

Deno.test("Session that is cut off at any byte waits, and gives up in time", () => {
  const whole = concat(stream);
  // Every offset of the small PDUs, and a few of the long ones.
  for (let cut = 0; cut < whole.length; cut += cut < 400 ? 1 : 97) {
    const test = new SessionUnderTest({}, (controller) => controller.icResp = null);
    test.controller.pump();
    let left = cut;
    for (const chunk of stream) {
      test.controller.sendBytes(chunk.slice(0, left));
      test.session.takeBytes();
      left -= Math.min(left, chunk.length);
    }
    assertEquals(test.end(), undefined, `cut at ${cut}`);
    test.session.handleClose(null);
    test.controller.onDelivered();
    assertEquals(test.endCode(), "closed");
  }
});

const anyPdu: fc.Arbitrary<Pdu> = fc.oneof(
  fc.record({
    cid: fc.integer({ min: 0, max: 20 }),
    status: fc.integer({ min: 0, max: 0x7ff }),
    dw0: fc.nat(),
  })
    .map(({ cid, status, dw0 }) => response({ cid, status: status < 0x600 ? 0 : status, dw0 })),
  fc.record({
    cid: fc.integer({ min: 0, max: 20 }),
    datao: fc.constantFrom(0, 4, 1024, 0xffff_fffc),
    bytes: fc.uint8Array({ maxLength: 1_100 }),
    flags: fc.constantFrom("" as const, "last" as const, "success" as const),
  }).map(({ cid, datao, bytes, flags }) => data(cid, datao, bytes, flags)),
  fc.constant<Pdu>({ kind: "r2t", cccid: 1, ttag: 0, r2to: 0, r2tl: 4096 }),
  fc.constant<Pdu>({ kind: "icResp", cpda: 0, digests: noDigests, maxh2cdata: 4096 }),
  fc.constant<Pdu>({ kind: "c2hTermReq", fes: 99, fei: 1, offendingHeader: new Uint8Array(8) }),
);

Deno.test("Session closes with a typed error, or goes on, on any well-formed PDUs", () => {
  const stage = fc.integer({ min: 0, max: stream.length });
  fc.assert(fc.property(stage, fc.array(anyPdu, { maxLength: 12 }), (count, pdus) => {
    const test = sessionAt(stream, count);
    for (const pdu of pdus) test.controller.sendBytes(encodePdu(pdu));
    checkEnd(test);
  }));
});

Deno.test("Session does not pile commands up for a controller that answers ahead of time", () => {
  const test = liveSession();
  const cid = test.controller.eventCids[0]!;
  // Answers to the next 300 event requests, before any of them was sent.
  const pdus = Array.from({ length: 300 }, (_, at) => response({ cid: cid + at, dw0: 0x70f002 }));
  test.controller.sendBytes(concat(pdus.map((pdu) => encodePdu(pdu))));
  checkEnd(test);
});

Deno.test("AdminQueue.handleBytes() throws typed errors only", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, up) => {
    const queue = new AdminQueue(0);
    const controller = new ScriptedController(queue);
    if (!up) controller.icResp = null;
    controller.pump();
    try {
      controller.sendBytes(bytes);
    } catch (error) {
      assert(error instanceof AgentError, `Threw ${error}`);
      assertEquals(queue.failure, error);
    }
  }));
});

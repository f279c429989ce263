import { limits } from "../../src/base/limits.ts";
import { NvmeStatusError, ProtocolError, TimeoutError, TransportError } from "../../src/base/errors.ts";
import type { Completion } from "../../src/nvme/completion.ts";
import { encodeAsyncEventRequest, encodeGetLogPage, encodeKeepAlive } from "../../src/nvme/command.ts";
import { encodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import { type AdminCommand, AdminQueue } from "../../src/protocol/admin_queue.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { concat, data, response, ScriptedController } from "./scripted_controller.ts";
import { establishedQueue } from "./session_samples.ts";

interface Done {
  completion: Completion;
  data: Uint8Array;
}

/** A queue with one outstanding read of `bytes`. */
function readingQueue(bytes: number) {
  const { queue, controller } = establishedQueue();
  controller.answer("log", () => null);
  const done: Done[] = [];
  queue.submit(controller.nowMs, {
    action: "read the log",
    encode: (cid) => encodeGetLogPage({ cid, lid: 0x70, offset: 0, bytes, retainAsyncEvent: true }),
    readBytes: bytes,
    timeoutMs: 10_000,
    onSuccess: (completion, data) => done.push({ completion, data: data.slice() }),
  });
  controller.pump();
  const cid = controller.seen[0]!.command.cid;
  return { queue, controller, cid, done };
}

const pattern = (bytes: number, from = 0): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, at) => from + at);

Deno.test("AdminQueue assembles a read from several C2HData PDUs", () => {
  const { controller, cid, done } = readingQueue(32);
  controller.send(data(cid, 0, pattern(8)), data(cid, 8, pattern(20, 8)));
  controller.send(data(cid, 28, pattern(4, 28), "last"));
  assertEquals(done.length, 0, "Not done before its response");
  controller.send(response({ cid, dw0: 9 }));
  assertEquals(done.map(({ data, completion }) => [data, completion.dw0]), [[pattern(32), 9]]);
});

Deno.test("AdminQueue takes SUCCESS in the last C2HData for a response with status and dwords 0", () => {
  const { controller, cid, done, queue } = readingQueue(16);
  controller.send(data(cid, 0, pattern(8)), data(cid, 8, pattern(8, 8), "success"));
  assertEquals(done.map(({ data, completion: { dw0, dw1, status } }) => [data, dw0, dw1, status]), [
    [pattern(16), 0, 0, 0],
  ]);
  assertEquals(queue.outstandingCount, 0);
});

Deno.test("AdminQueue hands on data shorter than asked for", () => {
  const { controller, cid, done } = readingQueue(32);
  controller.send(data(cid, 0, pattern(8), "last"), response({ cid }));
  assertEquals(done.map(({ data }) => data.length), [8]);
});

Deno.test("AdminQueue hands on a completion without data", () => {
  const { controller, cid, done } = readingQueue(32);
  controller.send(response({ cid }));
  assertEquals(done.map(({ data }) => data.length), [0]);
});

Deno.test("AdminQueue matches answers that come out of order", () => {
  const { queue, controller } = establishedQueue();
  controller.answer("keepAlive", () => null);
  const done: number[] = [];
  for (let n = 0; n < 3; n++) {
    queue.submit(controller.nowMs, {
      action: "keep alive",
      encode: (cid) => encodeKeepAlive({ cid }),
      timeoutMs: 1_000,
      onSuccess: () => done.push(n),
    });
  }
  controller.pump();
  const cids = controller.seen.map(({ command }) => command.cid);
  assertEquals(new Set(cids).size, 3);
  controller.send(response({ cid: cids[2]! }), response({ cid: cids[0]! }), response({ cid: cids[1]! }));
  assertEquals(done, [2, 0, 1]);
});

interface BadRow {
  name: string;
  pdus: (cid: number) => Pdu[];
  code: string;
  fes: number;
}

const badAnswers: BadRow[] = [
  {
    name: "a response to a command that is not outstanding",
    pdus: (cid) => [response({ cid: cid + 1 })],
    code: "unknown-command",
    fes: 1,
  },
  {
    name: "a second response to one command",
    pdus: (cid) => [response({ cid }), response({ cid })],
    code: "unknown-command",
    fes: 1,
  },
  {
    name: "data for a command that is not outstanding",
    pdus: (cid) => [data(cid + 1, 0, pattern(8))],
    code: "unknown-command",
    fes: 1,
  },
  {
    name: "data that leaves a gap",
    pdus: (cid) => [data(cid, 8, pattern(8))],
    code: "data-range",
    fes: 4,
  },
  {
    name: "data that comes twice",
    pdus: (cid) => [data(cid, 0, pattern(8)), data(cid, 0, pattern(8))],
    code: "data-range",
    fes: 4,
  },
  {
    name: "data beyond the length asked for",
    pdus: (cid) => [data(cid, 0, pattern(36))],
    code: "data-range",
    fes: 4,
  },
  {
    name: "data after the last",
    pdus: (cid) => [data(cid, 0, pattern(8), "last"), data(cid, 8, pattern(8), "last")],
    code: "data-range",
    fes: 4,
  },
  {
    name: "a response ahead of the last data",
    pdus: (cid) => [data(cid, 0, pattern(8)), response({ cid })],
    code: "data-unfinished",
    fes: 2,
  },
  {
    name: "a request for data (R2T)",
    pdus: (cid) => [{ kind: "r2t", cccid: cid, ttag: 1, r2to: 0, r2tl: 4 }],
    code: "r2t",
    fes: 5,
  },
];

for (const { name, pdus, code, fes } of badAnswers) {
  Deno.test(`AdminQueue ends on ${name}, and tells the peer`, () => {
    const { queue, controller, cid } = readingQueue(32);
    const error = assertThrows(() => controller.send(...pdus(cid)), ProtocolError);
    assertEquals([error.code, error.fes], [code, fes]);
    assertEquals(queue.failure, error);
    controller.pump();
    const termReq = controller.otherPdus.at(-1);
    assert(termReq?.kind === "h2cTermReq", `Expected H2CTermReq, got ${termReq?.kind}`);
    assertEquals(termReq.fes, fes);
    assertEquals(queue.nextTimeoutMs(), Infinity);
  });
}

Deno.test("AdminQueue refuses data for a command that reads none", () => {
  const { queue, controller } = establishedQueue();
  queue.submit(controller.nowMs, eventRequest());
  controller.pump();
  const error = assertThrows(
    () => controller.send(data(controller.eventCids[0]!, 0, pattern(4))),
    ProtocolError,
  );
  assertEquals(error.code, "data-range");
});

function eventRequest(onSuccess: AdminCommand["onSuccess"] = () => {}): AdminCommand {
  return {
    action: "wait for an event",
    encode: (cid) => encodeAsyncEventRequest({ cid }),
    timeoutMs: null,
    onSuccess,
  };
}

Deno.test("AdminQueue fails a command, and the connection, on a wrong data digest", () => {
  const digests = { header: true, data: true };
  const queue = new AdminQueue(0, digests);
  const controller = new ScriptedController(queue);
  controller.icResp = { ...controller.icResp!, digests };
  controller.answer("log", () => null);
  controller.pump();
  queue.submit(controller.nowMs, {
    action: "read the log",
    encode: (cid) => encodeGetLogPage({ cid, lid: 0x70, offset: 0, bytes: 8, retainAsyncEvent: true }),
    readBytes: 8,
    timeoutMs: 10_000,
    onSuccess: () => assert(false, "Broken data counted"),
  });
  controller.pump();
  const { cid } = controller.seen[0]!.command;
  const bytes = encodePdu(data(cid, 0, pattern(8), "last"), digests);
  bytes[bytes.length - 1]! ^= 1;
  const error = assertThrows(
    () => controller.sendBytes(concat([bytes, encodePdu(response({ cid }), digests)])),
    ProtocolError,
  );
  // No TermReq: the connection as such is sound (NVMe/TCP 1.0 §3.3.1.1).
  assertEquals([error.code, error.fes], ["data-digest", 0]);
});

Deno.test("AdminQueue turns an error status into a typed error, unless the command takes it", () => {
  const { controller, cid } = readingQueue(8);
  const error = assertThrows(
    () => controller.send(response({ cid, status: 0x109, dnr: true })),
    NvmeStatusError,
    "Cannot read the log",
  );
  assertEquals([error.code, error.status, error.dnr], ["invalid-log-page", 0x109, true]);

  const { queue, controller: second } = establishedQueue();
  second.answer("keepAlive", ({ command }) => [response({ cid: command.cid, status: 6 })]);
  const statuses: number[] = [];
  queue.submit(second.nowMs, {
    action: "keep alive",
    encode: (cid) => encodeKeepAlive({ cid }),
    timeoutMs: 1_000,
    onSuccess: () => assert(false, "An error status is no success"),
    onStatus: ({ status }) => statuses.push(status),
  });
  second.pump();
  assertEquals([statuses, queue.failure], [[6], null]);
});

Deno.test("AdminQueue gives up without ICResp", () => {
  const queue = new AdminQueue(1_000);
  assertEquals(queue.nextTimeoutMs(), 1_000 + limits.icrespTimeoutMs);
  queue.handleTimeout(queue.nextTimeoutMs() - 1);
  const error = assertThrows(() => queue.handleTimeout(queue.nextTimeoutMs()), TimeoutError);
  assertEquals([error.code, queue.failure], ["icresp", error]);
});

Deno.test("AdminQueue gives up on a command at its deadline, and waits for ever where there is none", () => {
  const { queue, controller } = readingQueue(8);
  queue.submit(controller.nowMs, eventRequest());
  const dueMs = controller.nowMs + 10_000;
  assertEquals(queue.nextTimeoutMs(), dueMs);
  queue.handleTimeout(dueMs - 1);
  const error = assertThrows(() => queue.handleTimeout(dueMs), TimeoutError, "Cannot read the log");
  assertEquals(error.code, "command");

  const waiting = establishedQueue();
  waiting.queue.submit(waiting.controller.nowMs, eventRequest());
  assertEquals(waiting.queue.nextTimeoutMs(), Infinity);
  waiting.queue.handleTimeout(1e12);
  assertEquals(waiting.queue.failure, null);
});

Deno.test("AdminQueue gives ids in a round and never one that is outstanding", () => {
  const { queue, controller } = establishedQueue();
  queue.submit(controller.nowMs, eventRequest());
  controller.pump();
  const held = controller.eventCids[0]!;
  let last = held;
  for (let n = 0; n < 0xffff + 10; n++) {
    queue.submit(controller.nowMs, {
      action: "keep alive",
      encode: (cid) => {
        assert(cid !== held && cid !== last && cid >= 1 && cid <= 0xfffe, `cid ${cid} after ${last}`);
        last = cid;
        return encodeKeepAlive({ cid });
      },
      timeoutMs: 1_000,
      onSuccess: () => {},
    });
    queue.takeBytes();
    queue.handleBytes(controller.nowMs, encodePdu(response({ cid: last })));
  }
});

Deno.test("AdminQueue forgets its commands when it is ended from our side", () => {
  const { queue, controller, cid, done } = readingQueue(8);
  queue.fail(new TransportError("shutdown", "Shut down"));
  controller.sendBytes(encodePdu(response({ cid })));
  queue.submit(controller.nowMs, eventRequest());
  assertEquals([done.length, queue.outstandingCount, queue.takeBytes()], [0, 0, null]);
});

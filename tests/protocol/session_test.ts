import { limits } from "../../src/base/limits.ts";
import { TransportError } from "../../src/base/errors.ts";
import { controllerConfiguration } from "../../src/nvme/spec.ts";
import { encodePdu } from "../../src/nvme/pdu.ts";
import { Session } from "../../src/protocol/session.ts";
import { assert, assertEquals } from "../assert.ts";
import { type CommandName, response, type SeenCommand } from "./scripted_controller.ts";
import { liveSession, sessionOptions, SessionUnderTest } from "./session_samples.ts";

Deno.test("Session posts its event request before it reads the log", () => {
  const { controller } = liveSession();
  const names = controller.seen.map(({ name }) => name);
  assert(names.indexOf("event") < names.indexOf("log"), names.join(" "));
  assertEquals(controller.count("event"), 1);
});

Deno.test("Session asks for no events, ever, where nobody waits for them", () => {
  const { controller } = liveSession();
  assertEquals([controller.count("setFeatures"), controller.count("event")], [1, 1], "It would otherwise");
  const test = liveSession({ events: false });
  const names = () => test.controller.seen.map(({ name }) => name).join(" ");
  assertEquals(names(), "connect readCap writeCc readCsts identify log log");
  assertEquals(test.kinds(), "ready log");
  test.controller.advance(limits.logPollMs);
  assert(test.controller.count("log") > 2, "It goes on reading, though seldom");
  assertEquals([test.controller.count("setFeatures"), test.controller.count("event")], [0, 0]);
});

Deno.test("Session posts the event request again at once, ahead of the read that the event asks for", () => {
  const test = liveSession();
  const { controller } = test;
  controller.raiseEvent();
  const names = controller.seen.slice(controller.seen.findIndex(({ name }) => name === "log") + 2);
  assertEquals(names.map(({ name }) => name), ["event", "log", "log"]);
  assertEquals(test.kinds(), "ready log event log");
  assertEquals(controller.eventCids.length, 1);
});

Deno.test("Session reads once more after an event that came during a read", () => {
  const test = liveSession();
  const { controller } = test;
  let raised = false;
  controller.answer("log", (seen) => {
    if (raised) return controller.usual(seen);
    raised = true;
    const event = response({ cid: controller.eventCids.shift()!, dw0: 0x70f002 });
    return [event, ...controller.usual(seen)!];
  });
  controller.raiseEvent();
  assertEquals(test.kinds(), "ready log event event log");
  controller.advance(limits.logReadGapMs);
  assertEquals(test.kinds(), "ready log event event log log");
  controller.advance(limits.logReadGapMs * 10);
  assertEquals(test.logs().length, 3, "And then no more");
});

Deno.test("Session spaces the reads out under a storm of events", () => {
  const test = liveSession();
  const { controller } = test;
  controller.advance(1_000);
  const before = controller.count("log");
  const startMs = controller.nowMs;
  // Each event comes right after the read that the one before it asked for.
  while (controller.nowMs < startMs + 1_000) {
    controller.raiseEvent();
    controller.advance(1);
  }
  const reads = (controller.count("log") - before) / 2;
  assert(reads <= 2 * 1_000 / limits.logReadGapMs + 2, `${reads} reads in a second`);
  assert(reads >= 5, `${reads} reads in a second`);
});

Deno.test("Session posts the request again after events that are none of ours, and reads nothing", () => {
  const test = liveSession();
  // An error, a SMART warning, a namespace change, another log's change.
  for (const dw0 of [0x0001_0000, 0x0002_0101, 0x0004_0002, 0x0071_f102]) {
    test.controller.raiseEvent(dw0);
    assertEquals(test.controller.eventCids.length, 1);
  }
  assertEquals([test.kinds(), test.controller.count("log")], ["ready log", 2]);
});

Deno.test("Session polls the log where event requests are refused, and asks again each time", () => {
  const test = new SessionUnderTest();
  const { controller } = test;
  controller.answer("event", ({ command: { cid } }) => [response({ cid, status: 0x105 })]);
  test.start();
  controller.advance(limits.logPollMs * 3);
  assertEquals([test.logs().length, controller.count("event")], [4, 4]);
  controller.answer("event", null);
  controller.advance(limits.logPollMs);
  assertEquals([test.logs().length, controller.eventCids.length], [5, 1]);
  controller.advance(limits.logRefreshMs - 1);
  assertEquals(test.logs().length, 5, "Taken again: no more polling");
});

Deno.test("Session polls the log where the event configuration is refused, though a request is taken", () => {
  const test = new SessionUnderTest();
  const { controller } = test;
  controller.answer("setFeatures", ({ command: { cid } }) => [response({ cid, status: 2, dnr: true })]);
  test.start();
  assertEquals(controller.eventCids.length, 1, "Precondition: the request stands");
  controller.advance(limits.logPollMs);
  assertEquals(test.logs().length, 2);
});

Deno.test("Session reads the log again without events, seldom", () => {
  const test = liveSession();
  test.controller.advance(limits.logRefreshMs - 1);
  assertEquals(test.logs().length, 1);
  test.controller.advance(1);
  assertEquals(test.logs().length, 2);
});

Deno.test("Session keeps alive every half KATO, whatever else it says", () => {
  const test = liveSession({ katoMs: 10_000 });
  const { controller } = test;
  const startMs = controller.nowMs;
  for (let second = 0; second < 30; second++) {
    controller.raiseEvent();
    controller.advance(1_000);
  }
  const times = controller.of("keepAlive").map(({ atMs }) => atMs - startMs);
  assertEquals(times, [5_000, 10_000, 15_000, 20_000, 25_000, 30_000]);
});

Deno.test("Session counts its first keep alive from Connect, however long the controller took to be ready", () => {
  const test = new SessionUnderTest({ katoMs: 10_000 });
  const { controller } = test;
  const identify: SeenCommand[] = [];
  controller.answer("identify", (seen) => (identify.push(seen), null));
  test.start();
  controller.advance(7_000);
  assertEquals([test.kinds(), controller.count("keepAlive")], ["", 0], "Precondition: it waits for Identify");
  for (const pdu of controller.usual(identify[0]!)!) controller.send(pdu);
  controller.advance(0);
  assertEquals([test.kinds(), controller.count("keepAlive")], ["ready log", 1]);
});

Deno.test("Session closes when a keep alive is not answered within KATO", () => {
  const test = liveSession({ katoMs: 4_000 });
  test.controller.answer("keepAlive", () => null);
  test.controller.advance(5_999);
  assertEquals([test.end(), test.controller.count("keepAlive")], [undefined, 1]);
  test.controller.advance(1);
  assertEquals(test.endCode(), "command");
});

Deno.test("Session sends the next keep alive at once when the answer took longer than half KATO", () => {
  const test = liveSession({ katoMs: 4_000 });
  const { controller } = test;
  const held: number[] = [];
  controller.answer("keepAlive", ({ command: { cid } }) => (held.push(cid), null));
  controller.advance(2_000 + 3_000);
  controller.answer("keepAlive", null);
  controller.send(response({ cid: held[0]! }));
  controller.advance(0);
  assertEquals(controller.count("keepAlive"), 2);
});

Deno.test("Session closes when a keep alive is refused", () => {
  const test = liveSession();
  test.controller.answer("keepAlive", ({ command: { cid } }) => [response({ cid, status: 0x19 })]);
  test.controller.advance(5_000);
  assertEquals(test.endCode(), "keep-alive-expired");
});

Deno.test("Session gives up without ICResp", () => {
  const test = new SessionUnderTest({}, (controller) => controller.icResp = null).start();
  test.controller.advance(limits.icrespTimeoutMs);
  assertEquals([test.endCode(), test.kinds()], ["icresp", "closed"]);
});

Deno.test("Session closes on a log read that is never answered", () => {
  const test = liveSession();
  test.controller.answer("log", () => null);
  test.controller.raiseEvent();
  test.controller.advance(limits.commandTimeoutMs);
  assertEquals(test.endCode(), "command");
});

Deno.test("Session tells why it closed: the peer's end, the socket's error, the peer's TermReq", () => {
  const ended = liveSession();
  ended.session.handleClose(null);
  ended.controller.onDelivered();
  assertEquals(ended.endCode(), "closed");

  const reset = liveSession();
  const error = new TransportError("ECONNRESET", "Reset");
  reset.session.handleClose(error);
  reset.controller.onDelivered();
  assertEquals(reset.end(), error);

  const told = liveSession();
  told.controller.send({ kind: "c2hTermReq", fes: 2, fei: 0, offendingHeader: new Uint8Array(24) });
  assertEquals(told.endCode(), "term-req");
});

Deno.test("Session is silent after its end", () => {
  const test = liveSession();
  test.session.handleClose(null);
  test.controller.onDelivered();
  const told = test.events.length;
  test.session.handleBytes(test.controller.nowMs, new Uint8Array(64));
  test.session.handleTimeout(1e12);
  test.session.handleClose(null);
  test.session.stop(1e12);
  test.controller.onDelivered();
  assertEquals([test.events.length, test.session.takeBytes()], [told, null]);
  assertEquals(test.session.nextTimeoutMs(), Infinity);
});

Deno.test("Session.stop() shuts the controller down and then closes", () => {
  const test = liveSession();
  const { controller } = test;
  test.stop();
  assertEquals(controller.of("writeCc").at(-1)?.command.cdw12, controllerConfiguration.shutdownNormal);
  assertEquals([test.end(), controller.seen.at(-1)?.name], [null, "readCsts"]);
});

Deno.test("Session.stop() waits for the shutdown to complete", () => {
  const test = liveSession();
  const { controller } = test;
  controller.answer("readCsts", ({ command: { cid } }) => [response({ cid, dw0: 5 })]);
  test.stop();
  controller.advance(100);
  assertEquals(test.end(), undefined);
  controller.answer("readCsts", null);
  controller.advance(100);
  assertEquals(test.end(), null);
});

const lastWords: [name: string, silent: CommandName[]][] = [
  ["never answers", ["writeCc"]],
  ["never answers CSTS", ["readCsts"]],
];

for (const [name, silent] of lastWords) {
  Deno.test(`Session.stop() is bounded with a controller that ${name}`, () => {
    const test = liveSession();
    for (const command of silent) test.controller.answer(command, () => null);
    test.stop();
    test.controller.advance(limits.shutdownTimeoutMs - 1);
    assertEquals(test.end(), undefined);
    test.controller.advance(1);
    assertEquals(test.end(), null);
  });
}

Deno.test("Session.stop() is bounded with a controller that never completes the shutdown", () => {
  const test = liveSession();
  test.controller.answer("readCsts", ({ command: { cid } }) => [response({ cid, dw0: 5 })]);
  test.stop();
  test.controller.advance(limits.shutdownTimeoutMs);
  assertEquals(test.end(), null);
});

Deno.test("Session.stop() ends orderly when the controller refuses, fails, or closes", () => {
  const refused = liveSession();
  refused.controller.answer("writeCc", ({ command: { cid } }) => [response({ cid, status: 6 })]);
  refused.stop();
  assertEquals(refused.end(), null);

  const failed = liveSession();
  failed.controller.answer("readCsts", ({ command: { cid } }) => [response({ cid, dw0: 2 })]);
  failed.stop();
  assertEquals(failed.end(), null);

  const closed = liveSession();
  closed.controller.answer("writeCc", () => null);
  closed.stop();
  closed.session.handleClose(new TransportError("ECONNRESET", "Reset"));
  closed.controller.onDelivered();
  assertEquals(closed.end(), null);
});

Deno.test("Session.stop() during a log read reads no further, and still shuts the controller down", () => {
  const test = liveSession();
  const { controller } = test;
  const held: number[] = [];
  controller.answer("log", ({ command: { cid } }) => (held.push(cid), null));
  controller.raiseEvent();
  assertEquals(held.length, 1, "Precondition: a read is under way");
  controller.answer("writeCc", () => null);
  test.stop();
  const stopCid = controller.of("writeCc").at(-1)!.command.cid;
  // What controllers do to commands that a shutdown overtakes.
  controller.send(
    response({ cid: held[0]!, status: 8 }),
    response({ cid: controller.eventCids[0]!, status: 8 }),
  );
  assertEquals(test.end(), undefined);
  controller.csts = 9;
  controller.send(response({ cid: stopCid }));
  assertEquals([test.end(), held.length], [null, 1]);
});

Deno.test("Session.stop() during the pause of a restless log does not spin", () => {
  const test = new SessionUnderTest();
  const { controller } = test;
  controller.answer("log", (seen) => {
    controller.genctr++;
    return controller.usual(seen);
  });
  test.start();
  assertEquals(test.kinds(), "ready", "Precondition: the reader pauses");
  controller.advance(limits.logRestartPauseMs - 10);
  controller.answer("writeCc", () => null);
  test.stop();
  // `advance` fails on a timeout that stays where it is.
  controller.advance(limits.shutdownTimeoutMs);
  assertEquals(test.end(), null);
});

const stages: CommandName[] = ["connect", "readCap", "writeCc", "readCsts", "identify", "setFeatures"];

for (const stage of stages) {
  Deno.test(`Session.stop() closes at once while ${stage} waits`, () => {
    const test = new SessionUnderTest();
    test.controller.answer(stage, () => null);
    test.start();
    test.stop();
    assertEquals([test.end(), test.kinds()], [null, "closed"]);
  });
}

Deno.test("Session.stop() closes at once before ICResp, and twice is once", () => {
  const test = new SessionUnderTest({}, (controller) => controller.icResp = null).start();
  test.stop();
  test.stop();
  assertEquals(test.end(), null);
  test.controller.sendBytes(encodePdu(response({ cid: 1 })));
  assertEquals(test.kinds(), "closed");
});

Deno.test("Session lives through bytes that come one by one", () => {
  const test = new SessionUnderTest({}, (controller) => {
    controller.chunkBytes = 1;
    controller.records = [{ traddr: "10.0.0.1", trsvcid: "4420", subnqn: "nqn.2024-01.io.example:s" }];
  }).start();
  assertEquals(test.kinds(), "ready log");
  test.controller.raiseEvent();
  test.stop();
  assertEquals([test.kinds(), test.end()], ["ready log event log closed", null]);
});

Deno.test("Session speaks with digests, and on without those that are declined", () => {
  const both = { header: true, data: true };
  const granted = liveSession({ digests: both }, (controller) => {
    controller.icResp = { ...controller.icResp!, digests: both };
  });
  granted.controller.raiseEvent();
  assertEquals(granted.logs().length, 2);
  liveSession({ digests: both });
  liveSession({ digests: both }, (controller) => {
    controller.icResp = { ...controller.icResp!, digests: { header: true, data: false } };
  });
});

Deno.test("Session asks for its timeouts from the start", () => {
  const session = new Session(500, sessionOptions);
  assertEquals(session.nextTimeoutMs(), 500 + limits.icrespTimeoutMs);
});

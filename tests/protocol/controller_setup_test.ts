import { limits } from "../../src/base/limits.ts";
import { NvmeStatusError, ProtocolError, TimeoutError } from "../../src/base/errors.ts";
import { controllerConfiguration, discoveryChangeBit, discoveryNqn } from "../../src/nvme/spec.ts";
import { assert, assertEquals } from "../assert.ts";
import { type CommandName, data, response } from "./scripted_controller.ts";
import { hostnqn, liveSession, sessionOptions, SessionUnderTest } from "./session_samples.ts";

Deno.test("ControllerSetup goes Connect, CAP, CC.EN, CSTS, Identify, Set Features, in this order", () => {
  const { controller } = liveSession();
  assertEquals(controller.seen.slice(0, 6).map(({ name }) => name), [
    "connect",
    "readCap",
    "writeCc",
    "readCsts",
    "identify",
    "setFeatures",
  ]);
  const [connect] = controller.of("connect");
  assertEquals(connect!.command.cdw12, 10_000, "KATO, ms, is what makes the connection persistent");
  assertEquals(connect!.command.cdw11 & 0xffff, limits.adminQueueEntries - 1, "SQSIZE is 0-based");
  assertEquals(controller.of("writeCc")[0]?.command.cdw12, controllerConfiguration.enable);
  assertEquals(controller.of("setFeatures")[0]?.command.cdw11, discoveryChangeBit);
});

Deno.test("ControllerSetup connects under the names and the identifier given", () => {
  const { controller } = liveSession();
  const { hostid, subnqn, hostnqn: host, cntlid } = controller.connectData();
  assertEquals([host, subnqn, cntlid], [hostnqn, discoveryNqn, 0xffff]);
  assertEquals(hostid, sessionOptions.hostid);
});

Deno.test("ControllerSetup accepts a unique discovery NQN, asked for or reported", () => {
  const unique = "nqn.2024-01.io.example:discovery";
  const { events } = liveSession({}, (controller) => controller.identify = { subnqn: unique });
  assert(events[0]?.kind === "ready");
  assertEquals(events[0].identify.subnqn, unique);
  assertEquals(liveSession({ subnqn: unique }).controller.connectData().subnqn, unique);
});

Deno.test("ControllerSetup accepts controllers that report no type", () => {
  liveSession({}, (controller) => controller.identify = { cntrltype: 0 });
});

Deno.test("ControllerSetup refuses a controller of another type", () => {
  for (const cntrltype of [1, 3]) {
    const test = new SessionUnderTest({}, (controller) => controller.identify = { cntrltype }).start();
    assertEquals(test.endCode(), "not-discovery");
    assertEquals(test.kinds(), "closed");
  }
});

Deno.test("ControllerSetup refuses a controller that says two different ids", () => {
  const test = new SessionUnderTest({}, (controller) => controller.identify = { cntlid: 8 }).start();
  assertEquals(test.endCode(), "cntlid-mismatch");
});

Deno.test("ControllerSetup refuses Identify data that is too short", () => {
  const test = new SessionUnderTest();
  test
    .controller.answer("identify", ({ command: { cid } }) => [data(cid, 0, new Uint8Array(512), "success")]);
  assertEquals(test.start().endCode(), "identify-short");
});

Deno.test("ControllerSetup ends where the controller demands authentication", () => {
  for (const dw0 of [0x2_0001, 0x4_0001]) {
    const test = new SessionUnderTest();
    test.controller.answer("connect", ({ command: { cid } }) => [response({ cid, dw0 })]);
    assertEquals(test.start().endCode(), "authentication-required");
  }
});

Deno.test("ControllerSetup polls CSTS until the controller is ready, at growing distance", () => {
  const test = new SessionUnderTest();
  const { controller } = test;
  controller.answer("readCsts", ({ command: { cid } }) => [response({ cid, dw0: 0 })]);
  test.start();
  controller.advance(1_000);
  assertEquals(test.kinds(), "");
  const times = controller.of("readCsts").map(({ atMs }) => atMs);
  const gaps = times.slice(1).map((atMs, at) => atMs - times[at]!);
  assertEquals(gaps.slice(0, 6), [10, 20, 40, 80, 100, 100]);
  controller.answer("readCsts", null);
  controller.advance(100);
  assertEquals(test.kinds(), "ready log");
});

Deno.test("ControllerSetup gives up when CAP.TO has passed, one unit late as the Linux host", () => {
  const test = new SessionUnderTest();
  const { controller } = test;
  // CAP.TO 4: 2 s; the host allows 2.5 s.
  controller.answer("readCap", ({ command: { cid } }) => [response({ cid, dw0: 0x0400_0000 })]);
  controller.answer("readCsts", ({ command: { cid } }) => [response({ cid, dw0: 0 })]);
  test.start();
  controller.advance(2_499);
  assertEquals(test.end(), undefined);
  controller.advance(1);
  assert(test.end() instanceof TimeoutError);
  assertEquals(test.endCode(), "ready");
});

Deno.test("ControllerSetup bounds CAP.TO, whatever the controller claims", () => {
  const test = new SessionUnderTest();
  const { controller } = test;
  controller.answer("readCap", ({ command: { cid } }) => [response({ cid, dw0: 0xff00_0000 })]);
  controller.answer("readCsts", ({ command: { cid } }) => [response({ cid, dw0: 0 })]);
  test.start();
  controller.advance(limits.readyTimeoutMsMax);
  assertEquals(test.endCode(), "ready");
});

Deno.test("ControllerSetup counts CAP.TO from the answer to CC.EN, and gives CSTS its full time", () => {
  const test = new SessionUnderTest();
  const { controller } = test;
  controller.answer("readCap", ({ command: { cid } }) => [response({ cid, dw0: 0 })]);
  const held: number[] = [];
  controller.answer("writeCc", ({ command: { cid } }) => (held.push(cid), null));
  controller.answer("readCsts", ({ command: { cid } }) => (held.push(cid), null));
  test.start();
  // Slow, but within the bound of each single command.
  controller.advance(9_900);
  controller.send(response({ cid: held[0]! }));
  controller.advance(9_900);
  assertEquals(test.end(), undefined);
  controller.answer("readCsts", null);
  controller.csts = 1;
  controller.send(response({ cid: held[1]!, dw0: 1 }));
  assertEquals(test.kinds(), "ready log");
});

Deno.test("ControllerSetup ends on a fatal controller (CSTS.CFS)", () => {
  const test = new SessionUnderTest();
  test.controller.answer("readCsts", ({ command: { cid } }) => [response({ cid, dw0: 2 })]);
  assertEquals(test.start().endCode(), "controller-fatal");
  assert(test.end() instanceof ProtocolError);
});

const setupCommands: CommandName[] = ["connect", "readCap", "writeCc", "readCsts", "identify"];

for (const name of setupCommands) {
  Deno.test(`ControllerSetup ends on an error status of ${name}`, () => {
    const test = new SessionUnderTest();
    const status = name === "connect" ? 0x184 : 6;
    test.controller.answer(name, ({ command: { cid } }) => [response({ cid, status, dnr: true })]);
    test.start();
    const error = test.end();
    assert(error instanceof NvmeStatusError, `Expected a status, got ${error}`);
    assertEquals([error.status, error.dnr], [status, true]);
  });
}

for (const name of [...setupCommands, "setFeatures"] as const) {
  Deno.test(`ControllerSetup gives up when ${name} is never answered`, () => {
    const test = new SessionUnderTest();
    test.controller.answer(name, () => null);
    test.start();
    test.controller.advance(limits.commandTimeoutMs - 1);
    assertEquals(test.end(), undefined);
    test.controller.advance(1);
    assertEquals(test.endCode(), "command");
  });
}

Deno.test("ControllerSetup goes on without events when Set Features is refused", () => {
  const test = new SessionUnderTest();
  test.controller.answer("setFeatures", ({ command: { cid } }) => [response({ cid, status: 2, dnr: true })]);
  test.start();
  assertEquals(test.kinds(), "ready log");
  assert(test.events[0]?.kind === "ready" && !test.events[0].eventsConfigured);
});

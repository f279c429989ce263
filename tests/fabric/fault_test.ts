/** Faults: each puts on the wire, or into the state, what it says, and nothing else. */
import { ProtocolError } from "../../src/base/errors.ts";
import {
  encodeConnect,
  encodeGetLogPage,
  encodeIdentifyController,
  encodeKeepAlive,
  encodeSetFeatures,
} from "../../src/nvme/command.ts";
import { decodeCompletion } from "../../src/nvme/completion.ts";
import { decodeIdentifyController } from "../../src/nvme/identify.ts";
import { controllerConfiguration, register } from "../../src/nvme/spec.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { ControllerMachine } from "./controller_machine.ts";
import { Fabric } from "./fabric.ts";
import { FabricHost } from "./fabric_host.ts";
import type { Fault } from "./fault.ts";

function newHost(
  { faults, fabric = Fabric.build({ nodes: 1, subsystems: 1 }) }: { faults?: Fault[]; fabric?: Fabric },
) {
  return new FabricHost(new ControllerMachine({ fabric, nodeId: "n1", faults }));
}

Deno.test("a fault strikes the answers of its step, after `skip`, `count` times", () => {
  const host = newHost({ faults: [{ kind: "status", status: 0x006, at: "identify", skip: 1, count: 2 }] })
    .start();
  assertEquals([1, 2, 3, 4].map(() => host.identify().completion.status), [0, 6, 6, 0]);
});

Deno.test("wire faults put on the wire what they say", () => {
  const answers = (fault: Fault, digests = { header: false, data: false }) => {
    const host = newHost({ faults: [fault] }).start({ digests });
    const cid = host.post((id) => encodeIdentifyController({ cid: id }));
    return { host, cid };
  };
  const kindsOf = (fault: Fault) => answers(fault).host.receive().map(({ kind }) => kind);
  const at = "identify";
  assertEquals(kindsOf({ at, kind: "noAnswer" }), []);
  assertEquals(kindsOf({ at, kind: "r2t" }), ["r2t"]);
  assertEquals(kindsOf({ at, kind: "termReq" }), ["c2hTermReq"]);
  assertEquals(kindsOf({ at, kind: "twice" }), ["c2hData", "capsuleResp", "c2hData", "capsuleResp"]);
  for (
    const [fault, bytes] of [[{ kind: "shortData", bytes: 96 }, 4000], [
      { kind: "surplusData", bytes: 4 },
      4100,
    ]] as const
  ) {
    const { host, cid } = answers({ at, ...fault });
    assertEquals(host.answerTo(cid)?.data.length, bytes);
  }
  const wrong = answers({ at, kind: "wrongCid" });
  assertEquals([wrong.host.answerTo(wrong.cid), wrong.host.others.length], [null, 2]);
  const spoilt = answers({ at, kind: "badDataDigest" }, { header: true, data: true }).host.receive()[0];
  assert(spoilt?.kind === "c2hData" && spoilt.dataDigestFailed);
  const header = answers({ at, kind: "badHeaderDigest" }, { header: true, data: true }).host;
  assertEquals(assertThrows(() => header.receive(), ProtocolError).code, "header-digest");
  assertThrows(
    () => answers({ at, kind: "garbage", bytes: new Uint8Array(8).fill(0xee) }).host.receive(),
    ProtocolError,
  );
  assertThrows(() => answers({ at, kind: "flip", offset: 2, mask: 0x80 }).host.receive(), ProtocolError);
});

Deno.test("faults that end or silence the connection do so", () => {
  const closed = newHost({ faults: [{ at: "connect", kind: "close" }] });
  closed.initialize();
  closed.post((cid) => encodeConnect({ cid, sqsize: 31, katoMs: 0 }), new Uint8Array(1024));
  assertEquals([closed.machine.closeReason, closed.receive()], ["fault", []]);

  const cut = newHost({ faults: [{ at: "icResp", kind: "truncate", bytes: 100 }] });
  cut.send({ kind: "icReq", hpda: 0, digests: { header: false, data: false }, maxr2t: 0 });
  assertEquals([cut.machine.takeBytes()?.length, cut.machine.closed], [100, true]);

  const silent = newHost({ faults: [{ at: "keepAlive", kind: "silent" }] }).start();
  silent.post((cid) => encodeGetLogPage({ cid, lid: 0x70, offset: 0, bytes: 1024, retainAsyncEvent: true }));
  assert(silent.receive().length > 0);
  assertThrows(() => silent.keepAlive(), Error, "No answer came");
  assertThrows(() => silent.identify(), Error, "No answer came");
  silent.advanceTo(1_000_000);
  assertEquals(silent.machine.closed, false);
});

Deno.test("a delayed answer comes at its time, others are not held up", () => {
  const host = newHost({ faults: [{ at: "identify", kind: "delay", ms: 500 }] }).start();
  const cid = host.post((id) => encodeIdentifyController({ cid: id }));
  assertEquals(host.keepAlive().status, 0);
  assertEquals(host.machine.nextTimeoutMs(), 500);
  host.advanceTo(499);
  assertEquals(host.machine.takeBytes(), null);
  host.advanceTo(500);
  assertEquals(host.answerTo(cid)?.data.length, 4096);
});

Deno.test("a reordered answer comes after the next other one, whole", () => {
  const host = newHost({ faults: [{ at: "identify", kind: "reorder", count: 2 }] }).start();
  const one = host.post((cid) => encodeIdentifyController({ cid }));
  const two = host.post((cid) => encodeIdentifyController({ cid }));
  assertEquals(host.machine.takeBytes(), null);
  const other = host.post((cid) => encodeKeepAlive({ cid }));
  const order = host.receive().map((pdu) =>
    pdu.kind === "capsuleResp"
      ? decodeCompletion(pdu.cqe).cid
      : pdu.kind === "c2hData"
      ? `data ${pdu.cccid}`
      : pdu.kind
  );
  assertEquals(order, [other, `data ${one}`, one, `data ${two}`, two]);
  const keepAliveMs = host.machine.nextTimeoutMs();
  assert(keepAliveMs > 200, "Something still waits");
  assertEquals(host.identify().completion.status, 0);
});

Deno.test("a reordered answer that nothing overtakes comes after 200 ms, once", () => {
  const host = newHost({ faults: [{ at: "identify", kind: "reorder", count: 1 }] }).start();
  const cid = host.post((id) => encodeIdentifyController({ cid: id }));
  assertEquals(host.machine.nextTimeoutMs(), 200);
  host.advanceTo(199);
  assertEquals(host.machine.takeBytes(), null);
  host.advanceTo(200);
  assertEquals(host.answerTo(cid)?.data.length, 4096);
  assertEquals(host.keepAlive().status, 0);
  assertEquals(host.others, []);
});

Deno.test("a reordered answer follows a delayed one, and nothing follows a C2HTermReq", () => {
  const faults: Fault[] = [
    { at: "identify", kind: "delay", ms: 50 },
    { at: "keepAlive", kind: "reorder" },
    { at: "setFeatures", kind: "termReq" },
  ];
  const start = () => {
    const host = newHost({ faults }).start();
    host.post((cid) => encodeKeepAlive({ cid }));
    host.post((cid) => encodeIdentifyController({ cid }));
    assertEquals(host.machine.takeBytes(), null);
    return host;
  };
  const host = start();
  host.advanceTo(50);
  assertEquals(host.receive().map(({ kind }) => kind), ["c2hData", "capsuleResp", "capsuleResp"]);
  const ended = start();
  ended.post((cid) => encodeSetFeatures({ cid, fid: 0x0f, value: 1_000 }));
  ended.advanceTo(1_000);
  assertEquals(ended.receive().map(({ kind }) => kind), ["c2hTermReq"]);
});

Deno.test("state faults show in the controller's state", () => {
  const status = (fault: Fault, value: number) => {
    const host = newHost({ faults: [fault] });
    host.initialize();
    host.connect();
    host.configure(controllerConfiguration.enable);
    if (value !== controllerConfiguration.enable) host.configure(value);
    return host.property(register.csts).dw0;
  };
  assertEquals(status({ kind: "neverReady" }, controllerConfiguration.enable), 0);
  assertEquals(status({ kind: "fatalStatus" }, controllerConfiguration.enable), 2);
  assertEquals(status({ kind: "neverShutDown" }, controllerConfiguration.shutdownNormal), 5);
  const odd = newHost({ faults: [{ kind: "otherCntlid" }, { kind: "controllerType", cntrltype: 1 }] })
    .start();
  const { cntlid, cntrltype } = decodeIdentifyController(odd.identify().data);
  assertEquals([cntlid === odd.machine.controller?.cntlid, cntrltype], [false, 1]);
  const barred = newHost({ faults: [{ kind: "authentication" }] });
  barred.initialize();
  assertEquals(barred.connect().completion.dw0 >>> 16, 2);
  const [icResp] = newHost({ faults: [{ kind: "icRespFields", cpda: 3 }] }).initialize();
  assert(icResp?.kind === "icResp");
  assertEquals(icResp.cpda, 3);
});

Deno.test("ControllerMachine takes its node's faults when it is given none", () => {
  const fabric = Fabric.build({ nodes: 1, subsystems: 1 });
  fabric.setFaults("n1", [{ at: "icResp", kind: "close" }]);
  const host = newHost({ fabric });
  assertEquals([host.initialize(), host.machine.closeReason], [[], "fault"]);
});

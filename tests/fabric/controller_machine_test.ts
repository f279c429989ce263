/** One connection to a target: connection set-up, Connect, properties, keep alive. No sockets, told time. */
import { decodeCompletion } from "../../src/nvme/completion.ts";
import {
  encodeConnect,
  encodeConnectData,
  encodeGetLogPage,
  encodeIdentifyController,
} from "../../src/nvme/command.ts";
import { decodeIdentifyController } from "../../src/nvme/identify.ts";
import { encodePdu } from "../../src/nvme/pdu.ts";
import { controllerConfiguration, discoveryNqn, register } from "../../src/nvme/spec.ts";
import { seededRandom } from "../../src/base/random.ts";
import { assert, assertEquals } from "../assert.ts";
import { concatBytes } from "./answer.ts";
import type { ByteMachine } from "../sim/memory_connection.ts";
import { ControllerMachine } from "./controller_machine.ts";
import { Fabric, type FabricOptions } from "./fabric.ts";
import { FabricHost, hostA, hostB } from "./fabric_host.ts";
import type { PortRole } from "./target_connect.ts";

const kinds = ["nvmet", "spdk"] as const;
const sub1 = "nqn.2024-01.org.example:sub1";

function newHost(options: FabricOptions & { role?: PortRole; fabric?: Fabric } = {}) {
  const { fabric = Fabric.build({ nodes: 2, subsystems: 1, ...options }), role } = options;
  return new FabricHost(new ControllerMachine({ fabric, nodeId: "n1", role }));
}

Deno.test("ControllerMachine is what the simulated network takes", () => {
  const machine: ByteMachine = newHost().machine;
  assertEquals(machine.closed, false);
});

Deno.test("ControllerMachine answers ICReq as its kind does", () => {
  for (const [kind, maxh2cdata] of [["nvmet", 0x400000], ["spdk", 131072]] as const) {
    const pdus = newHost({ kind }).initialize();
    assertEquals(pdus, [{ kind: "icResp", cpda: 0, digests: { header: false, data: false }, maxh2cdata }]);
  }
});

Deno.test("ControllerMachine refuses an alignment as nvmet, repeats it as SPDK", () => {
  const strict = newHost({ kind: "nvmet" });
  assertEquals(strict.initialize(undefined, 1), []);
  assertEquals(strict.machine.closeReason, "protocol-error");
  const [pdu] = newHost({ kind: "spdk" }).initialize(undefined, 1);
  assert(pdu?.kind === "icResp");
  assertEquals(pdu.cpda, 1);
});

Deno.test("ControllerMachine ends on a broken rule: nvmet at once, SPDK by C2HTermReq and after 30 s", () => {
  const early = encodePdu({
    kind: "capsuleCmd",
    sqe: encodeIdentifyController({ cid: 1 }),
    data: new Uint8Array(0),
  });
  const nvmet = newHost({ kind: "nvmet" });
  nvmet.machine.handleBytes(0, early);
  assertEquals([nvmet.receive(), nvmet.machine.closed], [[], true]);
  const spdk = newHost({ kind: "spdk" });
  spdk.machine.handleBytes(0, early);
  const [pdu] = spdk.receive();
  assert(pdu?.kind === "c2hTermReq");
  assertEquals([pdu.fes, pdu.offendingHeader.length], [2, 72]);
  spdk.advanceTo(29_999);
  assert(!spdk.machine.closed);
  spdk.advanceTo(30_000);
  assertEquals(spdk.machine.closeReason, "protocol-error");
});

Deno.test("ControllerMachine takes a session in pieces of one byte, digests on", () => {
  for (const kind of kinds) {
    const host = newHost({ kind });
    const whole = host.machine.handleBytes.bind(host.machine);
    host.machine.handleBytes = (nowMs, chunk) => chunk.forEach((byte) => whole(nowMs, Uint8Array.of(byte)));
    host.start({ digests: { header: true, data: true } });
    assertEquals(host.machine.digests, { header: true, data: true });
    assertEquals(decodeIdentifyController(host.identify().data).cntrltype, 2);
  }
});

Deno.test("ControllerMachine refuses any command before Connect", () => {
  for (const [kind, status, dnr] of [["nvmet", 0x001, true], ["spdk", 0x00c, false]] as const) {
    const host = newHost({ kind });
    host.initialize();
    const { completion } = host.identify();
    assertEquals([completion.status, completion.dnr], [status, dnr]);
  }
});

Deno.test("ControllerMachine judges Connect: status, DNR and where the fault is", () => {
  const fabric = (kind: typeof kinds[number]) => {
    const built = Fabric.build({ nodes: 1, subsystems: 1, kind });
    built.addSubsystem("nqn.2024-01.org.example:secret", { hosts: [hostA] });
    return built;
  };
  const rows = [
    [{ subnqn: "nqn.2024-01.org.example:none" }, 0x182, 0x10100],
    [{ subnqn: "nqn.2024-01.org.example:secret", hostnqn: hostB }, 0x184, 0x10200],
    [{ sqsize: 0 }, 0x182, 44],
    [{ sqsize: 128 }, 0x182, 44],
    [{ cntlid: 5 }, 0x182, 0x10010],
    [{ hostnqn: "" }, 0x182, 0x10200],
  ] as const;
  for (const kind of kinds) {
    for (const [options, status, dw0] of rows) {
      const host = newHost({ fabric: fabric(kind) });
      host.initialize();
      const { completion } = host.connect(options);
      const expected = [status, kind === "nvmet", dw0];
      assertEquals([completion.status, completion.dnr, completion.dw0], expected, JSON.stringify(options));
      assertEquals(host.machine.hostnqn, null);
    }
  }
});

Deno.test("ControllerMachine refuses discovery to a host, or to all, with that status until it is lifted", () => {
  for (const [kind, dnr] of [["nvmet", true], ["spdk", false]] as const) {
    const fabric = Fabric.build({ nodes: 2, subsystems: 1, kind });
    const connect = (hostnqn: string) => {
      const host = newHost({ fabric });
      host.initialize();
      const { completion } = host.connect({ hostnqn });
      return completion.status === 0 ? 0 : [completion.status, completion.dnr, completion.dw0];
    };
    fabric.refuseDiscovery("n1", hostA, 0x184);
    assertEquals([connect(hostA), connect(hostB)], [[0x184, dnr, 0x10200], 0]);
    fabric.refuseDiscovery("n1", null, 0x182);
    assertEquals([connect(hostA), connect(hostB)], [[0x184, dnr, 0x10200], [0x182, dnr, 0x10200]]);
    fabric.refuseDiscovery("n1", hostA, null);
    assertEquals(connect(hostA), [0x182, dnr, 0x10200]);
    fabric.refuseDiscovery("n1", null, null);
    assertEquals([connect(hostA), connect(hostB)], [0, 0]);
  }
});

Deno.test("ControllerMachine of an I/O port answers ICReq and refuses every Connect", () => {
  const host = newHost({ role: "io" });
  assertEquals(host.initialize().map(({ kind }) => kind), ["icResp"]);
  assertEquals(host.connect().completion.status, 0x182);
  assertEquals(host.connect({ subnqn: sub1 }).completion.status, 0x181);
});

Deno.test("ControllerMachine takes a unique discovery NQN, and the well-known one", () => {
  const unique = "nqn.2024-01.org.example:discovery";
  for (const subnqn of [unique, discoveryNqn]) {
    const fabric = new Fabric();
    const discovery = [{ traddr: "10.0.0.1", trsvcid: 8009 }];
    fabric.addNode({ id: "n1", discovery, kind: "spdk", discoveryNqn: unique });
    const host = newHost({ fabric });
    host.initialize();
    assertEquals(host.connect({ subnqn }).completion.status, 0);
    host.configure(controllerConfiguration.enable);
    assertEquals(decodeIdentifyController(host.identify().data).subnqn, unique);
  }
});

Deno.test("ControllerMachine gives each connection a controller id of its target's pool", () => {
  const fabric = Fabric.build({ nodes: 1, subsystems: 1 });
  const ids = [1, 2, 3].map(() => {
    const host = newHost({ fabric });
    host.initialize();
    return host.connect().completion.dw0;
  });
  assertEquals(ids, [1, 2, 3]);
});

Deno.test("ControllerMachine refuses I/O queues and a second Connect", () => {
  const host = newHost().start();
  const data = encodeConnectData({ hostid: new Uint8Array(16), subnqn: discoveryNqn, hostnqn: hostA });
  const again = host.run((cid) => encodeConnect({ cid, sqsize: 31, katoMs: 0 }), data);
  assertEquals(again.completion.status, 0x00c);
  const other = newHost();
  other.initialize();
  const queue = other.run((cid) => encodeConnect({ cid, qid: 1, sqsize: 31, katoMs: 0 }), data);
  assertEquals([queue.completion.status, queue.completion.dw0], [0x182, 42]);
});

Deno.test("ControllerMachine is ready after CC.EN, not before, and done after CC.SHN", () => {
  for (const [kind, timeout, notReady] of [["nvmet", 15, 0x001], ["spdk", 30, 0x00c]] as const) {
    const host = newHost({ kind });
    host.initialize();
    host.connect();
    assertEquals(host.property(register.cap, 8).dw0 >>> 24, timeout);
    assertEquals(host.property(register.csts).dw0, 0);
    assertEquals(host.identify().completion.status, notReady);
    host.configure(controllerConfiguration.enable);
    assertEquals(host.property(register.csts).dw0, 1);
    host.configure(controllerConfiguration.shutdownNormal);
    assertEquals(host.property(register.csts).dw0, 8);
  }
});

Deno.test("ControllerMachine takes 8 bytes for CAP alone, and sets CC alone", () => {
  const host = newHost().start();
  assertEquals(host.property(register.cap, 4).status, 0x002);
  assertEquals(host.property(register.csts, 8).status, 0x002);
  assertEquals(host.property(0x40).status, 0x002);
});

Deno.test("ControllerMachine sets CFS for a page size it cannot do", () => {
  const host = newHost();
  host.initialize();
  host.connect();
  host.configure(controllerConfiguration.enable | 0x80);
  assertEquals(host.property(register.csts).dw0, 2);
});

Deno.test("ControllerMachine checks flags and SGL as nvmet; SPDK checks NSID and the SGL's bound", () => {
  const spoilt = (at: number, value: number) => (cid: number) => {
    const sqe = encodeIdentifyController({ cid });
    sqe[at] = value;
    return sqe;
  };
  const [flags, length, nsid] = [spoilt(1, 0), spoilt(32, 4), spoilt(4, 1)];
  const status = (kind: typeof kinds[number], encode: (cid: number) => Uint8Array) => {
    const { completion } = newHost({ kind }).start().run(encode);
    return [completion.status, completion.dnr];
  };
  assertEquals([flags, length, nsid].map((encode) => status("nvmet", encode)), [[2, true], [15, true], [
    0,
    false,
  ]]);
  assertEquals([flags, length, nsid].map((encode) => status("spdk", encode)), [[0, false], [0, false], [
    2,
    false,
  ]]);
  const host = newHost({ kind: "spdk" }).start();
  host.post((cid) =>
    encodeGetLogPage({ cid, lid: 0x70, offset: 0, bytes: 132 * 1024, retainAsyncEvent: true })
  );
  const [pdu] = host.receive();
  assert(pdu?.kind === "c2hTermReq");
  assertEquals([pdu.fes, pdu.fei], [5, 40]);
});

Deno.test("ControllerMachine sets SUCCESS on the last data only where flow control is off", () => {
  for (const kind of kinds) {
    for (const flowControlOff of [false, true]) {
      const host = newHost({ kind });
      host.initialize();
      assertEquals(host.connect({ flowControlOff }).completion.sqhd === 0xffff, flowControlOff);
      host.configure(controllerConfiguration.enable);
      const expected = flowControlOff ? ["c2hData"] : ["c2hData", "capsuleResp"];
      assertEquals(host.identify().pdus.map((pdu) => pdu.kind), expected);
    }
  }
});

Deno.test("ControllerMachine cuts read data into PDUs, contiguous, the last one marked", () => {
  const host = newHost({ quirks: { c2hDataBytesMax: 1500, successFlag: "always" } }).start();
  const { pdus, data } = host.identify();
  assertEquals(
    pdus.map((pdu) => pdu.kind === "c2hData" && [pdu.datao, pdu.data.length, pdu.last, pdu.success]),
    [
      [0, 1500, false, false],
      [1500, 1500, false, false],
      [3000, 1096, true, true],
    ],
  );
  assertEquals(decodeIdentifyController(data).mn, "Linux");
});

Deno.test("ControllerMachine ends by keep alive expiry, its waiting event requests failed as its kind does", () => {
  // nvmet counts the commands of the first period, and grants a second.
  for (const [kind, failed, expiresMs] of [["nvmet", true, 20_000], ["spdk", false, 10_000]] as const) {
    const host = newHost({ kind }).start({ katoMs: 10_000 });
    host.requestEvent();
    host.advanceTo(expiresMs - 1);
    assert(!host.machine.closed);
    host.advanceTo(expiresMs);
    assertEquals(host.machine.closeReason, "keep-alive-expired");
    const statuses = host.receive().map((pdu) => pdu.kind === "capsuleResp" && decodeCompletion(pdu.cqe));
    assertEquals(statuses.map((one) => one && [one.status, one.dnr]), failed ? [[0x006, true]] : []);
    assertEquals(host.machine.nextTimeoutMs(), Infinity);
  }
});

Deno.test("ControllerMachine is kept alive by any command as nvmet, by Keep Alive alone as SPDK", () => {
  const run = (kind: typeof kinds[number], act: (host: FabricHost) => void) => {
    const host = newHost({ kind }).start({ katoMs: 10_000 });
    for (let atMs = 4_000; atMs <= 60_000; atMs += 4_000) {
      host.advanceTo(atMs);
      if (host.machine.closed) return false;
      act(host);
    }
    return true;
  };
  assertEquals(kinds.map((kind) => run(kind, (host) => host.readLog())), [true, false]);
  assertEquals(kinds.map((kind) => run(kind, (host) => host.keepAlive())), [true, true]);
});

Deno.test("ControllerMachine rounds KATO up: to seconds as nvmet, to ten as SPDK, and 0 is two minutes", () => {
  const katoOf = (kind: typeof kinds[number], katoMs: number) =>
    newHost({ kind }).start({ katoMs }).machine.controller?.katoMs;
  assertEquals([1, 1_500, 10_000, 10_001, 0].map((ms) => katoOf("nvmet", ms)), [
    1_000,
    2_000,
    10_000,
    11_000,
    120_000,
  ]);
  assertEquals([1, 1_500, 10_000, 10_001, 0].map((ms) => katoOf("spdk", ms)), [
    10_000,
    10_000,
    10_000,
    20_000,
    120_000,
  ]);
});

Deno.test("ControllerMachine closes with its node, and wakes its connection", () => {
  const fabric = Fabric.build({ nodes: 1, subsystems: 1 });
  const host = newHost({ fabric }).start();
  let wakes = 0;
  host.machine.onWake = () => wakes++;
  assertEquals(fabric.connections("n1").length, 1);
  fabric.setNodeDown("n1");
  assertEquals([host.machine.closeReason, wakes, fabric.connections("n1").length], ["node-down", 1, 0]);
});

Deno.test("ControllerMachine forgets its controller when the host closes", () => {
  const fabric = Fabric.build({ nodes: 1, subsystems: 1 });
  const host = newHost({ fabric }).start();
  host.machine.handleClose();
  assertEquals([host.machine.closeReason, fabric.connections("n1").length], ["host-closed", 0]);
  fabric.addSubsystem("nqn.2024-01.org.example:late");
  assertEquals(host.machine.takeBytes(), null);
});

Deno.test("ControllerMachine kills the connection on a bad data digest as nvmet, fails the command as SPDK", () => {
  for (const kind of kinds) {
    const host = newHost({ kind });
    host.initialize({ header: false, data: true });
    const data = encodeConnectData({ hostid: new Uint8Array(16), subnqn: discoveryNqn, hostnqn: hostA });
    const sqe = encodeConnect({ cid: 9, sqsize: 31, katoMs: 0 });
    const bytes = encodePdu({ kind: "capsuleCmd", sqe, data }, { header: false, data: true });
    bytes[bytes.length - 1]! ^= 1;
    host.machine.handleBytes(0, bytes);
    if (kind === "nvmet") assertEquals(host.machine.closeReason, "data-digest");
    else assertEquals(host.answerTo(9)?.completion.status, 0x022);
  }
});

Deno.test("ControllerMachine ends on random bytes, and never throws", () => {
  const random = seededRandom(1);
  const session = [
    encodePdu({ kind: "icReq", hpda: 0, digests: { header: false, data: false }, maxr2t: 0 }),
    encodePdu({
      kind: "capsuleCmd",
      sqe: encodeConnect({ cid: 1, sqsize: 31, katoMs: 1_000 }),
      data: encodeConnectData({ hostid: new Uint8Array(16), subnqn: discoveryNqn, hostnqn: hostA }),
    }),
    encodePdu({ kind: "capsuleCmd", sqe: encodeIdentifyController({ cid: 2 }), data: new Uint8Array(0) }),
  ];
  const whole = concatBytes(session);
  let ended = 0;
  for (let round = 0; round < 500; round++) {
    const { machine } = newHost({ kind: kinds[round % 2] });
    const bytes = whole.slice();
    // The headers, where most fields are.
    const at = [0, 128, 128 + 72 + 1024][round % 3]! + Math.floor(random() * 72);
    bytes[at]! ^= 1 << Math.floor(random() * 8);
    machine.handleBytes(0, bytes);
    machine.handleTimeout(1_000_000);
    machine.handleTimeout(2_000_000);
    if (machine.closed) ended++;
  }
  assert(ended > 400, `Only ${ended} connections ended`);
});

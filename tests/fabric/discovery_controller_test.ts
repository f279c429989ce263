/** The discovery controller's commands: features, events and their mask, the log and its end. */
import { decodeLogHeader, decodeLogRecords } from "../../src/nvme/discovery_log.ts";
import { decodeCompletion } from "../../src/nvme/completion.ts";
import { encodeGetLogPage, encodeIdentifyController } from "../../src/nvme/command.ts";
import { discoveryChangeBit, discoveryChangeEvent, feature } from "../../src/nvme/spec.ts";
import { assert, assertEquals } from "../assert.ts";
import { ControllerMachine } from "./controller_machine.ts";
import { Fabric, type FabricOptions } from "./fabric.ts";
import { FabricHost, hostA } from "./fabric_host.ts";
import type { Fault } from "./fault.ts";

const kinds = ["nvmet", "spdk"] as const;

function start(options: FabricOptions & { katoMs?: number; faults?: Fault[] } = {}) {
  const fabric = Fabric.build({ nodes: 2, subsystems: 2, ...options });
  const host = new FabricHost(new ControllerMachine({ fabric, nodeId: "n1", faults: options.faults }));
  return { fabric, host: host.start({ hostnqn: hostA, katoMs: options.katoMs }) };
}

/** A change that every host hears of; each call makes another. */
function change(fabric: Fabric, step: number): void {
  fabric.addSubsystem(`nqn.2024-01.org.example:new${step}`);
}

/** dw0 of the events that came since the last call, also beside the answers to other commands. */
function events(host: FabricHost): number[] {
  return [...host.others.splice(0), ...host.receive()].flatMap((pdu) =>
    pdu.kind === "capsuleResp" ? [decodeCompletion(pdu.cqe).dw0] : []
  );
}

Deno.test("DiscoveryController refuses event bits other than 31 as nvmet, takes them as SPDK", () => {
  for (const [kind, status] of [["nvmet", 0x002], ["spdk", 0]] as const) {
    const { host } = start({ kind });
    assertEquals(host.setFeature(feature.asyncEventConfig, discoveryChangeBit + 1).status, status);
    assertEquals(host.setFeature(feature.asyncEventConfig, discoveryChangeBit).status, 0);
  }
});

Deno.test("DiscoveryController sends events after Set Features; SPDK also without, given a KATO", () => {
  const eventsWith = (kind: typeof kinds[number], katoMs: number, configured: boolean) => {
    const { fabric, host } = start({ kind, katoMs });
    if (configured) host.setFeature(feature.asyncEventConfig, discoveryChangeBit);
    host.requestEvent();
    change(fabric, 1);
    return events(host).length;
  };
  assertEquals([eventsWith("nvmet", 10_000, false), eventsWith("nvmet", 10_000, true)], [0, 1]);
  assertEquals([eventsWith("spdk", 0, false), eventsWith("spdk", 10_000, false)], [0, 1]);
  assertEquals([eventsWith("nvmet", 0, true), eventsWith("spdk", 0, true)], [1, 1]);
});

Deno.test("DiscoveryController masks the event until a log read with RAE 0", () => {
  for (const kind of kinds) {
    const { fabric, host } = start({ kind });
    host.setFeature(feature.asyncEventConfig, discoveryChangeBit);
    host.requestEvent();
    host.requestEvent();
    change(fabric, 1);
    assertEquals(events(host), [discoveryChangeEvent]);
    change(fabric, 2);
    host.readLog({ retain: true });
    change(fabric, 3);
    assertEquals(events(host), [], "A masked event came");
    host.readLog({ retain: false });
    assertEquals(events(host), [], "A dropped event came later");
    change(fabric, 4);
    assertEquals(events(host), [discoveryChangeEvent]);
  }
});

Deno.test("DiscoveryController keeps one event for a request that comes later", () => {
  for (const kind of kinds) {
    const { fabric, host } = start({ kind });
    host.setFeature(feature.asyncEventConfig, discoveryChangeBit);
    change(fabric, 1);
    change(fabric, 2);
    host.requestEvent();
    host.requestEvent();
    assertEquals(events(host), [discoveryChangeEvent]);
  }
});

Deno.test("DiscoveryController unmasks by a refused read as nvmet, by a successful one as SPDK", () => {
  for (const [kind, masked] of [["nvmet", false], ["spdk", true]] as const) {
    const { fabric, host } = start({ kind });
    host.setFeature(feature.asyncEventConfig, discoveryChangeBit);
    change(fabric, 1);
    const { completion } = host.run((cid) => {
      const sqe = encodeGetLogPage({ cid, lid: 0x70, offset: 0, bytes: 1024, retainAsyncEvent: false });
      sqe[48] = 2;
      return sqe;
    });
    assertEquals(completion.status, 0x002);
    assertEquals(host.machine.controller?.masked, masked);
  }
});

Deno.test("DiscoveryController takes four event requests, and refuses the fifth", () => {
  for (const kind of kinds) {
    const { host } = start({ kind });
    for (let count = 1; count <= 4; count++) host.requestEvent();
    assertEquals(events(host), []);
    const completion = host.answerTo(host.requestEvent())?.completion;
    assertEquals([completion?.status, completion?.dnr], [0x105, kind === "nvmet"]);
    assertEquals(host.machine.controller?.eventRequests, 4);
  }
});

Deno.test("DiscoveryController changes KATO by feature: nvmet in seconds, 0 stops it; SPDK refuses 0", () => {
  const nvmet = start({ kind: "nvmet" }).host;
  assertEquals(nvmet.setFeature(feature.keepAliveTimer, 4_500).dw0, 5);
  assertEquals(nvmet.machine.controller?.katoMs, 5_000);
  assertEquals(nvmet.setFeature(feature.keepAliveTimer, 0).status, 0);
  assertEquals(nvmet.keepAlive().status, 0x01a);
  assertEquals(nvmet.machine.nextTimeoutMs(), Infinity);
  const spdk = start({ kind: "spdk" }).host;
  assertEquals(spdk.setFeature(feature.keepAliveTimer, 0).status, 0x01a);
  assertEquals([spdk.setFeature(feature.keepAliveTimer, 4_500).dw0, spdk.machine.controller?.katoMs], [
    0,
    10_000,
  ]);
});

Deno.test("DiscoveryController answers Keep Alive after KATO 0 in Connect", () => {
  for (const kind of kinds) assertEquals(start({ kind, katoMs: 0 }).host.keepAlive().status, 0);
});

Deno.test("DiscoveryController gives the log in pieces that make up the page", () => {
  for (const kind of kinds) {
    const { fabric, host } = start({ kind, subsystems: 5 });
    const page = fabric.logPage("n1", hostA);
    const read = new Uint8Array(page.length);
    for (let offset = 0; offset < page.length; offset += 2048) {
      const bytes = Math.min(2048, page.length - offset);
      read.set(host.readLog({ offset, bytes, retain: true }).data, offset);
    }
    assertEquals(read, page);
    const header = decodeLogHeader(read);
    assertEquals(decodeLogRecords(read.subarray(1024), header.numrec).length, kind === "nvmet" ? 7 : 6);
  }
});

Deno.test("DiscoveryController past the log's end: foreign memory as nvmet, zeros or a refusal as SPDK", () => {
  for (const kind of kinds) {
    const { fabric, host } = start({ kind });
    const end = fabric.logPage("n1", hostA).length;
    const tail = host.readLog({ offset: end - 1024, bytes: 2048 }).data.subarray(1024);
    assert(tail.every((byte) => byte === (kind === "nvmet" ? 0xa5 : 0)));
    const beyond = host.readLog({ offset: end, bytes: 1024 }).completion;
    assertEquals(beyond.status, kind === "nvmet" ? 0 : 0x002);
  }
});

Deno.test("DiscoveryController has no other log page and no other Identify", () => {
  for (const kind of kinds) {
    const { host } = start({ kind });
    const namespaces = (cid: number) => {
      const sqe = encodeIdentifyController({ cid });
      sqe[40] = 2;
      return sqe;
    };
    for (const { completion } of [host.readLog({ lid: 0x02 }), host.run(namespaces)]) {
      assertEquals([completion.status, completion.dnr], [0x002, kind === "nvmet"]);
    }
  }
});

Deno.test("the generation moves during a read when told to, so often as told", () => {
  const { host } = start({ faults: [{ kind: "generationMoves", reads: 2 }] });
  const generations = [1, 2, 3, 4].map(() => decodeLogHeader(host.readLog({ retain: true }).data).genctr);
  const first = generations[0]!;
  assertEquals(generations, [first, first + 1n, first + 2n, first + 2n]);
});

Deno.test("the log header lies when told to", () => {
  const faults: Fault[] = [{ kind: "recordCount", numrec: 4_000_000 }, { kind: "recordFormat", recfmt: 7 }];
  const { numrec, recfmt } = decodeLogHeader(start({ faults }).host.readLog().data);
  assertEquals([numrec, recfmt], [4_000_000, 7]);
});

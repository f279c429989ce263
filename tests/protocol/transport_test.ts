import { ProtocolError, TransportError } from "../../src/base/errors.ts";
import { type Digests, Framer } from "../../src/nvme/framer.ts";
import { decodePdu, encodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import { type ControllerPdu, Transport } from "../../src/protocol/transport.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { concat, data, emptyBytes, noDigests, response } from "./scripted_controller.ts";

const both: Digests = { header: true, data: true };

const icResp = (change: Partial<Extract<Pdu, { kind: "icResp" }>> = {}): Uint8Array =>
  encodePdu({ kind: "icResp", cpda: 0, digests: noDigests, maxh2cdata: 4096, ...change });

/** What the host has written since it was asked last. */
function hostPdus(transport: Transport, digests = noDigests): Pdu[] {
  const bytes = transport.takeBytes();
  if (bytes === null) return [];
  const framer = new Framer("controller", 64 * 1024);
  framer.setDigests(digests);
  framer.push(bytes);
  const pdus: Pdu[] = [];
  for (let frame = framer.next(); frame !== null; frame = framer.next()) pdus.push(decodePdu(frame));
  return pdus;
}

function established(wanted = noDigests, granted = wanted): Transport {
  const transport = new Transport(wanted);
  hostPdus(transport);
  transport.handleBytes(icResp({ digests: granted }), () => {});
  assert(transport.established, "Precondition: ICResp was taken");
  return transport;
}

const ignore = () => {};

Deno.test("Transport opens with an ICReq that asks for nothing it cannot keep", () => {
  assertEquals(hostPdus(new Transport(both)), [{ kind: "icReq", hpda: 0, digests: both, maxr2t: 0 }]);
});

interface IcRespRow {
  name: string;
  wanted?: Digests;
  bytes: Uint8Array;
  /** FES and FEI of the H2CTermReq. */
  fes: number;
  fei: number;
}

const patched = (at: number, ...values: number[]): Uint8Array => {
  const bytes = icResp();
  bytes.set(values, at);
  return bytes;
};

const refusedIcResps: IcRespRow[] = [
  { name: "another PDU format version", bytes: patched(8, 1), fes: 6, fei: 8 },
  // What the Linux host demands too; our capsules have their data right behind the header.
  { name: "an alignment of our data that we do not keep", bytes: icResp({ cpda: 4 }), fes: 1, fei: 10 },
  { name: "MAXH2CDATA below 4096", bytes: patched(12, 0, 8, 0, 0), fes: 1, fei: 12 },
  { name: "MAXH2CDATA that is no multiple of 4", bytes: patched(12, 2, 0x10, 0, 0), fes: 1, fei: 12 },
  {
    name: "a header digest nobody asked for",
    bytes: icResp({ digests: { header: true, data: false } }),
    fes: 1,
    fei: 11,
  },
  {
    name: "a data digest nobody asked for",
    wanted: { header: true, data: false },
    bytes: icResp({ digests: both }),
    fes: 1,
    fei: 11,
  },
  { name: "a wrong length", bytes: patched(4, 64), fes: 1, fei: 4 },
  { name: "a wrong header length", bytes: patched(2, 64), fes: 1, fei: 2 },
  { name: "an ICReq in its place", bytes: patched(0, 0), fes: 1, fei: 0 },
];

for (const { name, wanted, bytes, fes, fei } of refusedIcResps) {
  Deno.test(`Transport refuses an ICResp with ${name}`, () => {
    const transport = new Transport(wanted);
    hostPdus(transport);
    const error = assertThrows(() => transport.handleBytes(bytes, ignore), ProtocolError);
    assertEquals([error.fes, error.fei], [fes, fei]);
    assert(!transport.established);
    const [termReq, ...more] = hostPdus(transport);
    assert(termReq?.kind === "h2cTermReq", `Expected H2CTermReq, got ${termReq?.kind}`);
    assertEquals([termReq.fes, termReq.fei, more.length], [fes, fei, 0]);
  });
}

Deno.test("Transport takes an ICResp in which digests are declined, and goes on without", () => {
  const transport = established(both, noDigests);
  transport.send({ kind: "capsuleCmd", sqe: new Uint8Array(64), data: new Uint8Array(8) });
  assertEquals(hostPdus(transport, noDigests).length, 1);
});

Deno.test("Transport speaks with digests once they are granted", () => {
  const transport = established(both);
  transport.send({ kind: "capsuleCmd", sqe: new Uint8Array(64), data: new Uint8Array(8) });
  const [command] = hostPdus(transport, both);
  assert(command?.kind === "capsuleCmd");
  const seen: ControllerPdu[] = [];
  transport.handleBytes(encodePdu(response({ cid: 1 }), both), (pdu) => seen.push(pdu));
  assertEquals(seen.map((pdu) => pdu.kind), ["capsuleResp"]);
});

Deno.test("Transport ends on a wrong header digest, and says which it received", () => {
  const transport = established(both);
  const bytes = encodePdu(response({ cid: 1 }), both);
  bytes[24]! ^= 0xff;
  const error = assertThrows(() => transport.handleBytes(bytes, ignore), ProtocolError);
  assertEquals([error.code, error.fes], ["header-digest", 3]);
  const [termReq] = hostPdus(transport);
  assert(termReq?.kind === "h2cTermReq");
  assertEquals(termReq.offendingHeader, bytes.slice(0, 24));
});

Deno.test("Transport hands a wrong data digest on, for it costs the command only", () => {
  const transport = established(both);
  const bytes = encodePdu(data(1, 0, new Uint8Array(8), "last"), both);
  bytes[bytes.length - 1]! ^= 0xff;
  const seen: ControllerPdu[] = [];
  transport.handleBytes(bytes, (pdu) => seen.push(pdu));
  assertEquals(seen.map((pdu) => pdu.kind === "c2hData" && pdu.dataDigestFailed), [true]);
});

const badSequences: [name: string, pdus: Pdu[]][] = [
  ["a response ahead of ICResp", [response({ cid: 1 })]],
  ["data ahead of ICResp", [data(1, 0, new Uint8Array(4), "last")]],
  ["an R2T ahead of ICResp", [{ kind: "r2t", cccid: 1, ttag: 1, r2to: 0, r2tl: 4 }]],
  ["a second ICResp", [
    { kind: "icResp", cpda: 0, digests: noDigests, maxh2cdata: 4096 },
    { kind: "icResp", cpda: 0, digests: noDigests, maxh2cdata: 4096 },
  ]],
];

for (const [name, pdus] of badSequences) {
  Deno.test(`Transport ends on ${name}`, () => {
    const transport = new Transport();
    const bytes = concat(pdus.map((pdu) => encodePdu(pdu)));
    const error = assertThrows(() => transport.handleBytes(bytes, ignore), ProtocolError);
    assertEquals([error.code, error.fes], ["pdu-sequence", 2]);
  });
}

Deno.test("Transport ends on a C2HTermReq and answers none", () => {
  for (const transport of [new Transport(), established()]) {
    hostPdus(transport);
    const termReq: Pdu = { kind: "c2hTermReq", fes: 5, fei: 0, offendingHeader: new Uint8Array(72) };
    const error = assertThrows(
      () => transport.handleBytes(encodePdu(termReq), ignore),
      TransportError,
      "data transfer limit exceeded",
    );
    assertEquals(error.code, "term-req");
    assertEquals(transport.takeBytes(), null);
  }
});

Deno.test("Transport takes and gives nothing after its end", () => {
  const transport = established();
  transport.send({ kind: "capsuleCmd", sqe: new Uint8Array(64), data: emptyBytes });
  const error = new TransportError("closed", "Closed");
  transport.fail(error);
  transport.fail(new ProtocolError("other", "Other", { fes: 1 }));
  assertEquals(transport.failure, error);
  transport.handleBytes(encodePdu(response({ cid: 1 })), () => assert(false, "Handled a PDU after the end"));
  transport.send({ kind: "capsuleCmd", sqe: new Uint8Array(64), data: emptyBytes });
  assertEquals(transport.takeBytes(), null);
});

Deno.test("Transport finds PDUs in any chunks", () => {
  const bytes = concat([icResp(), encodePdu(response({ cid: 1 })), encodePdu(response({ cid: 2 }))]);
  for (const chunkBytes of [1, 7, 128, bytes.length]) {
    const transport = new Transport();
    const seen: ControllerPdu[] = [];
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      transport.handleBytes(bytes.slice(at, at + chunkBytes), (pdu) => seen.push(pdu));
    }
    assertEquals(seen.length, 2, `in chunks of ${chunkBytes}`);
  }
});

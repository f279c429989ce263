import { assertEquals, assertThrows } from "../assert.ts";
import { fc } from "../property.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import type { Digests } from "../../src/nvme/framer.ts";
import { decodePdu, encodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import { bothDigests, frameOf, hexOf, noDigests, patched, wire } from "./wire.ts";

const sqe = Uint8Array.from({ length: 64 }, (_, at) => at + 1);
const cqe = Uint8Array.from({ length: 16 }, (_, at) => 0xf0 + at);
const data = wire("de ad be ef 01 02 03 04");

/** Written by hand from NVMe/TCP 1.0 §3.6.2. */
const goldens: readonly [pdu: Pdu, bytes: Uint8Array][] = [
  [
    { kind: "icReq", hpda: 0, digests: noDigests, maxr2t: 0 },
    wire(
      "00 00 80 00 80000000", // ICReq · flags · HLEN 128 · PDO · PLEN 128
      "0000 00 00 00000000", //  PFV 0 · HPDA 0 · DGST none · MAXR2T 0
      "00*112",
    ),
  ],
  [
    { kind: "icReq", hpda: 31, digests: { header: true, data: false }, maxr2t: 0x01020304 },
    wire("00 00 80 00 80000000", "0000 1f 01 04030201", "00*112"),
  ],
  [
    { kind: "icResp", cpda: 0, digests: bothDigests, maxh2cdata: 0x400000 },
    wire(
      "01 00 80 00 80000000",
      "0000 00 03 00004000", // PFV 0 · CPDA 0 · DGST both · MAXH2CDATA 4 MiB
      "00*112",
    ),
  ],
  [
    { kind: "h2cTermReq", fes: 3, fei: 0x92345678, offendingHeader: wire("05 01 18 00 1c 00 00 00") },
    wire(
      "02 00 18 00 20000000", // H2CTermReq · HLEN 24 · PLEN 24 + 8
      "0300 78563492", //        FES 3 · FEI at the odd place 10
      "00*10",
      "05 01 18 00 1c 00 00 00", // the offending header
    ),
  ],
  [
    { kind: "c2hTermReq", fes: 2, fei: 0, offendingHeader: new Uint8Array(0) },
    wire("03 00 18 00 18000000", "0200 00000000", "00*10"),
  ],
  [
    { kind: "capsuleCmd", sqe, data: new Uint8Array(0) },
    wire("04 00 48 00 48000000", hexOf(sqe)),
  ],
  [
    { kind: "capsuleCmd", sqe, data },
    wire(
      "04 00 48 48 50000000", // CapsuleCmd · HLEN 72 · PDO 72 · PLEN 72 + 8
      hexOf(sqe),
      "de ad be ef 01 02 03 04",
    ),
  ],
  [
    { kind: "capsuleResp", cqe },
    wire("05 00 18 00 18000000", hexOf(cqe)),
  ],
  [
    { kind: "h2cData", cccid: 0x1122, ttag: 0x3344, datao: 0x55667788, last: true, data },
    wire(
      "06 04 18 18 20000000", //          H2CData · LAST_PDU · HLEN 24 · PDO 24 · PLEN 24 + 8
      "2211 4433 88776655 08000000", // CCCID · TTAG · DATAO · DATAL
      "00*4",
      "de ad be ef 01 02 03 04",
    ),
  ],
  [
    {
      kind: "c2hData",
      cccid: 0x1122,
      datao: 0x1000,
      last: true,
      success: true,
      data,
      dataDigestFailed: false,
    },
    wire(
      "07 0c 18 18 20000000", //          C2HData · LAST_PDU and SUCCESS · HLEN 24 · PDO 24 · PLEN 24 + 8
      "2211 0000 00100000 08000000", // CCCID · reserved · DATAO · DATAL
      "00*4",
      "de ad be ef 01 02 03 04",
    ),
  ],
  [
    { kind: "c2hData", cccid: 1, datao: 0, last: false, success: false, data, dataDigestFailed: false },
    wire("07 00 18 18 20000000", "0100 0000 00000000 08000000", "00*4", "de ad be ef 01 02 03 04"),
  ],
  [
    { kind: "r2t", cccid: 0x1122, ttag: 0x3344, r2to: 0x1000, r2tl: 0x2000 },
    wire("09 00 18 00 18000000", "2211 4433 00100000 00200000", "00*4"),
  ],
];

for (const [pdu, bytes] of goldens) {
  Deno.test(`encodePdu() writes ${pdu.kind} ${hexOf(bytes.subarray(0, 12))}… as the specification draws it`, () => {
    assertEquals(hexOf(encodePdu(pdu)), hexOf(bytes));
  });

  Deno.test(`decodePdu() reads ${pdu.kind} ${hexOf(bytes.subarray(0, 12))}… byte by byte the same`, () => {
    assertEquals(decodePdu(frameOf(bytes)), pdu);
  });
}

Deno.test("encodePdu() puts PDO behind the header digest, and digests only what has data", () => {
  const whole = encodePdu({ kind: "capsuleCmd", sqe, data }, bothDigests);
  assertEquals(hexOf(whole.subarray(0, 8)), "0403484c58000000");
  assertEquals(whole.length, 72 + 4 + 8 + 4);
  const dataless = encodePdu({ kind: "capsuleCmd", sqe, data: new Uint8Array(0) }, bothDigests);
  assertEquals(hexOf(dataless.subarray(0, 8)), "040148004c000000");
  assertEquals(dataless.length, 72 + 4);
  const dataOnly = encodePdu({ kind: "capsuleCmd", sqe, data }, { header: false, data: true });
  assertEquals(hexOf(dataOnly.subarray(0, 8)), "0402484854000000");
});

Deno.test("encodePdu() writes digests little-endian", () => {
  // CRC32C of 32 zero bytes is 8A9136AAh.
  const zeroes = new Uint8Array(32);
  const pdu = encodePdu({ kind: "h2cData", cccid: 0, ttag: 0, datao: 0, last: true, data: zeroes }, {
    header: false,
    data: true,
  });
  assertEquals(hexOf(pdu.subarray(-4)), "aa36918a");
});

Deno.test("encodePdu() never digests ICReq, ICResp and TermReq", () => {
  for (const [pdu, bytes] of goldens.slice(0, 5)) {
    assertEquals(hexOf(encodePdu(pdu, bothDigests)), hexOf(bytes));
  }
});

Deno.test("encodePdu() cuts the header in a TermReq at 128 bytes", () => {
  const pdu = encodePdu({ kind: "h2cTermReq", fes: 1, fei: 0, offendingHeader: new Uint8Array(200) });
  assertEquals([pdu.length, pdu[4]], [152, 152]);
});

Deno.test("encodePdu() asserts the sizes of queue entries", () => {
  assertThrows(() => encodePdu({ kind: "capsuleCmd", sqe: cqe, data }), AssertionError);
  assertThrows(() => encodePdu({ kind: "capsuleResp", cqe: sqe }), AssertionError);
});

function refusal(bytes: Uint8Array): ProtocolError {
  return assertThrows(() => decodePdu(frameOf(bytes)), ProtocolError);
}

const icResp = goldens[2]![1];
const c2hData = goldens[9]![1];

Deno.test("decodePdu() refuses another PDU format version", () => {
  for (const at of [8, 9]) {
    const error = refusal(patched(icResp, { [at]: 1 }));
    assertEquals([error.code, error.fes, error.fei], ["pdu-version", 6, 8]);
  }
  assertEquals(refusal(patched(goldens[0]![1], { 8: 1 })).fei, 8);
});

Deno.test("decodePdu() refuses an alignment beyond 31 dwords", () => {
  const error = refusal(patched(icResp, { 10: 32 }));
  assertEquals([error.code, error.fes, error.fei], ["pdu-field", 1, 10]);
});

Deno.test("decodePdu() refuses MAXH2CDATA below 4096 or not of dwords", () => {
  // Bytes 12, 13 and 14 of the little-endian field.
  for (const [low, middle, high] of [[0, 0, 0], [0xfc, 0x0f, 0], [0x02, 0x10, 0]] as const) {
    const error = refusal(patched(icResp, { 12: low, 13: middle, 14: high }));
    assertEquals([error.code, error.fes, error.fei], ["pdu-field", 1, 12]);
  }
  const least = decodePdu(frameOf(patched(icResp, { 12: 0, 13: 0x10, 14: 0 })));
  assertEquals(least.kind === "icResp" && least.maxh2cdata, 4096);
});

Deno.test("decodePdu() refuses a DATAL that is not the data's length", () => {
  for (const datal of [0, 7, 9]) {
    const error = refusal(patched(c2hData, { 16: datal }));
    assertEquals([error.code, error.fes, error.fei], ["pdu-field", 1, 16]);
    assertEquals(refusal(patched(goldens[8]![1], { 16: datal })).fei, 16);
  }
  assertEquals(refusal(patched(c2hData, { 19: 0x80 })).fei, 16);
});

Deno.test("decodePdu() refuses SUCCESS without LAST_PDU", () => {
  const error = refusal(patched(c2hData, { 1: 8 }));
  assertEquals([error.code, error.fes, error.fei], ["pdu-field", 1, 1]);
});

Deno.test("decodePdu() copies the header in a TermReq, which outlives the connection", () => {
  const frame = frameOf(goldens[3]![1]);
  const pdu = decodePdu(frame);
  frame.data.fill(0xee);
  assertEquals(pdu, goldens[3]![0]);
});

Deno.test("decodePdu() hands on that the data digest failed", () => {
  const digests: Digests = { header: false, data: true };
  const pdu = encodePdu(goldens[9]![0], digests);
  pdu[pdu.length - 1]! ^= 1;
  const decoded = decodePdu(frameOf(pdu, digests));
  assertEquals(decoded.kind === "c2hData" && decoded.dataDigestFailed, true);
});

const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffff_ffff);
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((b) => b.slice());
const anyBytes = (max: number) => fc.uint8Array({ maxLength: max }).map((b) => b.slice());
const digestPair = fc.record({ header: fc.boolean(), data: fc.boolean() }, { noNullPrototype: true });
const constant = <T extends string>(kind: T) => fc.constant(kind);
const plain = { noNullPrototype: true } as const;

const anyPdu: fc.Arbitrary<Pdu> = fc.oneof(
  fc.record({ kind: constant("icReq"), hpda: fc.nat(31), digests: digestPair, maxr2t: uint32 }, plain),
  fc.record({
    kind: constant("icResp"),
    cpda: fc.nat(31),
    digests: digestPair,
    maxh2cdata: fc.integer({ min: 1024, max: 0x3fff_ffff }).map((dwords) => dwords * 4),
  }, plain),
  fc.record({
    kind: fc.constantFrom("h2cTermReq" as const, "c2hTermReq" as const),
    fes: uint16,
    fei: uint32,
    offendingHeader: anyBytes(128),
  }, plain),
  fc.record({ kind: constant("capsuleCmd"), sqe: bytes(64), data: anyBytes(100) }, plain),
  fc.record({ kind: constant("capsuleResp"), cqe: bytes(16) }, plain),
  fc.record({
    kind: constant("h2cData"),
    cccid: uint16,
    ttag: uint16,
    datao: uint32,
    last: fc.boolean(),
    data: anyBytes(100),
  }, plain),
  fc.record({ cccid: uint16, datao: uint32, last: fc.boolean(), also: fc.boolean(), data: anyBytes(100) })
    .map((
      { cccid, datao, last, also, data },
    ) => ({
      kind: "c2hData" as const,
      cccid,
      datao,
      last,
      success: last && also,
      data,
      dataDigestFailed: false,
    })),
  fc.record({ kind: constant("r2t"), cccid: uint16, ttag: uint16, r2to: uint32, r2tl: uint32 }, plain),
);

Deno.test("decodePdu() gives back what encodePdu() took, under any digests", () => {
  fc.assert(
    fc.property(anyPdu, digestPair, (pdu, digests) => {
      assertEquals(decodePdu(frameOf(encodePdu(pdu, digests), digests)), pdu);
    }),
    { numRuns: 1000 },
  );
});

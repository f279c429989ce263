import { assertEquals, assertThrows } from "../assert.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import {
  decodeCommand,
  decodeConnectData,
  encodeAsyncEventRequest,
  encodeConnect,
  encodeConnectData,
  encodeGetLogPage,
  encodeIdentifyController,
  encodeKeepAlive,
  encodePropertyGet,
  encodePropertySet,
  encodeSetFeatures,
} from "../../src/nvme/command.ts";
import { discoveryNqn } from "../../src/nvme/spec.ts";
import { concat, field, hexOf, wire } from "./wire.ts";

const cid = 0x1234;

/** Entries by hand: OPC FLAGS CID · NSID or FCTYPE · 16 reserved · SGL address · length, reserved, type · CDW10 … 15. */
const goldens: readonly [name: string, actual: Uint8Array, expected: Uint8Array][] = [
  [
    "Connect",
    encodeConnect({ cid, sqsize: 31, katoMs: 30_000 }),
    wire(
      "7f 40 3412 01 000000 00*16 00*8", //   fabrics · SGL · CID · FCTYPE 1
      "00040000 000000 01", //                1024 bytes in the capsule
      "0000 0000 1f00 00 00 30750000 00*12", // RECFMT 0 · QID 0 · SQSIZE 31 · CATTR 0 · KATO 30,000 ms
    ),
  ],
  [
    "Connect to a queue",
    encodeConnect({ cid, qid: 0x0102, sqsize: 0x03ff, katoMs: 0 }),
    wire(
      "7f 40 3412 01 000000 00*16 00*8",
      "00040000 000000 01",
      "0000 0201 ff03 00 00 00000000 00*12",
    ),
  ],
  [
    "Property Get of 8 bytes",
    encodePropertyGet({ cid, offset: 0, bytes: 8 }),
    wire("7f 40 3412 04 000000 00*16 00*8", "00000000 000000 5a", "01 000000 00000000 00*16"),
  ],
  [
    "Property Get of 4 bytes",
    encodePropertyGet({ cid, offset: 0x1c, bytes: 4 }),
    wire("7f 40 3412 04 000000 00*16 00*8", "00000000 000000 5a", "00 000000 1c000000 00*16"),
  ],
  [
    "Property Set",
    encodePropertySet({ cid, offset: 0x14, value: 0x00460001 }),
    wire("7f 40 3412 00 000000 00*16 00*8", "00000000 000000 5a", "00 000000 14000000 01004600 00*12"),
  ],
  [
    "Identify",
    encodeIdentifyController({ cid }),
    wire("06 40 3412 00000000 00*16 00*8", "00100000 000000 5a", "01000000 00*20"),
  ],
  [
    "Set Features",
    encodeSetFeatures({ cid, fid: 0x0b, value: 0x8000_0000 }),
    wire("09 40 3412 00000000 00*16 00*8", "00000000 000000 5a", "0b000000 00000080 00*16"),
  ],
  [
    "Asynchronous Event Request",
    encodeAsyncEventRequest({ cid }),
    wire("0c 40 3412 00000000 00*16 00*8", "00000000 000000 5a", "00*24"),
  ],
  [
    "Keep Alive",
    encodeKeepAlive({ cid }),
    wire("18 40 3412 00000000 00*16 00*8", "00000000 000000 5a", "00*24"),
  ],
  [
    "Get Log Page of a header, keeping the event",
    encodeGetLogPage({ cid, lid: 0x70, offset: 0, bytes: 1024, retainAsyncEvent: true }),
    wire(
      "02 40 3412 00000000 00*16 00*8",
      "00040000 000000 5a", //                  exactly 1024 bytes
      "70 80 ff00 00000000 00000000 00000000 00*8", // LID 70h · RAE · NUMDL 255 (of 256) · NUMDU · offset
    ),
  ],
  [
    "Get Log Page far in, clearing the event",
    encodeGetLogPage({
      cid,
      lid: 0x70,
      offset: 0x1_c345_6788,
      bytes: 0x100000,
      retainAsyncEvent: false,
    }),
    wire(
      "02 40 3412 00000000 00*16 00*8",
      "00001000 000000 5a",
      "70 00 ffff 03000000 886745c3 01000000 00*8", // 262,143 dwords 0-based: NUMDL FFFFh, NUMDU 3
    ),
  ],
];

for (const [name, actual, expected] of goldens) {
  Deno.test(`encode ${name} as the specification draws it`, () => {
    assertEquals(expected.length, 64);
    assertEquals(hexOf(actual), hexOf(expected));
  });
}

Deno.test("encodeGetLogPage() asserts dwords and safe offsets", () => {
  const good = { cid, lid: 0x70, offset: 0, bytes: 4, retainAsyncEvent: true };
  for (
    const bad of [{ bytes: 0 }, { bytes: 6 }, { bytes: 2 ** 32 }, { offset: 2 }, { offset: -4 }, {
      offset: 2 ** 60,
    }]
  ) {
    assertThrows(() => encodeGetLogPage({ ...good, ...bad }), AssertionError);
  }
  assertEquals(encodeGetLogPage(good).length, 64);
});

const hostid = wire("00112233 4455 6677 8899 aabbccddeeff");
const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";

Deno.test("encodeConnectData() writes 1024 bytes as the specification draws them", () => {
  const expected = concat(
    hostid,
    wire("ffff"), // any controller
    new Uint8Array(238),
    field(discoveryNqn, 256),
    field(hostnqn, 256),
    new Uint8Array(256),
  );
  assertEquals(expected.length, 1024);
  const data = encodeConnectData({ hostid, subnqn: discoveryNqn, hostnqn });
  assertEquals(hexOf(data), hexOf(expected));
  assertEquals(decodeConnectData(data), { hostid, cntlid: 0xffff, subnqn: discoveryNqn, hostnqn });
});

Deno.test("encodeConnectData() takes a controller id, and asserts sizes", () => {
  const data = encodeConnectData({ hostid, cntlid: 7, subnqn: discoveryNqn, hostnqn });
  assertEquals(decodeConnectData(data).cntlid, 7);
  const bad = { hostid: hostid.subarray(1), subnqn: discoveryNqn, hostnqn };
  assertThrows(() => encodeConnectData(bad), AssertionError);
  assertThrows(() => encodeConnectData({ hostid, subnqn: "n".repeat(257), hostnqn }), AssertionError);
});

Deno.test("decodeConnectData() and decodeCommand() refuse every other length", () => {
  for (let length = 0; length <= 1025; length++) {
    if (length !== 1024) assertThrows(() => decodeConnectData(new Uint8Array(length)), ProtocolError);
    if (length !== 64) assertThrows(() => decodeCommand(new Uint8Array(length)), ProtocolError);
  }
});

Deno.test("decodeCommand() names the fields of an entry anywhere in a buffer", () => {
  const log = encodeGetLogPage({ cid, lid: 0x70, offset: 4096, bytes: 2048, retainAsyncEvent: true });
  const shifted = concat(new Uint8Array(5), log).subarray(5);
  assertEquals(decodeCommand(shifted), {
    opcode: 2,
    flags: 0x40,
    cid,
    nsid: 0,
    fctype: 0,
    sglType: 0x5a,
    sglBytes: 2048,
    cdw10: 0x01ff8070,
    cdw11: 0,
    cdw12: 4096,
    cdw13: 0,
    cdw14: 0,
    cdw15: 0,
  });
  assertEquals(decodeCommand(encodeConnect({ cid, sqsize: 31, katoMs: 5 })).fctype, 1);
});

import { assertEquals, assertThrows } from "../assert.ts";
import { fc } from "../property.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import {
  decodeIdentifyController,
  encodeIdentifyControllerData,
  type IdentifyController,
} from "../../src/nvme/identify.ts";
import { discoveryNqn } from "../../src/nvme/spec.ts";
import { field, hexOf, patched, wire } from "./wire.ts";

/** Offsets of NVMe Base 2.1, Identify Controller data structure. */
function handWritten(): Uint8Array {
  const data = new Uint8Array(4096);
  const put = (at: number, bytes: Uint8Array) => data.set(bytes, at);
  put(4, field("SN-1                ", 20));
  put(24, field("Linux                                   ", 40));
  put(64, field("6.12    ", 8));
  put(77, wire("05")); //          MDTS
  put(78, wire("0102")); //        CNTLID
  put(80, wire("00010200")); //    VER 2.1.0
  put(92, wire("00000080")); //    OAES, discovery log change
  put(96, wire("41000000")); //    CTRATT
  put(111, wire("02")); //         CNTRLTYPE, discovery
  put(259, wire("03")); //         AERL
  put(261, wire("04")); //         LPA
  put(320, wire("6400")); //       KAS
  put(514, wire("8000")); //       MAXCMD
  put(536, wire("05001000")); //   SGLS
  put(768, field(discoveryNqn, 256));
  put(1792, wire("04010000")); //  IOCCSZ
  put(1800, wire("0700")); //      ICDOFF
  put(1806, wire("01")); //        DCTYPE
  return data;
}

const fields: IdentifyController = {
  sn: "SN-1",
  mn: "Linux",
  fr: "6.12",
  mdts: 5,
  cntlid: 0x0201,
  ver: 0x00020100,
  oaes: 0x8000_0000,
  ctratt: 0x41,
  cntrltype: 2,
  aerl: 3,
  lpa: 4,
  kas: 100,
  maxcmd: 128,
  sgls: 0x00100005,
  ioccsz: 0x104,
  icdoff: 7,
  dctype: 1,
  subnqn: discoveryNqn,
};

Deno.test("decodeIdentifyController() reads the fields where the specification has them", () => {
  assertEquals({ ...decodeIdentifyController(handWritten()) }, fields);
});

Deno.test("encodeIdentifyControllerData() writes them there", () => {
  assertEquals(hexOf(encodeIdentifyControllerData(fields)), hexOf(handWritten()));
});

Deno.test("encodeIdentifyControllerData() leaves blanks and zeroes", () => {
  const { sn, mn, fr, subnqn, ...numbers } = decodeIdentifyController(encodeIdentifyControllerData({}));
  assertEquals([sn, mn, fr, subnqn], ["", "", "", ""]);
  assertEquals(new Set(Object.values(numbers)), new Set([0]));
});

Deno.test("decodeIdentifyController() refuses data that is too short", () => {
  for (const length of [0, 1, 256, 4095]) {
    const error = assertThrows(
      () => decodeIdentifyController(handWritten().subarray(0, length)),
      ProtocolError,
    );
    assertEquals(error.code, "identify-short");
  }
});

Deno.test("decodeIdentifyController() prints hostile names harmlessly", () => {
  const data = patched(handWritten(), { 4: 0x1b, 24: 0x0a, 768: 0xff });
  const { sn, mn, subnqn } = decodeIdentifyController(data);
  assertEquals([sn, mn], ["\\x1bN-1", "\\x0ainux"]);
  assertEquals(subnqn.startsWith("\\xffqn."), true);
});

Deno.test("decodeIdentifyController() takes any 4096 bytes", () => {
  const bytes = fc.uint8Array({ minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(bytes, (seed) => {
      const data = Uint8Array.from({ length: 4096 }, (_, at) => seed[(at * 7) % 64]!);
      for (const value of Object.values(decodeIdentifyController(data))) {
        if (typeof value === "string") assertEquals(/^[\x20-\x7e]*$/.test(value), true);
        else assertEquals(Number.isInteger(value) && value >= 0, true);
      }
    }),
    { numRuns: 50 },
  );
});

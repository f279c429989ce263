import { AssertionError } from "../../src/base/assert.ts";
import { encodeInterface, encodePacket, encodeSection, encodeStatistics } from "../../src/report/pcapng.ts";
import { assertEquals, assertThrows } from "../assert.ts";
import { hexOf, wire } from "../nvme/wire.ts";

Deno.test("encodeSection() says byte order, version, comment and program", () => {
  const expected = wire(
    "0a0d0d0a 34000000", // Section Header Block of 52 bytes
    "4d3c2b1a 0100 0000", // byte order magic, version 1.0
    "ff*8", // length of the section: not known
    "0100 0500 68656c6c6f 00*3", // opt_comment, 5 bytes: "hello", padded
    "0400 0400 64632031", // shb_userappl, 4 bytes: "dc 1"
    "0000 0000", // opt_endofopt
    "34000000",
  );
  assertEquals(hexOf(encodeSection({ program: "dc 1", comment: "hello" })), hexOf(expected));
});

Deno.test("encodeInterface() says raw IP and microseconds", () => {
  const expected = wire(
    "01000000 28000000", // Interface Description Block of 40 bytes
    "6500 0000 00000000", // LINKTYPE_RAW, reserved, no longest packet
    "0200 0200 6463 0000", // if_name: "dc", padded
    "0900 0100 06 00*3", // if_tsresol: 10^-6
    "0000 0000",
    "28000000",
  );
  assertEquals(hexOf(encodeInterface("dc")), hexOf(expected));
});

Deno.test("encodePacket() pads the packet and splits the time in halves", () => {
  // 2026-08-01 12:00:00.000001 UTC, 0x657fb 0b677001 us.
  const timeUs = 0x657fb * 2 ** 32 + 0x0b677001;
  const expected = wire(
    "06000000 28000000", // Enhanced Packet Block of 40 bytes
    "00000000", // interface 0
    "fb570600 0170670b", // time, upper half first
    "05000000 05000000", // captured, original length
    "0102030405 00*3",
    "28000000",
  );
  assertEquals(hexOf(encodePacket(timeUs, new Uint8Array([1, 2, 3, 4, 5]))), hexOf(expected));
});

Deno.test("encodeStatistics() counts what there was and what is left out", () => {
  const expected = wire(
    "05000000 3c000000", // Interface Statistics Block of 60 bytes
    "00000000 00000000 02000000", // interface 0, time 2 us
    "0100 0300 61206200", // opt_comment: "a b", padded
    "0400 0800 07000000 00000000", // isb_ifrecv: 7
    "0500 0800 03000000 00000000", // isb_ifdrop: 3
    "0000 0000",
    "3c000000",
  );
  const block = encodeStatistics({ timeUs: 2, received: 7, dropped: 3, comment: "a b" });
  assertEquals(hexOf(block), hexOf(expected));
});

Deno.test("encodePacket() refuses a time that is none", () => {
  for (const timeUs of [-1, 0.5, NaN, 2 ** 53]) {
    assertThrows(() => encodePacket(timeUs, new Uint8Array(0)), AssertionError);
  }
});

import { joinKmsgRecords, type KmsgRecord, parseKmsgRecord } from "../../src/io/kmsg_record.ts";
import { assertEquals } from "../assert.ts";

const parse = (text: string) => parseKmsgRecord(new TextEncoder().encode(text));

Deno.test("parseKmsgRecord() reads severity, number, time and text, without the lines about the device", () => {
  assertEquals(
    parse('3,1402,80611237,-;nvme nvme0: refused "nqn.a"\n SUBSYSTEM=nvme\n DEVICE=+nvme:nvme0\n'),
    {
      severity: 3,
      sequence: 1402,
      atUs: 80611237,
      isBegun: false,
      isRest: false,
      text: 'nvme nvme0: refused "nqn.a"',
    },
  );
});

Deno.test("parseKmsgRecord() leaves the facility out, and takes fields that newer kernels add", () => {
  const record = parse("30,7,1,-,caller=T1234;text; with, signs");
  assertEquals([record?.severity, record?.text], [6, "text; with, signs"]);
});

Deno.test("parseKmsgRecord() gives printable ASCII, whatever the bytes are", () => {
  assertEquals(parse("3,1,1,-;a\x1b[31mb\x07 é \u202e")?.text, "a\\x1b[31mb\\x07 \\xe9 \\u{202e}");
  assertEquals(
    parseKmsgRecord(new Uint8Array([0x33, 0x2c, 0x31, 0x2c, 0x31, 0x2c, 0x2d, 0x3b, 0xff]))?.text,
    "\\u{fffd}",
  );
});

Deno.test("parseKmsgRecord() knows no record in anything else", () => {
  for (const text of ["", "\n", "text", "3,1,1", "3,1,-;text", "-3,1,1,-;text", "3,1,1,-", " 3,1,1,-;text"]) {
    assertEquals(parse(text), null, text);
  }
});

Deno.test("joinKmsgRecords() puts lines together that were written in pieces", () => {
  const texts = (...records: string[]) =>
    joinKmsgRecords(records.map((record) => parse(record)).filter((one): one is KmsgRecord => one !== null))
      .map(({ text }) => text);
  assertEquals(texts("4,1,1,c;one", "4,2,1,c;two", "4,3,1,-;three", "4,4,1,-;four"), [
    "one two three",
    "four",
  ]);
  assertEquals(texts("4,1,1,-;one", "4,2,1,+;two", "4,3,1,-;three"), ["one two", "three"]);
  assertEquals(texts("4,1,1,+;its start was overwritten", "4,2,1,c;no end"), [
    "its start was overwritten",
    "no end",
  ]);
});

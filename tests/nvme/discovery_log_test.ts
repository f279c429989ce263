import { assert, assertEquals, assertThrows } from "../assert.ts";
import { fc } from "../property.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import {
  decodeLogHeader,
  decodeLogRecords,
  type DiscoveryRecord,
  encodeLogPage,
} from "../../src/nvme/discovery_log.ts";
import { discoveryNqn } from "../../src/nvme/spec.ts";
import { concat, field, hexOf, patched, wire } from "./wire.ts";

const nqn = "nqn.2016-01.com.lightbitslabs:uuid:0a";

const record: DiscoveryRecord = {
  trtype: 3,
  adrfam: 1,
  subtype: 2,
  treq: 6,
  portid: 0x0201,
  cntlid: 0xffff,
  asqsz: 32,
  eflags: 0x8003,
  sectype: 2,
  trsvcid: "4420",
  subnqn: nqn,
  traddr: "192.0.2.17",
};

/** NVMe Base 2.1 §5.1.12.3.1, by hand. */
const recordBytes = concat(
  wire("03 01 02 06"), //           TRTYPE tcp · ADRFAM IPv4 · SUBTYPE NVM · TREQ
  wire("0102 ffff 2000 0380"), //   PORTID · CNTLID · ASQSZ · EFLAGS
  new Uint8Array(20),
  field("4420", 32), //             TRSVCID at 32
  new Uint8Array(192),
  field(nqn, 256), //               SUBNQN at 256
  field("192.0.2.17", 256), //      TRADDR at 512
  wire("02 00*255"), //             TSAS at 768: SECTYPE TLS 1.3
);
const headerBytes = concat(
  wire("0807060504030201"), //      GENCTR
  wire("0100000000000000"), //      NUMREC
  wire("0000 04 00 00080000"), //   RECFMT · DLPF · reserved · TDLPL
  new Uint8Array(1000),
);

Deno.test("decodeLogHeader() reads the header drawn by hand", () => {
  assertEquals(headerBytes.length, 1024);
  const header = { genctr: 0x0102030405060708n, numrec: 1, recfmt: 0, dlpf: 4, tdlpl: 2048 };
  assertEquals(decodeLogHeader(headerBytes), header);
  assertEquals(decodeLogHeader(headerBytes.subarray(0, 24)), header);
});

Deno.test("decodeLogRecords() reads the record drawn by hand, and others beside it", () => {
  assertEquals(recordBytes.length, 1024);
  assertEquals(decodeLogRecords(recordBytes, 1), [record]);
  const other = patched(recordBytes, { 2: 1, 512: 0x32 });
  const shifted = concat(new Uint8Array(3), recordBytes, other, recordBytes).subarray(3);
  assertEquals(decodeLogRecords(shifted, 2), [record, {
    ...record,
    subtype: 1,
    traddr: "292.0.2.17",
    problem: noIp,
  }]);
  assertEquals(decodeLogRecords(shifted, 0), []);
});

Deno.test("encodeLogPage() writes them as drawn", () => {
  const page = encodeLogPage({ genctr: 0x0102030405060708n, dlpf: 4, tdlpl: 2048 }, [record]);
  assertEquals(hexOf(page), hexOf(concat(headerBytes, recordBytes)));
});

Deno.test("decodeLogHeader() refuses a short header and a count beyond all numbers", () => {
  for (let length = 0; length < 24; length++) {
    const error = assertThrows(() => decodeLogHeader(headerBytes.subarray(0, length)), ProtocolError);
    assertEquals(error.code, "log-short");
  }
  const most = patched(headerBytes, { 8: 0xff, 9: 0xff, 10: 0xff, 11: 0xff, 12: 0xff, 13: 0xff, 14: 0x1f });
  assertEquals(decodeLogHeader(most).numrec, Number.MAX_SAFE_INTEGER);
  const oneMore = patched(headerBytes, { 8: 0, 14: 0x20 });
  for (const claims of [oneMore, patched(most, { 15: 0xff })]) {
    const error = assertThrows(() => decodeLogHeader(claims), ProtocolError);
    assertEquals(error.code, "log-records");
  }
});

Deno.test("decodeLogRecords() refuses fewer bytes than records", () => {
  const two = concat(recordBytes, recordBytes);
  for (const length of [0, 1, 1023, 1024, 2047]) {
    const error = assertThrows(() => decodeLogRecords(two.subarray(0, length), 2), ProtocolError);
    assertEquals(error.code, "log-short");
  }
  assertEquals(decodeLogRecords(two, 2).length, 2);
});

/** One record with fields as raw text (Latin-1), padding included. */
function recordWith(
  texts: { trsvcid?: string; subnqn?: string; traddr?: string; trtype?: number },
): DiscoveryRecord {
  const bytes = recordBytes.slice();
  const put = (at: number, size: number, text: string | undefined) => {
    if (text === undefined) return;
    assert(text.length <= size);
    for (let n = 0; n < size; n++) bytes[at + n] = text.charCodeAt(n) || 0;
  };
  put(32, 32, texts.trsvcid);
  put(256, 256, texts.subnqn);
  put(512, 256, texts.traddr);
  bytes[0] = texts.trtype ?? 3;
  return decodeLogRecords(bytes, 1)[0]!;
}

Deno.test("decodeLogRecords() trims NULs and trailing spaces, as SPDK and others pad", () => {
  const padded = recordWith({
    trsvcid: "4420".padEnd(32),
    subnqn: `${nqn}   `,
    traddr: "192.0.2.17".padEnd(256),
  });
  assertEquals(padded, record);
  assertEquals(recordWith({ traddr: "192.0.2.17\0garbage,\n" }), record);
});

const foreign = (name: string) =>
  `${name} cannot be used: it holds a control character or one that is not ASCII`;
const noIp = "TRADDR cannot be used: it is no IP address";
const noPort = (text: string) => `TRSVCID cannot be used: "${text}" is no port number from 1 to 65535`;

const hostile: readonly [what: string, texts: Parameters<typeof recordWith>[0], problem: string][] = [
  ["a comma in the NQN", { subnqn: `${nqn},hostid=1` }, "SUBNQN cannot be used: it holds a comma"],
  ["a space in the NQN", { subnqn: `${nqn} x` }, "SUBNQN cannot be used: it holds white space"],
  ["a line end in the NQN", { subnqn: `${nqn}\nx` }, foreign("SUBNQN")],
  ["an escape sequence in the NQN", { subnqn: `${nqn}\x1b[2J` }, foreign("SUBNQN")],
  ["UTF-8 in the NQN", { subnqn: `${nqn}\xc3\xa4` }, foreign("SUBNQN")],
  ["an empty NQN", { subnqn: "" }, "SUBNQN cannot be used: it is empty"],
  ["an NQN of spaces", { subnqn: " ".repeat(256) }, "SUBNQN cannot be used: it is empty"],
  [
    "an NQN that fills its field",
    { subnqn: nqn.padEnd(256, "x") },
    "SUBNQN cannot be used: it has 256 characters, at most 222 are allowed",
  ],
  ["a comma in a name without a date", { subnqn: "testnqn,x" }, "SUBNQN cannot be used: it holds a comma"],
  ["a comma in the address", { traddr: "192.0.2.1,x" }, "TRADDR cannot be used: it holds a comma"],
  ["a space in the address", { traddr: "192.0.2.1 x" }, "TRADDR cannot be used: it holds white space"],
  ["a byte of no text in the address", { traddr: "192.0.2.1\xff" }, foreign("TRADDR")],
  ["a host name as address", { traddr: "target.example" }, noIp],
  ["an address out of range", { traddr: "192.0.2.256" }, noIp],
  ["an address that fills its field", { traddr: "1".repeat(256) }, noIp],
  ["an empty address", { traddr: "" }, "TRADDR cannot be used: it is empty"],
  ["a comma in the port", { trsvcid: "4420,x" }, noPort("4420,x")],
  ["a line end in the port", { trsvcid: "4420\nx" }, foreign("TRSVCID")],
  ["an empty port", { trsvcid: "" }, "TRSVCID cannot be used: it is empty"],
  ["port 0", { trsvcid: "0" }, noPort("0")],
  ["port 65536", { trsvcid: "65536" }, noPort("65536")],
  ["port 04420", { trsvcid: "04420" }, noPort("04420")],
  ["a signed port", { trsvcid: "+4420" }, noPort("+4420")],
  ["a hexadecimal port", { trsvcid: "0x1144" }, noPort("0x1144")],
  ["a named port", { trsvcid: "none" }, noPort("none")],
];

for (const [what, texts, problem] of hostile) {
  Deno.test(`decodeLogRecords() marks ${what}`, () => {
    const bad = recordWith(texts);
    assertEquals(bad.problem, problem);
    for (const text of [bad.subnqn, bad.traddr, bad.trsvcid]) assert(/^[\x20-\x7e]*$/.test(text), text);
  });
}

Deno.test("decodeLogRecords() shows hostile bytes escaped", () => {
  assertEquals(recordWith({ subnqn: "nqn\n\xff" }).subnqn, "nqn\\x0a\\xff");
  // A backslash of the sender's is no escape of ours, and not refused for one.
  assertEquals(recordWith({ subnqn: `${nqn}\\x0a` }).problem, undefined);
});

Deno.test("decodeLogRecords() takes a subsystem name without date and domain", () => {
  for (const subnqn of ["testnqn", "subsysnqn1"]) assertEquals(recordWith({ subnqn }), { ...record, subnqn });
});

for (
  const texts of [
    { traddr: "2001:db8::1" },
    { traddr: "fe80::1%eth0" },
    { traddr: "::1" },
    { trsvcid: "1" },
    { trsvcid: "65535" },
    { subnqn: discoveryNqn },
    { subnqn: nqn.padEnd(222, "x") },
    { trtype: 254, traddr: "", trsvcid: "" },
    { trtype: 2, traddr: "nn-0x1000:pn-0x2000", trsvcid: "none" },
    { trtype: 99, traddr: "whatever" },
  ]
) {
  Deno.test(`decodeLogRecords() has nothing against ${JSON.stringify(texts).slice(0, 70)}`, () => {
    assertEquals("problem" in recordWith(texts), false);
  });
}

Deno.test("decodeLogRecords() keeps other transports from harm, too", () => {
  assertEquals(recordWith({ trtype: 2, traddr: "a,b" }).problem, "TRADDR cannot be used: it holds a comma");
  assertEquals(recordWith({ trtype: 1, trsvcid: "1,2" }).problem, "TRSVCID cannot be used: it holds a comma");
});

Deno.test("decodeLogRecords() judges each record by itself, however often an address comes", () => {
  const texts = ["192.0.2.1", "nowhere", "192.0.2.1", "nowhere", ""];
  const page = encodeLogPage(
    { genctr: 1n },
    texts.map((traddr) => ({ traddr, trsvcid: "4420", subnqn: nqn })),
  );
  const problems = decodeLogRecords(page.subarray(1024), texts.length).map((record) => record.problem);
  assertEquals(problems, [undefined, noIp, undefined, noIp, "TRADDR cannot be used: it is empty"]);
});

Deno.test("decodeLogRecords() takes unknown numbers as they come", () => {
  const odd = decodeLogRecords(patched(recordBytes, { 0: 200, 1: 201, 2: 202, 3: 203, 768: 204 }), 1)[0]!;
  assertEquals([odd.trtype, odd.adrfam, odd.subtype, odd.treq, odd.sectype], [200, 201, 202, 203, 204]);
});

const plain = { noNullPrototype: true } as const;
const anyRecord = fc.record({
  trtype: fc.constant(3),
  adrfam: fc.nat(255),
  subtype: fc.nat(255),
  treq: fc.nat(255),
  portid: fc.nat(0xffff),
  cntlid: fc.nat(0xffff),
  asqsz: fc.nat(0xffff),
  eflags: fc.nat(0xffff),
  sectype: fc.nat(255),
  trsvcid: fc.integer({ min: 1, max: 65535 }).map(String),
  subnqn: fc.string({ unit: fc.constantFrom(..."abz09.:-_/"), maxLength: 198 }).map((s) =>
    `nqn.2014-08.org.example:${s}`
  ),
  traddr: fc.oneof(fc.ipV4(), fc.ipV6()),
}, plain);

Deno.test("decodeLogRecords() gives back what encodeLogPage() took", () => {
  fc.assert(
    fc.property(
      fc.array(anyRecord, { maxLength: 4 }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      (records, genctr) => {
        const page = encodeLogPage({ genctr }, records);
        const header = decodeLogHeader(page);
        assertEquals(header, { genctr, numrec: records.length, recfmt: 0, dlpf: 0, tdlpl: 0 });
        assertEquals(decodeLogRecords(page.subarray(1024), header.numrec), records);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("decodeLogRecords() never lets out what could become an option of the kernel, whatever the bytes", () => {
  const mutation = fc.tuple(fc.nat(2047), fc.nat(255));
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 20 }), (mutations) => {
      const bytes = concat(recordBytes, recordBytes);
      // Most of a record is padding: half of the mutations hit the texts.
      for (const [index, [at, value]] of mutations.entries()) {
        const text = [32 + at % 6, 256 + at % 40, 512 + at % 14][at % 3]!;
        bytes[index % 2 === 0 ? text : at] = value;
      }
      for (const { problem, subnqn, traddr, trsvcid } of decodeLogRecords(bytes, 2)) {
        for (const text of [subnqn, traddr, trsvcid]) {
          assert(/^[\x20-\x7e]*$/.test(text), text);
          if (problem === undefined) assert(!/[, ]/.test(text), text);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decodeLogRecords() shows no key that stands in the place of a name, and refuses the record", () => {
  const key = "DHHC-1:00:bm9ib2R5IG1heSBldmVyIHNlZSB0aGlzIHNlY3JldCBrZXku:";
  for (
    const subnqn of [
      key,
      `nqn.2024-01.org.example:${key}`,
      key.replace("DHHC", "dhhc"),
      `NVMeTLSkey-1:01:${key}`,
    ]
  ) {
    const page = encodeLogPage({ genctr: 1n, numrec: 1, recfmt: 0 }, [{
      subnqn,
      traddr: "10.0.0.1",
      trsvcid: "4420",
    }]);
    const [record] = decodeLogRecords(page.subarray(1024), 1);
    assert(!JSON.stringify(record).includes("bm9ib2R5"), JSON.stringify(record));
    assert(record?.problem?.includes("secret key") === true, record?.problem);
  }
});

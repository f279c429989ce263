import { assert, assertEquals, assertThrows } from "../assert.ts";
import { fc } from "../property.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import { crc32c } from "../../src/nvme/crc32c.ts";
import { type Digests, Framer } from "../../src/nvme/framer.ts";
import { decodePdu, encodePdu } from "../../src/nvme/pdu.ts";
import {
  bothDigests,
  concat,
  frameOf,
  framesOf,
  noDigests,
  patched,
  pduBytesMax,
  receiverOf,
  wire,
} from "./wire.ts";

const headerOnly: Digests = { header: true, data: false };
const dataOnly: Digests = { header: false, data: true };

//                    TYPE FLAGS HLEN PDO  PLEN
const icReq = wire("  00   00    80   00   80000000", "00*120");
const icResp = wire(" 01   00    80   00   80000000", "00*120");
const h2cTermReq = wire("02 00   18   00   20000000", "0100 04000000 00*10", "00 00 80 00 80 00 00 00");
const c2hTermReq = wire("03 00   18   00   20000000", "0200 00000000 00*10", "04 00 48 00 48 00 00 00");
const capsuleCmd = wire("04 00   48   48   4c000000", "7f 40 00*62", "de ad be ef");
const capsuleResp = wire("05 00  18   00   18000000", "00*16");
const h2cData = wire("  06   04   18   18   1c000000", "0100 0200 00000000 04000000 00*4", "de ad be ef");
const c2hData = wire("  07   0c   18   18   1c000000", "0100 0000 00000000 04000000 00*4", "de ad be ef");
const r2t = wire("      09   00   18   00   18000000", "0100 0200 00000000 00100000 00*4");

const plainPdus = { icReq, icResp, h2cTermReq, c2hTermReq, capsuleCmd, capsuleResp, h2cData, c2hData, r2t };
/** Those that keep their digest flags agreed, for both digests. */
const digestedPdus = {
  capsuleCmd: digested(capsuleCmd),
  capsuleResp: digested(capsuleResp),
  h2cData: digested(h2cData),
  c2hData: digested(c2hData),
  r2t: digested(r2t),
};

/** The same PDU with HDGST, and with DDGST where it has data; lengths and PDO moved accordingly. */
function digested(pdu: Uint8Array): Uint8Array {
  const hlen = pdu[2]!;
  const data = pdu.subarray(hlen);
  const hasData = data.length > 0;
  const header = patched(pdu.subarray(0, hlen), {
    1: pdu[1]! | (hasData ? 3 : 1),
    3: hasData ? hlen + 4 : 0,
    4: pdu.length + (hasData ? 8 : 4),
  });
  const parts = [header, le32(crc32c(header))];
  return hasData ? concat(...parts, data, le32(crc32c(data))) : concat(...parts);
}

function le32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

function refusal(bytes: Uint8Array, digests = noDigests, receiver = receiverOf(bytes)): ProtocolError {
  return assertThrows(() => framesOf(bytes, { digests, receiver }), ProtocolError);
}

for (const [name, pdu] of Object.entries(plainPdus)) {
  Deno.test(`Framer takes ${name} whole, in chunks of every size, and twice in a row`, () => {
    const hlen = pdu[2]!;
    for (let chunkBytes = 1; chunkBytes <= pdu.length; chunkBytes++) {
      const frames = framesOf(concat(pdu, pdu), { chunkBytes });
      assertEquals(frames.length, 2);
      for (const frame of frames) {
        assertEquals(frame.type, pdu[0]);
        assertEquals(frame.flags, pdu[1]);
        assertEquals(frame.header, pdu.slice(0, hlen));
        assertEquals(frame.data, pdu.slice(hlen));
        assertEquals(frame.dataDigestFailed, false);
      }
    }
  });

  Deno.test(`Framer waits for the rest of ${name} cut at any offset`, () => {
    for (let cut = 0; cut < pdu.length; cut++) {
      const framer = new Framer(receiverOf(pdu), pduBytesMax);
      framer.push(pdu.subarray(0, cut));
      assertEquals(framer.next(), null);
      assertEquals(framer.bufferedBytes, cut);
      framer.push(pdu.subarray(cut));
      assertEquals(framer.next()?.type, pdu[0]);
      assertEquals(framer.bufferedBytes, 0);
    }
  });

  Deno.test(`Framer refuses ${name} that goes the other way`, () => {
    const error = refusal(pdu, noDigests, receiverOf(pdu) === "host" ? "controller" : "host");
    assertEquals([error.code, error.fes, error.fei], ["pdu-header", 1, 0]);
  });

  Deno.test(`Framer refuses ${name} with a wrong HLEN`, () => {
    for (const hlen of [0, 7, 8, pdu[2]! - 4, pdu[2]! - 1, pdu[2]! + 1, pdu[2]! + 4, 255]) {
      const error = refusal(patched(pdu, { 2: hlen }));
      assertEquals([error.code, error.fes, error.fei], ["pdu-header", 1, 2]);
    }
  });

  Deno.test(`Framer refuses ${name} with a PLEN below its header, at the common header already`, () => {
    for (const plen of [0, 7, 8, pdu[2]! - 1]) {
      const error = refusal(patched(pdu.subarray(0, 8), { 4: plen, 5: 0 }));
      assertEquals([error.code, error.fes, error.fei], ["pdu-header", 1, 4]);
    }
  });

  Deno.test(`Framer refuses ${name} with digests that nobody agreed`, () => {
    for (const flags of [1, 2, 3]) {
      const error = refusal(patched(pdu, { 1: pdu[1]! | flags }));
      assertEquals([error.code, error.fes, error.fei], ["pdu-header", 1, 1]);
    }
  });
}

for (const [name, pdu] of Object.entries(digestedPdus)) {
  Deno.test(`Framer takes ${name} with digests, whole and byte by byte`, () => {
    const plain = plainPdus[name as keyof typeof digestedPdus];
    for (const chunkBytes of [1, 3, pdu.length]) {
      const [frame] = framesOf(pdu, { digests: bothDigests, chunkBytes });
      assertEquals(frame?.data, plain.slice(plain[2]!));
      assertEquals(frame?.header, pdu.slice(0, pdu[2]!));
      assertEquals(frame?.dataDigestFailed, false);
    }
  });

  Deno.test(`Framer refuses ${name} that lacks the agreed header digest`, () => {
    const plain = plainPdus[name as keyof typeof digestedPdus];
    for (const digests of [headerOnly, bothDigests]) {
      const error = refusal(plain, digests);
      assertEquals([error.fes, error.fei], [1, 1]);
    }
  });

  Deno.test(`Framer finds every flipped bit in the header of ${name}`, () => {
    const hlen = pdu[2]!;
    for (let bit = 0; bit < (hlen + 4) * 8; bit++) {
      const bad = patched(pdu, { [bit >> 3]: pdu[bit >> 3]! ^ (1 << (bit & 7)) });
      const error = refusal(bad, bothDigests, receiverOf(pdu));
      // Type, HLEN and the digest flag say where the digest is; beyond them it decides.
      const byte = bit >> 3;
      if (byte === 3 || byte >= 8) assertEquals(error.code, "header-digest");
    }
  });
}

Deno.test("Framer tells the header digest received, before any data has come", () => {
  const bad = patched(digestedPdus.c2hData, { 24: 0x78, 25: 0x56, 26: 0x34, 27: 0x92 });
  const error = refusal(bad.subarray(0, 28), bothDigests);
  assertEquals([error.code, error.fes, error.fei], ["header-digest", 3, 0x92345678]);
});

Deno.test("Framer marks a frame whose data digest does not match, and goes on", () => {
  const pdu = digestedPdus.c2hData;
  for (let at = 28; at < pdu.length; at++) {
    const frames = framesOf(concat(patched(pdu, { [at]: pdu[at]! ^ 0x10 }), pdu), { digests: bothDigests });
    assertEquals(frames.map((frame) => frame.dataDigestFailed), [true, false]);
  }
});

Deno.test("Framer refuses data without the agreed data digest", () => {
  const error = refusal(c2hData, dataOnly);
  assertEquals([error.code, error.fes, error.fei], ["pdu-header", 1, 1]);
});

Deno.test("Framer expects no data digest where there is no data", () => {
  const noData = wire("04 00 48 00 48000000", "18 40 00*62");
  assertEquals(framesOf(noData, { digests: dataOnly }).length, 1);
  assertEquals(framesOf(capsuleResp, { digests: dataOnly }).length, 1);
});

Deno.test("Framer never expects digests on ICReq, ICResp and TermReq", () => {
  for (const pdu of [icReq, icResp, h2cTermReq, c2hTermReq]) {
    assertEquals(frameOf(pdu, bothDigests).type, pdu[0]!);
    for (const flags of [1, 2]) {
      assertEquals(refusal(patched(pdu, { 1: flags }), bothDigests).fei, 1);
    }
  }
});

Deno.test("setDigests() applies from the next PDU on", () => {
  const framer = new Framer("host", pduBytesMax);
  framer.push(concat(icResp, digestedPdus.capsuleResp));
  assertEquals(framer.next()?.type, 1);
  framer.setDigests(bothDigests);
  assertEquals(framer.next()?.type, 5);
});

Deno.test("Framer refuses unknown PDU types at once", () => {
  for (let type = 0; type < 256; type++) {
    if (type <= 7 || type === 9) continue;
    const error = refusal(Uint8Array.of(type, 0, 24, 0, 24, 0, 0, 0));
    assertEquals([error.code, error.fes, error.fei], ["pdu-header", 1, 0]);
  }
});

Deno.test("Framer refuses a PLEN that is not exact where there is no data", () => {
  for (
    const [pdu, digests] of [
      [icReq, noDigests],
      [icResp, noDigests],
      [capsuleResp, noDigests],
      [r2t, noDigests],
    ] as const
  ) {
    const error = refusal(patched(pdu, { 4: pdu[4]! + 4 }), digests);
    assertEquals([error.fes, error.fei], [1, 4]);
  }
});

Deno.test("Framer bounds PLEN", () => {
  const framer = (bound: number) => new Framer("host", bound);
  const header = (plen: number) => concat(Uint8Array.of(7, 4, 24, 24), le32(plen));
  for (const plen of [4097, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    const tight = framer(4096);
    tight.push(header(plen));
    const error = assertThrows(() => tight.next(), ProtocolError, "PLEN");
    assertEquals([error.fes, error.fei], [1, 4]);
  }
  const exact = framer(4096);
  exact.push(header(4096));
  assertEquals(exact.next(), null);
});

Deno.test("Framer bounds PLEN of a TermReq to 24 … 152", () => {
  assertEquals(frameOf(wire("03 00 18 00 18000000", "00*16")).data.length, 0);
  assertEquals(frameOf(wire("03 00 18 00 98000000", "00*16", "aa*128")).data.length, 128);
  const error = refusal(wire("03 00 18 00 99000000", "00*16", "aa*129"));
  assertEquals([error.fes, error.fei], [1, 4]);
});

Deno.test("Framer refuses a PDO inside the header, unaligned, or behind the data", () => {
  for (const pdo of [0, 4, 20, 23, 25, 26, 27, 29, 32, 252]) {
    const error = refusal(patched(c2hData, { 3: pdo }));
    assertEquals([error.code, error.fes, error.fei], ["pdu-header", 1, 3]);
  }
});

/** `pdu` with other bytes in its header and a header digest that matches them. */
function redigested(pdu: Uint8Array, patches: Readonly<Record<number, number>>): Uint8Array {
  const bad = patched(pdu, patches);
  bad.set(le32(crc32c(bad.subarray(0, bad[2]!))), bad[2]!);
  return bad;
}

Deno.test("Framer judges lengths under a matching header digest as well", () => {
  const { c2hData, capsuleResp, r2t } = digestedPdus;
  for (
    const [bad, fei] of [
      [redigested(c2hData, { 6: 0x10 }), 4],
      [redigested(capsuleResp, { 4: 0x20 }), 4],
      [redigested(r2t, { 4: 0x20 }), 4],
      [redigested(c2hData, { 3: 24 }), 3],
      [redigested(c2hData, { 3: 30 }), 3],
      // PLEN is 36, the data ends at 32: this would start in its digest.
      [redigested(c2hData, { 3: 36 }), 3],
    ] as const
  ) {
    const error = refusal(bad, bothDigests);
    assertEquals([error.code, error.fes, error.fei], ["pdu-header", 1, fei]);
  }
  // A PLEN without room for the header digest fails before the digest could come.
  const error = refusal(patched(c2hData.subarray(0, 8), { 4: 27 }), bothDigests);
  assertEquals([error.code, error.fes, error.fei], ["pdu-header", 1, 4]);
});

Deno.test("Framer leaves padding out of the data and out of its digest", () => {
  const padded = wire("07 04 18 20 24000000", "0100 0000 00000000 04000000 00*4", "99*8", "de ad be ef");
  assertEquals(frameOf(padded).data, wire("de ad be ef"));
  const withDigest = concat(patched(padded, { 1: 6, 4: 0x28 }), le32(crc32c(wire("de ad be ef"))));
  const frame = frameOf(withDigest, dataOnly);
  assertEquals([frame.data, frame.dataDigestFailed], [wire("de ad be ef"), false]);
});

Deno.test("Framer throws the same error for ever and keeps nothing", () => {
  const framer = new Framer("host", pduBytesMax);
  framer.push(patched(capsuleResp, { 2: 99 }));
  const first = assertThrows(() => framer.next(), ProtocolError);
  framer.push(capsuleResp);
  assertEquals(assertThrows(() => framer.next(), ProtocolError), first);
  assertEquals(framer.bufferedBytes, 0);
});

Deno.test("offendingHeader is that of the PDU that failed, else of the last one taken", () => {
  const framer = new Framer("host", pduBytesMax);
  assertEquals(framer.offendingHeader.length, 0);
  framer.push(concat(r2t, patched(c2hData, { 3: 1 })));
  framer.next();
  assertEquals(framer.offendingHeader, r2t);
  assertThrows(() => framer.next(), ProtocolError);
  assertEquals(framer.offendingHeader, patched(c2hData.slice(0, 24), { 3: 1 }));
});

Deno.test("Frame data is intact until the next push, whatever next() finds meanwhile", () => {
  const framer = new Framer("host", pduBytesMax);
  framer.push(concat(c2hData, patched(c2hData, { 24: 1 }), c2hData.subarray(0, 20)));
  const frames = [framer.next(), framer.next()];
  assertEquals(framer.next(), null);
  assertEquals(frames.map((frame) => frame?.data[0]), [0xde, 1]);
});

Deno.test("Framer holds at most one unfinished PDU, and refuses to be fed without being emptied", () => {
  const framer = new Framer("host", 256);
  const many = concat(...new Array(20).fill(capsuleResp));
  framer.push(many);
  const error = assertThrows(() => framer.push(many), AssertionError);
  assert(error.message.includes("never taken"));
  let frames = 0;
  while (framer.next() !== null) frames++;
  assertEquals([frames, framer.bufferedBytes], [20, 0]);
});

Deno.test("Framer takes a large PDU byte by byte without copying it over and over", () => {
  // 128 KiB in single bytes: copying the whole buffer at each push would be 8 GiB and minutes.
  const data = Uint8Array.from({ length: 128 * 1024 }, (_, at) => at * 7);
  const pdu = encodePdu({ kind: "h2cData", cccid: 1, ttag: 2, datao: 0, last: true, data });
  const [frame] = framesOf(pdu, { chunkBytes: 1 });
  assertEquals(frame?.data.length, data.length);
  assert(frame!.data.every((byte, at) => byte === data[at]));
});

Deno.test("Framer gives the same frames for any chunking of any valid stream", () => {
  const digests = fc.record({ header: fc.boolean(), data: fc.boolean() });
  const pdus = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 });
  const cuts = fc.infiniteStream(fc.integer({ min: 1, max: 400 }));
  fc.assert(
    fc.property(digests, pdus, cuts, (digests, datas, cuts) => {
      const stream = concat(
        ...datas.map((data, at) =>
          encodePdu(
            {
              kind: "c2hData",
              cccid: at,
              datao: 0,
              last: true,
              success: true,
              data,
              dataDigestFailed: false,
            },
            digests,
          )
        ),
      );
      const framer = new Framer("host", pduBytesMax);
      framer.setDigests(digests);
      const seen: Uint8Array[] = [];
      for (let at = 0; at < stream.length;) {
        const bytes = cuts.next().value!;
        framer.push(stream.subarray(at, at + bytes));
        at += bytes;
        for (let frame = framer.next(); frame !== null; frame = framer.next()) {
          assertEquals(frame.dataDigestFailed, false);
          seen.push(frame.data.slice());
        }
      }
      assertEquals(seen, datas.map((data) => data.slice()));
    }),
    { numRuns: 100 },
  );
});

Deno.test("Framer and decodePdu() answer any bytes with frames, patience or ProtocolError", () => {
  const seeds = [...Object.values(plainPdus), ...Object.values(digestedPdus)];
  const mutation = fc.tuple(fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.array(mutation, { maxLength: 6 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(noDigests, headerOnly, dataOnly, bothDigests),
      (seed, mutations, tail, digests) => {
        const bytes = concat(seed, tail, seed);
        // Most bytes of a header are reserved: every second mutation hits the first 28.
        for (const [index, [at, value]] of mutations.entries()) {
          bytes[at % (index % 2 === 0 ? 28 : bytes.length)] = value;
        }
        const framer = new Framer(receiverOf(seed), 4096);
        framer.setDigests(digests);
        framer.push(bytes);
        try {
          for (let frame = framer.next(); frame !== null; frame = framer.next()) decodePdu(frame);
        } catch (error) {
          assert(error instanceof ProtocolError, String(error));
          assert(error.fes >= 1 && error.fes <= 6 && error.message.startsWith("Cannot "));
          assert(framer.offendingHeader.length <= 128);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

import { parseIpAddress } from "../../src/base/address.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { limits } from "../../src/base/limits.ts";
import { type Direction, type TcpEnd, TcpPackets } from "../../src/report/tcp_packets.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { concat, hexOf, wire } from "../nvme/wire.ts";
import { fc } from "../property.ts";
import { readSegment, readStreams } from "./pcapng_reader.ts";

function end(text: string, port: number): TcpEnd {
  const address = parseIpAddress(text);
  assert(address !== null, text);
  return { address, port };
}

const v4 = { ours: end("10.0.0.9", 40_000), theirs: end("10.0.0.1", 8009) };
const v6 = { ours: end("fe80::9%eth0", 40_000), theirs: end("fe80::1", 8009) };

function flagsOf(packets: readonly Uint8Array[]): string[] {
  return packets.map((packet) => readSegment(packet).flags);
}

Deno.test("TcpPackets draws a segment over IPv4", () => {
  const packets = new TcpPackets(v4.ours, v4.theirs, 0);
  const [syn] = packets.open();
  assertEquals(
    hexOf(syn!),
    hexOf(wire(
      "45 00 0030 0000 4000 40 06 26bf 0a000009 0a000001", // 48 bytes, not to be fragmented, 64 hops, TCP
      "9c40 1f49 00000000 00000000 70 02 ffff 3a32 0000", // ports, sequence, 28 bytes of head, SYN, window
      "02 04 8000 01 03 03 0e", // maximum segment size 32768, window scale 14
    )),
  );
});

Deno.test("TcpPackets draws a segment over IPv6, its payload of an odd length", () => {
  const packets = new TcpPackets(v6.ours, v6.theirs, 0);
  const [segment] = packets.data("out", new Uint8Array([1, 2, 3]));
  assertEquals(
    hexOf(segment!),
    hexOf(wire(
      "60000000 0017 06 40", // 23 bytes, TCP, 64 hops
      "fe80 00*13 09 fe80 00*13 01",
      "9c40 1f49 00000000 00000000 50 18 ffff f332 0000", // PSH, ACK
      "010203",
    )),
  );
});

Deno.test("TcpPackets opens, ends from either side, and ends once", () => {
  const packets = new TcpPackets(v4.ours, v4.theirs, 1);
  assertEquals(flagsOf(packets.open()), ["S", "SA", "A"]);
  assertEquals(flagsOf(packets.end("in")), ["FA", "A"]);
  assertEquals(packets.data("in", new Uint8Array(1)), []);
  assertEquals(flagsOf(packets.data("out", new Uint8Array(1))), ["PA"]);
  assertEquals(flagsOf(packets.end("out")), ["FA", "A"]);
  assertEquals([packets.end("out"), packets.end("in"), packets.reset()], [[], [], []]);
});

Deno.test("TcpPackets has nothing after a reset", () => {
  const packets = new TcpPackets(v4.ours, v4.theirs, 1);
  assertEquals(flagsOf(packets.reset()), ["RA"]);
  assertEquals([packets.data("out", new Uint8Array(1)), packets.end("out"), packets.reset()], [[], [], []]);
});

Deno.test("TcpPackets cuts what is longer than a segment", () => {
  const packets = new TcpPackets(v4.ours, v4.theirs, 1);
  const sizes = packets.data("in", new Uint8Array(200_000)).map((packet) =>
    readSegment(packet).payload.length
  );
  const whole = Math.floor(200_000 / limits.traceSegmentBytesMax);
  assertEquals(sizes, [
    ...new Array<number>(whole).fill(limits.traceSegmentBytesMax),
    200_000 - whole * limits.traceSegmentBytesMax,
  ]);
});

Deno.test("TcpPackets refuses ends of different families", () => {
  assertThrows(() => new TcpPackets(v4.ours, v6.theirs, 1), AssertionError);
});

Deno.test("TcpPackets: the streams come back whole, however they were cut", () => {
  const chunk = fc.record({
    direction: fc.constantFrom<Direction>("in", "out"),
    bytes: fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(2 * limits.traceSegmentBytesMax).map((length) => new Uint8Array(length).fill(length)),
    ),
  });
  const cases = fc.record({
    ends: fc.constantFrom(v4, v6),
    isOpened: fc.boolean(),
    // With the last, sequence numbers begin 40,000 below their end, and go round.
    number: fc.constantFrom(0, 1, 3_850_383_680),
    chunks: fc.array(chunk, { maxLength: 6 }),
    last: fc.constantFrom<Direction>("in", "out"),
  });
  fc.assert(
    fc.property(cases, ({ ends, isOpened, number, chunks, last }) => {
      const packets = new TcpPackets(ends.ours, ends.theirs, number);
      const drawn = [
        ...isOpened ? packets.open() : [],
        ...chunks.flatMap(({ direction, bytes }) => packets.data(direction, bytes)),
        ...packets.end(last),
        ...packets.end(last === "in" ? "out" : "in"),
      ];
      const streams = readStreams(drawn);
      assertEquals(streams.size, 2);
      for (const [key, stream] of streams) {
        const direction = key.indexOf(" 40000 ") > 0 ? "out" : "in";
        const sent = concat(...chunks.filter((one) => one.direction === direction).map(({ bytes }) => bytes));
        assert(hexOf(stream.bytes) === hexOf(sent), `${key}: other bytes`);
        assertEquals([stream.isOpened, stream.end], [isOpened, "F"]);
      }
    }),
    { numRuns: 60 },
  );
});

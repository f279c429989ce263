import { ProtocolError } from "../../src/base/errors.ts";
import { parseIpAddress } from "../../src/base/address.ts";
import { encodeInterface, encodePacket, encodeSection, encodeStatistics } from "../../src/report/pcapng.ts";
import { PcapngBlocks } from "../../src/report/pcapng_blocks.ts";
import { TcpPackets } from "../../src/report/tcp_packets.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { fc } from "../property.ts";

const start = [encodeSection({ program: "p", comment: "c" }), encodeInterface("i")];
const packets = [encodePacket(1, new Uint8Array(20).fill(0x45)), encodePacket(2, new Uint8Array(33))];
const end = encodeStatistics({ timeUs: 3, received: 2, dropped: 0, comment: "" });
const whole = Uint8Array.from([...start, ...packets, end].flatMap((block) => [...block]));

Deno.test("PcapngBlocks gives whole blocks alone, however the bytes come, and counts the packets", () => {
  fc.assert(fc.property(fc.array(fc.nat(whole.length)), (cuts) => {
    const blocks = new PcapngBlocks();
    const given: number[] = [];
    const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
    for (let at = 1; at < places.length; at++) {
      given.push(...blocks.take(whole.subarray(places[at - 1], places[at])));
      const ends = [0, ...[...start, ...packets, end].map(((sum) => (block) => sum += block.length)(0))];
      assert(ends.includes(given.length), `${given.length} is no end of a block`);
    }
    assertEquals(Uint8Array.from(given), whole);
    assertEquals([blocks.packets, blocks.isComplete], [2, true]);
  }));
});

Deno.test("PcapngBlocks knows a recording that broke off", () => {
  const blocks = new PcapngBlocks();
  assertEquals(blocks.take(whole.subarray(0, whole.length - 1)).length, whole.length - end.length);
  assertEquals([blocks.packets, blocks.isComplete], [2, false]);
});

Deno.test("PcapngBlocks counts connections once for both directions, and tells what was left out", () => {
  const parse = (text: string) => parseIpAddress(text)!;
  const ours = { address: parse("10.0.0.9"), port: 40_000 };
  const others = [
    { address: parse("10.0.0.1"), port: 8009 },
    { address: parse("10.0.0.1"), port: 8010 },
    { address: parse("10.0.0.2"), port: 8009 },
  ];
  const sixes = [{ address: parse("2001:db8::9"), port: 1 }, {
    address: parse("2001:db8::1"),
    port: 8009,
  }] as const;
  const drawn = [...others.map((other, at) => new TcpPackets(ours, other, at)), new TcpPackets(...sixes, 9)];
  const blocks = new PcapngBlocks();
  for (const connection of drawn) {
    const packets = [
      ...connection.data("out", new Uint8Array(3)),
      ...connection.data("in", new Uint8Array(3)),
    ];
    for (const packet of packets) blocks.take(encodePacket(1, packet));
  }
  assertEquals([blocks.packets, blocks.connections, blocks.dropped], [8, 4, 0]);
  blocks.take(encodeStatistics({ timeUs: 3, received: 9, dropped: 7, comment: "seven" }));
  assertEquals([blocks.dropped, blocks.isComplete], [7, true]);
});

Deno.test("PcapngBlocks refuses what is no block", () => {
  for (const length of [0, 7, 9, 0xffff_fffc]) {
    const bytes = new Uint8Array(12);
    new DataView(bytes.buffer).setUint32(4, length, true);
    const error = assertThrows(() => new PcapngBlocks().take(bytes), ProtocolError);
    assertEquals(error.code, "trace", `${length}`);
  }
});

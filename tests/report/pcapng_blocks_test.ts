import { ProtocolError } from "../../src/base/errors.ts";
import { encodeInterface, encodePacket, encodeSection, encodeStatistics } from "../../src/report/pcapng.ts";
import { PcapngBlocks } from "../../src/report/pcapng_blocks.ts";
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

Deno.test("PcapngBlocks refuses what is no block", () => {
  for (const length of [0, 7, 9, 0xffff_fffc]) {
    const bytes = new Uint8Array(12);
    new DataView(bytes.buffer).setUint32(4, length, true);
    const error = assertThrows(() => new PcapngBlocks().take(bytes), ProtocolError);
    assertEquals(error.code, "trace", `${length}`);
  }
});

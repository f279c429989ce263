/**
 * Cuts a pcapng stream of our own (`pcapng.ts`) into whole blocks, as its bytes come, and counts what is in it: a file
 * made of them is whole wherever the stream ends. Ours means: one interface, IP without options, statistics at the end.
 */
import { ProtocolError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";

/** Type and length, each u32 little-endian. */
const headBytes = 8;
const packetType = 6;
const statisticsType = 5;

/** Bytes of a packet's block before the packet; of the statistics' before their options. */
const packetAt = 28;
const statisticsAt = 20;
const droppedCode = 5;

export class PcapngBlocks {
  #begun = new Uint8Array();
  /** Both ends of each. */
  readonly #connections = new Set<string>();
  packets = 0;
  /** Packets that the agent left out, as the last block says. */
  dropped = 0;
  /** The recording came to its own end. */
  isComplete = false;

  /** The whole blocks that `bytes` complete. Throws ProtocolError for what is no block. */
  take(bytes: Uint8Array): Uint8Array {
    const all = new Uint8Array(this.#begun.length + bytes.length);
    all.set(this.#begun);
    all.set(bytes, this.#begun.length);
    const view = new DataView(all.buffer);
    let at = 0;
    while (all.length - at >= headBytes) {
      const length = view.getUint32(at + 4, true);
      if (length < headBytes || length % 4 !== 0 || length > limits.traceQueueBytesMax) {
        throw new ProtocolError("trace", `The agent's recording is broken: a block of ${length} bytes`);
      }
      if (all.length - at < length) break;
      const type = view.getUint32(at, true);
      this.#count(type, all.subarray(at, at + length));
      at += length;
    }
    this.#begun = all.slice(at);
    return all.subarray(0, at);
  }

  get connections(): number {
    return this.#connections.size;
  }

  #count(type: number, block: Uint8Array): void {
    if (type === packetType) {
      this.packets++;
      this.#connections.add(endsOf(block.subarray(packetAt)));
    }
    if (type === statisticsType) {
      this.isComplete = true;
      this.dropped = droppedOf(block);
    }
  }
}

/** The same for both directions. RFC 791, 8200 and 9293: two addresses, and the two ports that follow them. */
function endsOf(packet: Uint8Array): string {
  const [at, size] = packet[0]! >> 4 === 4 ? [12, 4] : [8, 16];
  const ports = at + 2 * size;
  const ends = [0, 1].map((side) => {
    const address = packet.subarray(at + side * size, at + (side + 1) * size);
    return [...address, ...packet.subarray(ports + 2 * side, ports + 2 * side + 2)].join(".");
  });
  return ends.sort().join(" ");
}

function droppedOf(block: Uint8Array): number {
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  for (let at = statisticsAt; at + 12 <= block.length;) {
    const [code, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (code === droppedCode && length === 8) return Number(view.getBigUint64(at + 4, true));
    at += 4 + ((length + 3) & ~3);
  }
  return 0;
}

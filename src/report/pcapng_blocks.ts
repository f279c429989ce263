/**
 * Cuts a pcapng stream of our own (`pcapng.ts`) into whole blocks, as its bytes come, and counts its packets: a file
 * made of them is whole wherever the stream ends.
 */
import { ProtocolError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";

/** Type and length, each u32 little-endian. */
const headBytes = 8;
const packetType = 6;
const statisticsType = 5;

export class PcapngBlocks {
  #begun = new Uint8Array();
  packets = 0;
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
      if (type === packetType) this.packets++;
      if (type === statisticsType) this.isComplete = true;
      at += length;
    }
    this.#begun = all.slice(at);
    return all.subarray(0, at);
  }
}

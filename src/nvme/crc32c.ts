/**
 * CRC-32C (Castagnoli) as NVMe/TCP digests use it (TCP §3.3.1.1; RFC 3385): reflected polynomial 82F63B78h, initial
 * value and final inversion FFFFFFFFh. On the wire it stands little-endian; that is the caller's business.
 */

/** Eight tables of 256: table k holds the CRC of a byte followed by k zero bytes, so eight bytes go in one step. */
let tables: ReturnType<typeof makeTables> | undefined;

function makeTables(): [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
] {
  const table = () => new Uint32Array(256);
  const made = [table(), table(), table(), table(), table(), table(), table(), table()] as ReturnType<
    typeof makeTables
  >;
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    made[0][byte] = crc;
  }
  for (let k = 1; k < 8; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const shorter = made[k - 1]![byte]!;
      made[k]![byte] = (shorter >>> 8) ^ made[0][shorter & 0xff]!;
    }
  }
  return made;
}

/**
 * Unsigned 32 bits. `previous` is the CRC of the bytes before these: `crc32c(b, crc32c(a))` is that of a and b
 * together. `crc32c("123456789")` is E3069283h.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  // Most connections have no digests, and most commands no time.
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables ??= makeTables();
  let crc = ~previous;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = t7[crc & 0xff]! ^ t6[(crc >>> 8) & 0xff]! ^ t5[(crc >>> 16) & 0xff]! ^ t4[crc >>> 24]! ^
      t3[bytes[at + 4]!]! ^ t2[bytes[at + 5]!]! ^ t1[bytes[at + 6]!]! ^ t0[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

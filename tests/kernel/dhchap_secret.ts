/** Secrets for DH-HMAC-CHAP in the form that hosts and targets take: `DHHC-1:00:` base64(key, CRC-32 of it) `:`. */

/** The same byte gives the same secret. */
export function makeDhchapSecret(byte: number): string {
  const key = new Uint8Array(36).fill(byte, 0, 32);
  new DataView(key.buffer).setUint32(32, crc32(key.subarray(0, 32)), true);
  return `DHHC-1:00:${btoa(String.fromCharCode(...key))}:`;
}

/** IEEE 802.3, reflected. */
function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0xedb88320);
  }
  return ~crc >>> 0;
}

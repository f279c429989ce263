/**
 * Short digest of bytes or text that tells changed content from the same one: two 32-bit FNV-1a lanes with different
 * starts, 16 hex digits. Not for secrets, and nobody gains anything by forging one.
 */
export function contentDigest(content: Uint8Array | string): string {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    low = Math.imul(low ^ byte, 0x01000193);
    // The second lane also turns, or both would collide together.
    high = Math.imul((high << 5 | high >>> 27) ^ byte, 0x01000193);
  }
  const hex = (lane: number) => (lane >>> 0).toString(16).padStart(8, "0");
  return hex(low) + hex(high);
}

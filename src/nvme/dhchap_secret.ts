/**
 * The text form of a DH-HMAC-CHAP secret (Base Specification 2.1 §8.3.4.5.7):
 *
 *     DHHC-1:hh:Base64 of the key (32, 48 or 64 bytes) and its CRC-32 (4 bytes):
 *
 * Checks the shape alone; the CRC is the kernel's to check.
 */

/** Completes "expected …". */
export const dhchapSecretShape = "DHHC-1:hh:Base64: of a key of 32, 48 or 64 bytes";

/** Characters of Base64 that 36, 52 and 68 bytes make. */
const base64Lengths = [48, 72, 92];

export function isDhchapSecret(text: string): boolean {
  const base64 = /^DHHC-1:0[0-3]:([A-Za-z0-9+/]+={0,2}):$/.exec(text)?.[1] ?? "";
  return base64Lengths.includes(base64.length);
}

/** Whether a text holds what looks like a key: then no message shows any of it. */
export function looksSecret(text: string): boolean {
  return /DHHC-|NVMeTLSkey/i.test(text);
}

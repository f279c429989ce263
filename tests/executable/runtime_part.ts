/** The base runtime that an executable was built on: the ELF file that it starts with; what was compiled follows. */
import { assert } from "../assert.ts";

/** The section headers are its end. */
export function runtimePart(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const end = Number(view.getBigUint64(40, true)) + view.getUint16(58, true) * view.getUint16(60, true);
  assert(end < bytes.length, "Something follows the runtime");
  return bytes.subarray(0, end);
}

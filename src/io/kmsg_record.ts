/**
 * Records of /dev/kmsg: bytes in, messages out. Pure; any bytes give a record or none.
 *
 *     3,1402,80611237,-;nvme nvme0: Connect Invalid Data Parameter, subsysnqn "nqn.2024-01.io.example:a"
 *      SUBSYSTEM=nvme                        lines that begin with a space belong to the record: about its device
 *      DEVICE=+nvme:nvme0
 *     │ │    │        └ `c`: more of the same line follows; older kernels mark what follows with `+`
 *     │ │    └ microseconds since the kernel's start
 *     │ └ sequence number
 *     └ facility × 8 + severity
 *
 * Source: linux Documentation/ABI/testing/dev-kmsg. The kernel writes bytes that are not printable as `\xNN`.
 */
import type { KernelMessage } from "../model/world.ts";

export interface KmsgRecord extends KernelMessage {
  readonly sequence: number;
  /** Microseconds since the kernel's start. */
  readonly atUs: number;
  /** The next record goes on with this line. */
  readonly isBegun: boolean;
  /** It goes on with the line of the record before. */
  readonly isRest: boolean;
}

/** Null where the bytes are no record. */
export function parseKmsgRecord(bytes: Uint8Array): KmsgRecord | null {
  const [first = ""] = new TextDecoder().decode(bytes).split("\n", 1);
  const match = /^(\d{1,9}),(\d{1,15}),(\d{1,15}),([^;,]*)[^;]*;(.*)$/.exec(first);
  if (match === null) return null;
  const [, priority = "", sequence = "", atUs = "", flags = "", text = ""] = match;
  return {
    severity: Number(priority) & 7,
    sequence: Number(sequence),
    atUs: Number(atUs),
    isBegun: flags.includes("c"),
    isRest: flags.includes("+"),
    text: printable(text),
  };
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  }).trim();
}

/** Whole lines of records, in their order. */
export function joinKmsgRecords(records: readonly KmsgRecord[]): KernelMessage[] {
  const messages: KernelMessage[] = [];
  let isOpen = false;
  for (const { severity, text, isBegun, isRest } of records) {
    const last = messages.at(-1);
    if (last !== undefined && (isOpen || isRest)) {
      messages[messages.length - 1] = { severity: last.severity, text: `${last.text} ${text}`.trim() };
    } else messages.push({ severity, text });
    isOpen = isBegun;
  }
  return messages;
}

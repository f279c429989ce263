/**
 * Discovery log pages. A record that may be used holds an IP address, a port and a name that cannot break out of the
 * kernel's option string, is encoded and decoded the same, and leads to an address that is spelt in one way only.
 */
import { isIpAddress, parsePort } from "../../../src/base/address.ts";
import {
  decodeLogHeader,
  decodeLogRecords,
  type DiscoveryRecord,
  encodeLogPage,
} from "../../../src/nvme/discovery_log.ts";
import { nqnProblem } from "../../../src/nvme/nqn.ts";
import { transportType } from "../../../src/nvme/spec.ts";
import { recordAddress } from "../../../src/plan/record_address.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawAddress, drawNqn, drawPort } from "../draw_text.ts";
import { type FuzzTarget, outcomeOf } from "../fuzz_target.ts";
import { mutateBytes, mutateText } from "../mutate.ts";

const encoder = new TextEncoder();

function tryInput(choices: Choices): void {
  const records = Array.from({ length: choices.below(3) + 1 }, () => drawRecord(choices));
  const header = {
    genctr: BigInt(choices.edgy(2 ** 32)) << BigInt(choices.pick([0, 32])),
    numrec: choices.once(4) ? choices.edgy(2 ** 32) : records.length,
    recfmt: choices.once(8) ? choices.edgy(0x10000) : 0,
    dlpf: choices.edgy(256),
    tdlpl: choices.edgy(2 ** 32),
  };
  const page = encodeLogPage(header, records);
  checkSame(decodeLogHeader(page), header, "Header");
  let bytes = mutateBytes(choices, page);
  if (choices.once(3)) bytes = spoilRecord(choices, bytes);
  choices.note("page", bytes);
  const outcome = outcomeOf(() => decodeLogHeader(bytes));
  if (outcome.error !== undefined) return;
  const { numrec } = outcome.value;
  const body = bytes.subarray(1024);
  // The reader asks for what the header says; here a wrong count must be refused without room being made for it.
  const decoded = outcomeOf(() => decodeLogRecords(body, numrec));
  check((decoded.error === undefined) === (body.length >= numrec * 1024), "Only the length decides");
  if (decoded.error === undefined) checkRecords(decoded.value, body);
  checkRecords(decodeLogRecords(body, Math.floor(body.length / 1024)), body);
}

function drawRecord(choices: Choices): Partial<DiscoveryRecord> {
  const text = (valid: string, size: number) => {
    const drawn = choices.once(4) ? mutateText(choices, valid) : valid;
    return encoder.encode(drawn).length <= size ? drawn : "";
  };
  return {
    trtype: choices.once(4) ? choices.edgy(256) : transportType.tcp,
    adrfam: choices.edgy(256),
    subtype: choices.below(5),
    treq: choices.edgy(256),
    portid: choices.edgy(0x10000),
    cntlid: choices.edgy(0x10000),
    asqsz: choices.edgy(0x10000),
    eflags: choices.edgy(0x10000),
    sectype: choices.edgy(256),
    trsvcid: text(drawPort(choices), 32),
    subnqn: text(drawNqn(choices), 256),
    traddr: text(drawAddress(choices), 256),
  };
}

/** Strange bytes inside one of the text fields. */
function spoilRecord(choices: Choices, page: Uint8Array): Uint8Array {
  const [start, size] = choices.pick(textFields);
  const at = 1024 + start + choices.below(size);
  const copy = page.slice();
  const piece = choices.once(2) ? choices.bytes(choices.between(1, 8)) : Uint8Array.of(choices.edgy(256));
  copy.set(piece.subarray(0, Math.max(0, copy.length - at)), Math.min(at, copy.length));
  return copy;
}

const reporter = { traddr: "fe80::1%eth0", options: {} };

const textFields = [[32, 32], [256, 256], [512, 256]] as const;

function hasForeignText(body: Uint8Array, index: number): boolean {
  return textFields.some(([start, size]) => {
    const field = body.subarray(1024 * index + start, 1024 * index + start + size);
    const end = field.indexOf(0);
    return field.subarray(0, end < 0 ? size : end).some((byte) => byte < 0x20 || byte > 0x7e);
  });
}

function checkRecords(records: readonly DiscoveryRecord[], body: Uint8Array): void {
  for (const [index, record] of records.entries()) {
    check(/^[\x20-\x7e]*$/.test(record.subnqn + record.traddr + record.trsvcid), "A foreign byte survives");
    if (record.problem !== undefined) {
      check(/^[\x20-\x7e]{1,200}$/.test(record.problem), () => `Problem in odd words: ${record.problem}`);
      continue;
    }
    check(!hasForeignText(body, index), "A usable record held a foreign byte");
    const [again] = decodeLogRecords(encodeLogPage({ genctr: 0n }, [record]).subarray(1024), 1);
    checkSame(again, record, "Decoded, encoded and decoded");
    check(
      !/[,\s]/.test(record.subnqn + record.traddr + record.trsvcid),
      "A usable record could add an option",
    );
    check(nqnProblem(record.subnqn) === null, "A usable record has no name");
    if (record.trtype === transportType.tcp) checkAddress(record);
  }
}

function checkAddress(record: DiscoveryRecord): void {
  check(
    isIpAddress(record.traddr) && parsePort(record.trsvcid) !== undefined,
    "A usable record has no address",
  );
  const leads = recordAddress(record, reporter);
  if (leads.problem !== undefined) return;
  check(isIpAddress(leads.traddr) && leads.trsvcid >= 1 && leads.trsvcid <= 65_535, "Leads to no address");
  const canonical = { ...record, traddr: leads.traddr, trsvcid: String(leads.trsvcid) };
  checkSame(recordAddress(canonical, reporter), leads, "The address it leads to");
}

export const discoveryLog: FuzzTarget = { name: "discovery_log", share: 3, tryInput };

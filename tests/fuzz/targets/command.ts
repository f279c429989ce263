/** Submission queue entries and Connect data: fields stand where the decoder finds them, whatever their values. */
import {
  decodeCommand,
  decodeConnectData,
  encodeAsyncEventRequest,
  encodeConnect,
  encodeConnectData,
  encodeGetLogPage,
  encodeIdentifyController,
  encodeKeepAlive,
  encodePropertyGet,
  encodePropertySet,
  encodeSetFeatures,
} from "../../../src/nvme/command.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { type FuzzTarget, outcomeOf } from "../fuzz_target.ts";
import { mutateBytes } from "../mutate.ts";
import { drawPlainText } from "../draw_text.ts";

const noFields = { nsid: 0, fctype: 0, sglType: 0x5a, sglBytes: 0, cdw10: 0, cdw11: 0, cdw12: 0, cdw13: 0 };
const restOfFields = { flags: 0x40, cdw14: 0, cdw15: 0 };

/** An entry, and what must be read from it. */
function drawCommand(choices: Choices): [sqe: Uint8Array, fields: Record<string, number>] {
  const cid = choices.edgy(0x10000);
  switch (choices.below(8)) {
    case 0:
      return [encodeKeepAlive({ cid }), { opcode: 0x18, cid }];
    case 1:
      return [encodeAsyncEventRequest({ cid }), { opcode: 0x0c, cid }];
    case 2:
      return [encodeIdentifyController({ cid }), { opcode: 6, cid, sglBytes: 4096, cdw10: 1 }];
    case 3: {
      const [fid, value] = [choices.edgy(256), choices.edgy(2 ** 32)];
      return [encodeSetFeatures({ cid, fid, value }), { opcode: 9, cid, cdw10: fid, cdw11: value }];
    }
    case 4: {
      const offset = choices.edgy(2 ** 32);
      const bytes = choices.pick([4, 8] as const);
      const fields = { opcode: 0x7f, cid, nsid: 4, fctype: 4, cdw10: bytes / 4 - 1, cdw11: offset };
      return [encodePropertyGet({ cid, offset, bytes }), fields];
    }
    case 5: {
      const [offset, value] = [choices.edgy(2 ** 32), choices.edgy(2 ** 32)];
      return [encodePropertySet({ cid, offset, value }), { opcode: 0x7f, cid, cdw11: offset, cdw12: value }];
    }
    case 6: {
      const [qid, sqsize, katoMs] = [choices.edgy(0x10000), choices.edgy(0x10000), choices.edgy(2 ** 32)];
      const fields = { opcode: 0x7f, cid, nsid: 1, fctype: 1, sglType: 1, sglBytes: 1024, cdw12: katoMs };
      return [encodeConnect({ cid, qid, sqsize, katoMs }), {
        ...fields,
        cdw10: qid * 0x10000,
        cdw11: sqsize,
      }];
    }
    default: {
      const lid = choices.edgy(256);
      const bytes = 4 + 4 * choices.edgy(2 ** 30 - 1);
      const high = choices.edgy(2 ** 20);
      const low = 4 * choices.edgy(2 ** 30);
      const retainAsyncEvent = choices.below(2) === 1;
      const sqe = encodeGetLogPage({ cid, lid, offset: high * 2 ** 32 + low, bytes, retainAsyncEvent });
      const numd = bytes / 4 - 1;
      return [sqe, {
        opcode: 2,
        cid,
        sglBytes: bytes,
        cdw10: lid + (retainAsyncEvent ? 0x8000 : 0) + (numd % 0x10000) * 0x10000,
        cdw11: Math.floor(numd / 0x10000),
        cdw12: low,
        cdw13: high,
      }];
    }
  }
}

function tryInput(choices: Choices): void {
  if (choices.below(4) === 3) return tryConnectData(choices);
  const [sqe, fields] = drawCommand(choices);
  choices.note("sqe", sqe);
  checkSame(
    sortedFields(decodeCommand(sqe)),
    sortedFields({ ...noFields, ...restOfFields, ...fields }),
    "SQE",
  );
  const mutated = mutateBytes(choices, sqe);
  choices.note("mutated", mutated);
  const { error } = outcomeOf(() => decodeCommand(mutated));
  check((error === undefined) === (mutated.length === 64), "Only the length decides");
}

function sortedFields(fields: object): object {
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => a < b ? -1 : 1));
}

function tryConnectData(choices: Choices): void {
  const fields = {
    hostid: choices.bytes(16),
    cntlid: choices.edgy(0x10000),
    subnqn: drawPlainText(choices, 256),
    hostnqn: drawPlainText(choices, 256),
  };
  choices.note("connect data", fields);
  const data = encodeConnectData(fields);
  checkSame(decodeConnectData(data), fields, "Connect data");
  const mutated = mutateBytes(choices, data);
  const { value, error } = outcomeOf(() => decodeConnectData(mutated));
  check((error === undefined) === (mutated.length === 1024), "Only the length decides");
  if (value !== undefined) {
    check(/^[\x20-\x7e]*$/.test(value.subnqn + value.hostnqn), "A foreign byte survives");
  }
}

export const command: FuzzTarget = { name: "command", tryInput };

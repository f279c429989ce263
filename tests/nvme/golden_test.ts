/** The codecs against sessions captured between the host and the target of Linux; see tests/golden/README.md. */
import { assert, assertEquals } from "../assert.ts";
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
} from "../../src/nvme/command.ts";
import { decodeCompletion, encodeCompletion } from "../../src/nvme/completion.ts";
import { decodeLogHeader, decodeLogRecords } from "../../src/nvme/discovery_log.ts";
import { type Digests, Framer } from "../../src/nvme/framer.ts";
import { decodeIdentifyController } from "../../src/nvme/identify.ts";
import { decodePdu, encodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import { discoveryChangeEvent, discoveryNqn, fabricsType, opcode } from "../../src/nvme/spec.ts";
import { bothDigests, concat, hexOf, noDigests, patched, pduBytesMax, wire } from "./wire.ts";

interface Captured {
  readonly from: "host" | "controller";
  readonly about: string;
  readonly bytes: Uint8Array;
}

function capture(name: string): Captured[] {
  const text = Deno.readTextFileSync(new URL(`../golden/${name}`, import.meta.url));
  const { pdus } = JSON.parse(text) as {
    pdus: { from: "host" | "controller"; about: string; hex: string }[];
  };
  assert(pdus.length > 30, `${name} holds ${pdus.length} PDUs`);
  return pdus.map(({ from, about, hex }) => ({ from, about, bytes: wire(hex) }));
}

/** All PDUs of one side, fed in chunks of `chunkBytes`, digests switched on after the first as both sides do. */
function decodeSide(
  stream: Uint8Array,
  receiver: "host" | "controller",
  digests: Digests,
  chunkBytes: number,
): Pdu[] {
  const framer = new Framer(receiver, pduBytesMax);
  const pdus: Pdu[] = [];
  for (let at = 0; at < stream.length; at += chunkBytes) {
    framer.push(stream.subarray(at, at + chunkBytes));
    for (let frame = framer.next(); frame !== null; frame = framer.next()) {
      assertEquals(frame.dataDigestFailed, false);
      pdus.push(decodePdu({ ...frame, data: frame.data.slice() }));
      if (pdus.length === 1) framer.setDigests(digests);
    }
  }
  assertEquals(framer.bufferedBytes, 0);
  return pdus;
}

const sessions = [
  ["nvmet_discovery_6.12.json", noDigests],
  ["nvmet_discovery_digests_6.12.json", bothDigests],
] as const;

for (const [name, digests] of sessions) {
  const captured = capture(name);

  for (const from of ["host", "controller"] as const) {
    const side = captured.filter((pdu) => pdu.from === from);
    const stream = concat(...side.map((pdu) => pdu.bytes));
    const receiver = from === "host" ? "controller" : "host";

    Deno.test(`${name}: every PDU of the ${from} is framed the same in any chunks`, () => {
      const whole = decodeSide(stream, receiver, digests, stream.length);
      assertEquals(whole.length, side.length);
      for (const chunkBytes of [1, 7, 24, 1448]) {
        assertEquals(decodeSide(stream, receiver, digests, chunkBytes), whole);
      }
    });

    Deno.test(`${name}: encodePdu() writes the PDUs of the ${from} as Linux does`, () => {
      const pdus = decodeSide(stream, receiver, digests, stream.length);
      for (const [index, pdu] of pdus.entries()) {
        const { bytes, about } = side[index]!;
        assertEquals(
          hexOf(comparable(encodePdu(pdu, digests), digests)),
          hexOf(comparable(bytes, digests)),
          about,
        );
      }
    });
  }

  Deno.test(`${name}: our commands have the bytes of the Linux host's`, () => {
    let compared = 0;
    for (const { about, bytes } of captured.filter(({ from }) => from === "host").slice(1)) {
      const sqe = bytes.subarray(8, 72);
      const ours = reencode(sqe);
      assertEquals(hexOf(unconstrained(ours)), hexOf(unconstrained(sqe)), about);
      compared++;
    }
    assert(compared > 15);
  });

  Deno.test(`${name}: Connect data, completions, Identify and log read as what they are`, () => {
    const host = decodeSide(streamOf(captured, "host"), "controller", digests, 4096);
    const connect = host[1];
    assert(connect?.kind === "capsuleCmd");
    const data = decodeConnectData(connect.data);
    assertEquals([data.subnqn, data.cntlid], [discoveryNqn, 0xffff]);
    assertEquals(hexOf(encodeConnectData(data)), hexOf(connect.data));

    const controller = decodeSide(streamOf(captured, "controller"), "host", digests, 4096);
    const completions = controller.filter((pdu) => pdu.kind === "capsuleResp").map(({ cqe }) => {
      assertEquals(hexOf(encodeCompletion(decodeCompletion(cqe))), hexOf(cqe));
      return decodeCompletion(cqe);
    });
    assert(completions.every(({ status }) => status === 0));
    assert(completions.some(({ dw0 }) => dw0 === discoveryChangeEvent), "The event is in the capture");

    const datas = controller.filter((pdu) => pdu.kind === "c2hData").map((pdu) => pdu.data);
    const identify = decodeIdentifyController(datas[0]!);
    assertEquals([identify.cntrltype, identify.oaes, identify.subnqn], [2, 0x8000_0000, discoveryNqn]);
    assertEquals([identify.mn, identify.lpa & 4, identify.aerl], ["Linux", 4, 0]);

    const { numrec, recfmt } = decodeLogHeader(datas[2]!);
    assertEquals(recfmt, 0);
    // The page came in two reads: 4096 bytes from the start, then the rest.
    const page = concat(datas[3]!, datas[4]!);
    assertEquals(page.length, 1024 + numrec * 1024);
    const records = decodeLogRecords(page.subarray(1024), numrec);
    assert(records.length > 0);
    for (const record of records) {
      assertEquals(record.problem, undefined);
      assertEquals([record.trtype, record.adrfam, record.asqsz], [3, 1, 32]);
      assert(/^\d+$/.test(record.trsvcid) && /^[\d.]+$/.test(record.traddr));
    }
    assertEquals(records[0]!.subtype, 3);
  });
}

function streamOf(captured: readonly Captured[], from: "host" | "controller"): Uint8Array {
  return concat(...captured.filter((pdu) => pdu.from === from).map((pdu) => pdu.bytes));
}

/** PDO says nothing without data; Linux sets it there, we do not. The header digest covers it. */
function comparable(pdu: Uint8Array, digests: Digests): Uint8Array {
  const hlen = pdu[2]!;
  const hasData = pdu.length > hlen + (digests.header ? 4 : 0);
  if (hasData || hlen === 128) return pdu;
  const same = patched(pdu, { 3: 0 });
  if (digests.header) same.fill(0, hlen, hlen + 4);
  return same;
}

/** The bytes of a command that are the host's choice: command id, and the SGL address, which means nothing here. */
function unconstrained(sqe: Uint8Array): Uint8Array {
  const same = sqe.slice();
  same.fill(0, 2, 4);
  same.fill(0, 24, 32);
  return same;
}

function reencode(sqe: Uint8Array): Uint8Array {
  const { opcode: code, fctype, cid, cdw10, cdw11, cdw12, cdw13, sglBytes } = decodeCommand(sqe);
  switch (code) {
    case opcode.fabrics:
      if (fctype === fabricsType.connect) {
        return encodeConnect({ cid, qid: cdw10 >>> 16, sqsize: cdw11 & 0xffff, katoMs: cdw12 });
      }
      return fctype === fabricsType.propertyGet
        ? encodePropertyGet({ cid, offset: cdw11, bytes: cdw10 === 1 ? 8 : 4 })
        : encodePropertySet({ cid, offset: cdw11, value: cdw12 });
    case opcode.identify:
      return encodeIdentifyController({ cid });
    case opcode.setFeatures:
      return encodeSetFeatures({ cid, fid: cdw10, value: cdw11 });
    case opcode.asyncEventRequest:
      return encodeAsyncEventRequest({ cid });
    case opcode.keepAlive:
      return encodeKeepAlive({ cid });
    default:
      assertEquals(code, opcode.getLogPage);
      return encodeGetLogPage({
        cid,
        lid: cdw10 & 0xff,
        offset: cdw12 + cdw13 * 2 ** 32,
        bytes: sglBytes,
        retainAsyncEvent: (cdw10 & 0x8000) !== 0,
      });
  }
}

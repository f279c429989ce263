/**
 * Identify Controller data (B21 §5.1.13.2.1, 4096 bytes): the fields that a discovery host looks at. Judges none.
 */
import { ProtocolError } from "../base/errors.ts";
import { decodeFieldText, encodeFieldText, viewOf } from "./field_text.ts";
import { identifyBytes } from "./spec.ts";

/** Names as in the specification; integers unless said otherwise. */
export interface IdentifyController {
  /** Serial number, model number, firmware revision: printable, without padding. */
  sn: string;
  mn: string;
  fr: string;
  /** Largest transfer: 2^mdts memory pages; 0 for no limit. */
  mdts: number;
  cntlid: number;
  /** major << 16 | minor << 8 | tertiary. */
  ver: number;
  /** Optional events; bit 31: discovery log change. */
  oaes: number;
  /** Attributes; bit 6: traffic-based keep alive. */
  ctratt: number;
  /** 1 I/O, 2 discovery, 3 administrative; 0 on old controllers. */
  cntrltype: number;
  /** Event requests outstanding, 0-based. */
  aerl: number;
  /** Log page attributes; bit 2: offsets. */
  lpa: number;
  /** Keep-alive granularity, 100 ms; 0 for none. */
  kas: number;
  maxcmd: number;
  /** Size of an I/O command capsule, 16 bytes. */
  ioccsz: number;
  icdoff: number;
  sgls: number;
  /** Discovery controller type: 0 not reported, 1 direct, 2 central. */
  dctype: number;
  /** Printable, without padding. */
  subnqn: string;
}

type NumberField = Exclude<keyof IdentifyController, "sn" | "mn" | "fr" | "subnqn">;

/** Offset and size in bytes. */
const numberFields: Readonly<Record<NumberField, readonly [offset: number, size: 1 | 2 | 4]>> = {
  mdts: [77, 1],
  cntlid: [78, 2],
  ver: [80, 4],
  oaes: [92, 4],
  ctratt: [96, 4],
  cntrltype: [111, 1],
  aerl: [259, 1],
  lpa: [261, 1],
  kas: [320, 2],
  maxcmd: [514, 2],
  sgls: [536, 4],
  ioccsz: [1792, 4],
  icdoff: [1800, 2],
  dctype: [1806, 1],
};

/** Throws ProtocolError `identify-short` below 4096 bytes. */
export function decodeIdentifyController(data: Uint8Array): IdentifyController {
  if (data.length < identifyBytes) {
    throw new ProtocolError(
      "identify-short",
      `Cannot decode Identify data: length is ${data.length}, expected ${identifyBytes}`,
    );
  }
  const view = viewOf(data);
  const number = (field: NumberField): number => {
    const [offset, size] = numberFields[field];
    if (size === 1) return view.getUint8(offset);
    return size === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true);
  };
  return {
    sn: decodeFieldText(data, 4, 20).trimStart(),
    mn: decodeFieldText(data, 24, 40).trimStart(),
    fr: decodeFieldText(data, 64, 8).trimStart(),
    mdts: number("mdts"),
    cntlid: number("cntlid"),
    ver: number("ver"),
    oaes: number("oaes"),
    ctratt: number("ctratt"),
    cntrltype: number("cntrltype"),
    aerl: number("aerl"),
    lpa: number("lpa"),
    kas: number("kas"),
    maxcmd: number("maxcmd"),
    ioccsz: number("ioccsz"),
    icdoff: number("icdoff"),
    sgls: number("sgls"),
    dctype: number("dctype"),
    subnqn: decodeFieldText(data, 768, 256),
  };
}

/** 4096 bytes, for targets in tests; what is left out is 0 or blank. */
export function encodeIdentifyControllerData(fields: Partial<IdentifyController>): Uint8Array {
  const data = new Uint8Array(identifyBytes);
  const view = viewOf(data);
  const blank = 0x20;
  encodeFieldText(data, 4, 20, fields.sn ?? "", blank);
  encodeFieldText(data, 24, 40, fields.mn ?? "", blank);
  encodeFieldText(data, 64, 8, fields.fr ?? "", blank);
  encodeFieldText(data, 768, 256, fields.subnqn ?? "");
  for (const [field, [offset, size]] of Object.entries(numberFields)) {
    const value = fields[field as NumberField] ?? 0;
    if (size === 1) view.setUint8(offset, value);
    else if (size === 2) view.setUint16(offset, value, true);
    else view.setUint32(offset, value, true);
  }
  return data;
}

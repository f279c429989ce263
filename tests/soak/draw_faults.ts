/** What a discovery controller answers wrongly for a while: one fault on the wire or in its state, or one of each. */
import { type Fault, type StateFault, steps, type WireFault } from "../fabric/fault.ts";
import type { Draw } from "../sim/draw.ts";

export function drawFaults(draw: Draw): Fault[] {
  const dice = draw.int(1, 10);
  if (dice <= 6) return [drawWireFault(draw)];
  return dice <= 9 ? [drawStateFault(draw)] : [drawStateFault(draw), drawWireFault(draw)];
}

function drawWireFault(draw: Draw): WireFault {
  const at = draw.pick(steps);
  const when = { at, skip: draw.pick([0, 0, 0, 1, 2]) };
  switch (draw.int(1, 12)) {
    case 1:
      return { ...when, kind: "silent" };
    case 2:
      return { ...when, kind: "noAnswer" };
    case 3:
      return { ...when, kind: "delay", ms: draw.ms(10, 5_000) };
    case 4:
      return { ...when, kind: "close" };
    case 5:
      return { ...when, kind: "truncate", bytes: draw.int(1, 40) };
    case 6:
      return { ...when, kind: "termReq", fes: draw.int(1, 6) };
    case 7:
      return { ...when, kind: "status", status: draw.pick([0x002, 0x006, 0x181, 0x184]), dnr: false };
    case 8:
      return { ...when, kind: "shortData", bytes: draw.int(1, 64) * 4 };
    case 9:
      return { ...when, kind: "surplusData", bytes: draw.int(1, 64) * 4 };
    case 10:
      return { ...when, kind: draw.pick(["repeatedOffset", "wrongCid", "twice", "r2t"]) };
    default:
      return { ...when, kind: "flip", offset: draw.int(0, 31), mask: 1 << draw.int(0, 7) };
  }
}

function drawStateFault(draw: Draw): StateFault {
  switch (draw.int(1, 8)) {
    case 1:
      return { kind: "generationMoves", reads: draw.int(1, 20) };
    case 2:
      return { kind: "neverReady" };
    case 3:
      return { kind: "fatalStatus" };
    case 4:
      return { kind: "neverShutDown" };
    case 5:
      return { kind: "otherCntlid" };
    case 6:
      return { kind: "recordCount", numrec: draw.pick([1, 500, 16_384, 1_000_000]) };
    case 7:
      return { kind: "recordFormat", recfmt: 7 };
    default:
      return { kind: "authentication" };
  }
}

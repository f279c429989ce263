/** Records that no honest log holds, and honest ones that lead nowhere; each of them printable as JSON. */
import { discoveryNqn, recordSubtype } from "../../src/nvme/spec.ts";
import type { FabricRecord } from "../fabric/fabric_log.ts";
import type { Draw } from "../sim/draw.ts";
import { drawStranger } from "./strangers.ts";

export function drawHostileRecords(draw: Draw): FabricRecord[] {
  // A few as a rule, a flood now and then.
  const count = draw.chance(0.1) ? 300 : draw.int(1, 12);
  return Array.from({ length: count }, () => drawRecord(draw));
}

function drawRecord(draw: Draw): FabricRecord {
  const traddr = drawStranger(draw);
  const subnqn = `nqn.2024-01.org.example:hostile-${draw.int(1, 1_000_000)}`;
  const io: FabricRecord = { subtype: recordSubtype.nvm, traddr, trsvcid: "4420", subnqn };
  switch (draw.int(1, 10)) {
    case 1:
      return io;
    case 2:
      return { subtype: recordSubtype.referral, traddr, trsvcid: "8009", subnqn: discoveryNqn };
    case 3:
      return { ...io, subnqn: `${subnqn},host_iface=lo` };
    case 4:
      return { ...io, traddr: `${traddr},dhchap_secret=x` };
    case 5:
      return { ...io, traddr: `${traddr}\n${"a".repeat(draw.int(0, 200))}` };
    case 6:
      return { ...io, trsvcid: draw.pick(["99999", "-1", "", "4420 ", "0x1", "4420,x=1"]) };
    case 7:
      return { ...io, subtype: draw.int(4, 255) };
    case 8:
      return { ...io, trtype: draw.pick([0, 1, 2, 254]) };
    case 9:
      return { ...io, subnqn: "x".repeat(draw.int(1, 256)) };
    default:
      return { ...io, adrfam: draw.pick([0, 2, 3, 255]), treq: draw.int(0, 255) };
  }
}

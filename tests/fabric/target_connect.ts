/**
 * The target's judgement of a Connect (NVMe Base 2.1 §6.3, Linux target/fabrics-cmd.c, SPDK lib/nvmf/ctrlr.c):
 * who may have a discovery controller here. There are no I/O queues: a permitted Connect to an NVM subsystem is
 * told that no controller is free.
 */
import { type Command, decodeConnectData } from "../../src/nvme/command.ts";
import { cntlidDynamic, connectDataBytes, discoveryNqn } from "../../src/nvme/spec.ts";
import type { Reply } from "./answer.ts";
import { allows, type Fabric, type FabricNode } from "./fabric.ts";
import type { StatusQuirk } from "./quirks.ts";

export type PortRole = "discovery" | "io";

export type ConnectVerdict =
  | { readonly ok: true; readonly hostnqn: string; readonly katoMs: number; readonly flowControlOff: boolean }
  | { readonly ok: false; readonly reply: Reply };

/** Offsets that dw0 tells: in the SQE, or in the data with bit 16 set. */
const inSqe = { qid: 42, sqsize: 44 } as const;
const inData = { cntlid: 0x1_0000 | 16, subnqn: 0x1_0000 | 256, hostnqn: 0x1_0000 | 512 } as const;

const controllerBusy: StatusQuirk = { status: 0x181, dnr: true };
const sglLengthInvalid: StatusQuirk = { status: 0x00f, dnr: true };

export function judgeConnect(
  target: { fabric: Fabric; node: FabricNode; role: PortRole },
  command: Command,
  data: Uint8Array,
): ConnectVerdict {
  const { node, role } = target;
  const { quirks } = node;
  const refuse = (status: StatusQuirk, dw0 = 0): ConnectVerdict => ({ ok: false, reply: { status, dw0 } });
  if (data.length !== connectDataBytes) return refuse(sglLengthInvalid);
  const [recfmt, qid] = [command.cdw10 & 0xffff, command.cdw10 >>> 16];
  const [sqsize, cattr] = [command.cdw11 & 0xffff, (command.cdw11 >>> 16) & 0xff];
  const { cntlid, subnqn, hostnqn } = decodeConnectData(data);
  if (recfmt !== 0) return refuse(quirks.badFormat);
  if (sqsize === 0 || sqsize > quirks.sqsizeMax) return refuse(quirks.badParameter, inSqe.sqsize);
  if (hostnqn === "") return refuse(quirks.badParameter, inData.hostnqn);
  if (subnqn !== discoveryNqn && subnqn !== node.discoveryNqn) {
    return { ok: false, reply: judgeIo(target, subnqn, hostnqn) };
  }
  if (role !== "discovery") return refuse(quirks.unknownSubsystem, inData.subnqn);
  if (qid !== 0) return refuse(quirks.badParameter, inSqe.qid);
  if (cntlid !== cntlidDynamic) return refuse(quirks.badParameter, inData.cntlid);
  const refused = node.refusals.get(hostnqn) ?? node.refusals.get(null);
  if (refused !== undefined) return refuse({ ...quirks.hostRefused, status: refused }, inData.hostnqn);
  return { ok: true, hostnqn, katoMs: command.cdw12, flowControlOff: (cattr & 4) !== 0 };
}

function judgeIo({ node }: { node: FabricNode }, subnqn: string, hostnqn: string): Reply {
  const subsystem = [...node.subsystems].find(({ nqn }) => nqn === subnqn);
  const { unknownSubsystem, hostRefused } = node.quirks;
  if (subsystem === undefined) return { status: unknownSubsystem, dw0: inData.subnqn };
  if (!allows(subsystem, hostnqn)) return { status: hostRefused, dw0: inData.hostnqn };
  return { status: controllerBusy };
}

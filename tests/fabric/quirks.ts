/**
 * How two real targets behave where a discovery host can see the difference: one row a quirk, `nvmet` (Linux 7.0,
 * drivers/nvme/target) and `spdk` (lib/nvmf, 2026). Data only; a test may override single rows. What a row does is
 * written in `controller_machine.ts` and `discovery_controller.ts`.
 */

/** SCT << 8 | SC, and Do Not Retry. */
export interface StatusQuirk {
  readonly status: number;
  readonly dnr: boolean;
}

export interface Quirks {
  readonly name: string;

  // --- connection (NVMe/TCP 1.0 §3.4, §3.6.2.3) ---
  /** MAXH2CDATA of ICResp, bytes. */
  readonly maxh2cdata: number;
  /** ICReq with HPDA other than 0 ends the connection; otherwise ICResp's CPDA repeats it. */
  readonly hpdaMustBeZero: boolean;
  /** A broken rule: C2HTermReq and a wait for the host to close, or just the end. */
  readonly termReq: boolean;
  /** Patience after a C2HTermReq, ms. */
  readonly termReqWaitMs: number;
  /** A CapsuleCmd with a wrong data digest: this status, or null for the end of the connection. */
  readonly badDataDigest: StatusQuirk | null;
  /** Bytes of one C2HData PDU at most. */
  readonly c2hDataBytesMax: number;
  /** When the last C2HData stands for the completion (SUCCESS). */
  readonly successFlag: "never" | "flowControlOff" | "always";

  // --- Connect (NVMe Base 2.1 §6.3) ---
  /** A command ahead of Connect. */
  readonly beforeConnect: StatusQuirk;
  readonly unknownSubsystem: StatusQuirk;
  readonly hostRefused: StatusQuirk;
  /** Any other wrong parameter of Connect. */
  readonly badParameter: StatusQuirk;
  readonly badFormat: StatusQuirk;
  /** SQSIZE at most, 0-based. */
  readonly sqsizeMax: number;

  // --- keep alive (NVMe Base 2.1 §3.9) ---
  /** KATO 0 in Connect becomes this, ms. */
  readonly katoZeroMs: number;
  /** KATO is rounded up to a multiple of this, ms. */
  readonly katoStepMs: number;
  /** Any command counts, or Keep Alive alone. */
  readonly katoResetBy: "anyCommand" | "keepAlive";
  /** Set Features with KATO 0: refused with this, or null: the timer stops, and Keep Alive is refused. */
  readonly katoZeroFeature: StatusQuirk | null;
  /** What dw0 of Set Features KATO says. */
  readonly katoFeatureResult: "seconds" | "zero";

  // --- properties ---
  /** CAP.TO, 500 ms. */
  readonly capTimeout: number;
  /** VS, as in the register. */
  readonly version: number;
  /** Admin commands while CSTS.RDY is 0. */
  readonly notReady: StatusQuirk;

  // --- admin commands ---
  /** FLAGS must be 40h: refused with this, or null for unchecked. */
  readonly badFlags: StatusQuirk | null;
  /** The SGL's length must be what the command moves: refused with this, or null for unchecked. */
  readonly badSglLength: StatusQuirk | null;
  /** An SGL longer than this ends the connection, bytes. */
  readonly sglBytesMax: number;
  /** NSID must be 0: refused with this, or null for unchecked. */
  readonly badNsid: StatusQuirk | null;
  readonly badOpcode: StatusQuirk;
  readonly badField: StatusQuirk;

  // --- Identify ---
  readonly sn: string;
  readonly mn: string;
  readonly mdts: number;
  readonly aerl: number;
  readonly ctratt: number;

  // --- events (NVMe Base 2.1 §5.1.2) ---
  readonly eventRequestsMax: number;
  readonly eventLimit: StatusQuirk;
  /** The discovery change event without Set Features. */
  readonly eventsByDefault: "off" | "onWithKato";
  /** Bits of the asynchronous event configuration that are taken. */
  readonly eventBits: number;
  /** Requests still waiting are completed with this when the controller ends the connection; null: just dropped. */
  readonly eventsAtTeardown: StatusQuirk | null;

  // --- discovery log (NVMe Base 2.1 §5.1.12.3.1) ---
  readonly badLogPage: StatusQuirk;
  /** Reading past the end: other memory, or zeros with a refusal when it starts there. */
  readonly logPastEnd: "foreignMemory" | "zeros";
  /** A refused read with RAE 0 unmasks the event too. */
  readonly refusedReadUnmasks: boolean;
  /** The log begins with a record of subtype 3 unless the node says otherwise. */
  readonly currentRecord: boolean;
  /** EFLAGS of that record: bit 0 DUPRETINFO, bit 1 EPCSD. */
  readonly currentRecordFlags: number;
  /** TREQ and ASQSZ of the records. */
  readonly recordTreq: number;
  readonly recordAsqsz: number;
  /** Whose listeners a log names: those of the node asked, or of every node of its target. */
  readonly logScope: "node" | "target";
  /** Who hears of a link or unlink: hosts that the subsystem allows, or everybody. */
  readonly linkHeardBy: "allowedHosts" | "everybody";
  /** A node without any subsystem closes its ports, discovery included. */
  readonly listensWithoutSubsystems: boolean;
}

const discoveryChangeBit = 0x8000_0000;

const nvmet: Quirks = {
  name: "nvmet",
  maxh2cdata: 0x40_0000,
  hpdaMustBeZero: true,
  termReq: false,
  termReqWaitMs: 0,
  badDataDigest: null,
  c2hDataBytesMax: Infinity,
  successFlag: "flowControlOff",
  beforeConnect: { status: 0x001, dnr: true },
  unknownSubsystem: { status: 0x182, dnr: true },
  hostRefused: { status: 0x184, dnr: true },
  badParameter: { status: 0x182, dnr: true },
  badFormat: { status: 0x180, dnr: true },
  sqsizeMax: 127,
  katoZeroMs: 120_000,
  katoStepMs: 1_000,
  katoResetBy: "anyCommand",
  katoZeroFeature: null,
  katoFeatureResult: "seconds",
  capTimeout: 15,
  version: 0x0002_0100,
  notReady: { status: 0x001, dnr: true },
  badFlags: { status: 0x002, dnr: true },
  badSglLength: { status: 0x00f, dnr: true },
  sglBytesMax: Infinity,
  badNsid: null,
  badOpcode: { status: 0x001, dnr: true },
  badField: { status: 0x002, dnr: true },
  sn: "5f6b0a1c2d3e4f50",
  mn: "Linux",
  mdts: 0,
  // Yet four requests are taken.
  aerl: 0,
  ctratt: 0,
  eventRequestsMax: 4,
  eventLimit: { status: 0x105, dnr: true },
  eventsByDefault: "off",
  eventBits: discoveryChangeBit,
  eventsAtTeardown: { status: 0x006, dnr: true },
  badLogPage: { status: 0x002, dnr: true },
  logPastEnd: "foreignMemory",
  refusedReadUnmasks: true,
  currentRecord: true,
  currentRecordFlags: 0,
  // Bit 2: SQ flow control may be turned off.
  recordTreq: 4,
  recordAsqsz: 32,
  logScope: "node",
  linkHeardBy: "allowedHosts",
  listensWithoutSubsystems: false,
};

const spdk: Quirks = {
  name: "spdk",
  maxh2cdata: 131_072,
  hpdaMustBeZero: false,
  termReq: true,
  termReqWaitMs: 30_000,
  badDataDigest: { status: 0x022, dnr: false },
  c2hDataBytesMax: 131_072,
  successFlag: "flowControlOff",
  beforeConnect: { status: 0x00c, dnr: false },
  unknownSubsystem: { status: 0x182, dnr: false },
  hostRefused: { status: 0x184, dnr: false },
  badParameter: { status: 0x182, dnr: false },
  badFormat: { status: 0x180, dnr: false },
  sqsizeMax: 127,
  katoZeroMs: 120_000,
  // KAS 100 × 100 ms, which is also its smallest timeout.
  katoStepMs: 10_000,
  katoResetBy: "keepAlive",
  katoZeroFeature: { status: 0x01a, dnr: false },
  katoFeatureResult: "zero",
  capTimeout: 30,
  version: 0x0001_0400,
  notReady: { status: 0x00c, dnr: false },
  badFlags: null,
  badSglLength: null,
  sglBytesMax: 131_072,
  badNsid: { status: 0x002, dnr: false },
  badOpcode: { status: 0x001, dnr: false },
  badField: { status: 0x002, dnr: false },
  sn: "",
  mn: "",
  mdts: 5,
  aerl: 3,
  ctratt: 1,
  eventRequestsMax: 4,
  eventLimit: { status: 0x105, dnr: false },
  eventsByDefault: "onWithKato",
  eventBits: 0xffff_ffff,
  eventsAtTeardown: null,
  badLogPage: { status: 0x002, dnr: false },
  logPastEnd: "zeros",
  refusedReadUnmasks: false,
  // Only with a listener added to the discovery subsystem itself.
  currentRecord: false,
  currentRecordFlags: 3,
  recordTreq: 0,
  recordAsqsz: 128,
  logScope: "target",
  linkHeardBy: "everybody",
  listensWithoutSubsystems: true,
};

export const quirks = { nvmet, spdk } as const;
export type TargetKind = keyof typeof quirks;

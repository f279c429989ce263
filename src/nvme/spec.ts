/**
 * Numbers of the specifications, by their names there. Values only; no code, no choices of ours.
 * Sources: NVMe/TCP Transport 1.0 (TCP), NVMe Base 2.1 (B21), Linux include/linux/nvme.h and nvme-tcp.h.
 */

/** Well-known discovery subsystem (B21 §3.1.3.3). */
export const discoveryNqn = "nqn.2014-08.org.nvmexpress.discovery";
/** Port of the discovery service where none is named (IANA nvme-disc). */
export const discoveryPort = 8009;

/** PDU types (TCP §3.6.2). Bit 0 tells the direction: 1 is controller to host. */
export const pduType = {
  icReq: 0x00,
  icResp: 0x01,
  h2cTermReq: 0x02,
  c2hTermReq: 0x03,
  capsuleCmd: 0x04,
  capsuleResp: 0x05,
  h2cData: 0x06,
  c2hData: 0x07,
  r2t: 0x09,
} as const;

/** FLAGS of the common header (TCP §3.6.1); not every bit means something in every type. */
export const pduFlag = { headerDigest: 1, dataDigest: 2, lastPdu: 4, success: 8 } as const;

/** Bytes of the common header. */
export const commonHeaderBytes = 8;
/** Bytes of a header or data digest. */
export const digestBytes = 4;
/** Bytes of an offending header that a TermReq carries at most: PLEN is at most 152 (TCP §3.6.2.4). */
export const termReqDataBytesMax = 128;

/** FES of a TermReq (TCP §3.6.2.4 and §3.6.2.5). */
export const fatalErrorStatus = {
  invalidHeaderField: 1,
  sequenceError: 2,
  headerDigestError: 3,
  dataOutOfRange: 4,
  limitExceeded: 5,
  unsupportedParameter: 6,
} as const;

/** Bytes of a submission and of a completion queue entry (B21 §4.1, §4.2). */
export const sqeBytes = 64;
export const cqeBytes = 16;

/** Admin command set (B21 §5) and fabrics. */
export const opcode = {
  getLogPage: 0x02,
  identify: 0x06,
  abort: 0x08,
  setFeatures: 0x09,
  getFeatures: 0x0a,
  asyncEventRequest: 0x0c,
  keepAlive: 0x18,
  fabrics: 0x7f,
} as const;

/** FCTYPE (B21 §6). */
export const fabricsType = {
  propertySet: 0,
  connect: 1,
  propertyGet: 4,
  authSend: 5,
  authReceive: 6,
  disconnect: 8,
} as const;

/** PSDT 01b in FLAGS: the data pointer is an SGL; demanded of every fabrics command (B21 §4.1.1). */
export const sqeFlagsSgl = 0x40;

/** SGL1 identifier: data block at an offset of the capsule, or data moved by the transport (B21 §4.3.2). */
export const sglType = { inCapsule: 0x01, transport: 0x5a } as const;

/** Property offsets (B21 §3.1.4). */
export const register = { cap: 0x00, vs: 0x08, cc: 0x14, csts: 0x1c } as const;

/** CC values: IOCQES 4, IOSQES 6, EN; the second asks for a normal shutdown as well (B21 §3.1.4.5). */
export const controllerConfiguration = { enable: 0x00460001, shutdownNormal: 0x00464001 } as const;

/** Feature identifiers (B21 §5.1.25). */
export const feature = { asyncEventConfig: 0x0b, keepAliveTimer: 0x0f } as const;

/** DW0 of the event "discovery log page changed": notice, information F0h, log page 70h (B21 §5.1.2). */
export const discoveryChangeEvent = 0x0070f002;
/** Bit 31 of OAES and of the asynchronous event configuration. */
export const discoveryChangeBit = 0x8000_0000;

export const logPage = { discovery: 0x70 } as const;

/** SUBTYPE of a discovery log entry (B21 §5.1.12.3.1): `current` is the discovery subsystem that answers. */
export const recordSubtype = { referral: 1, nvm: 2, current: 3 } as const;
export const transportType = { rdma: 1, fc: 2, tcp: 3, loop: 254 } as const;
export const addressFamily = { ipv4: 1, ipv6: 2, ib: 3, fc: 4, loop: 254 } as const;

/** CNTLID of a Connect or a log entry: the controller chooses (B21 §6.3). */
export const cntlidDynamic = 0xffff;

/** Bytes of the structures. */
export const connectDataBytes = 1024;
export const identifyBytes = 4096;
export const logHeaderBytes = 1024;
export const logRecordBytes = 1024;

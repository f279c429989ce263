/**
 * Records that no decent target writes: strings that could add options to a connect, addresses that mean the host
 * itself, other transports, a node's own address in other spellings, plain noise.
 *
 * All but these are to be refused: a real record twice, the node itself in any spelling (`self`), and a referral to an
 * address where nobody is (`dead`).
 */
import { formatIpAddress, parseIpAddress } from "../../src/base/address.ts";
import type { Random } from "../../src/base/random.ts";
import {
  addressFamily,
  discoveryNqn,
  logRecordBytes,
  recordSubtype,
  transportType,
} from "../../src/nvme/spec.ts";
import type { FabricAddress } from "./fabric.ts";
import type { FabricRecord } from "./fabric_log.ts";

export interface HostileContext {
  readonly self: FabricAddress;
  /** Discovery addresses of the cluster. */
  readonly live: readonly FabricAddress[];
  /** Of subsystems. */
  readonly nqns: readonly string[];
}

const nqn = "nqn.2024-01.org.example:hostile";

const hostileNqns = [
  `${nqn},hostnqn=nqn.2024-01.org.example:evil`,
  `${nqn},duplicate_connect`,
  `${nqn}\nsecond line`,
  `${nqn} with blanks`,
  `${nqn}\t`,
  `${nqn}"quoted"\u0007`,
  `${nqn}-ü`,
  `nqn.${"x".repeat(219)}`,
  "x".repeat(223),
  "x".repeat(256),
  "",
  "DHHC-1:00:bm9ib2R5IG1heSBldmVyIHNlZSB0aGlzIHNlY3JldCBrZXku:",
  `${nqn}:dhhc-1:00:bm9ib2R5IG1heSBldmVyIHNlZSB0aGlzIHNlY3JldCBrZXku:`,
  discoveryNqn,
];

const hostileAddresses = [
  "0.0.0.0",
  "::",
  "::ffff:0.0.0.0",
  "0:0:0:0:0:0:0:0",
  "not-an-address",
  "10.0.0.1,host_iface=lo",
  "10.0. 0.1",
  "010.0.0.1",
  "10.0.0",
  "10.0.0.1.1",
  "::1::",
  "10.0.0.1%eth0",
  "",
  "\u0001",
  "1".repeat(255),
];

const hostilePorts = ["0", "65536", "-1", "8009x", "", "4420,tls", "0x1f49", "4420.0", "\n"];

/** One to six of them, drawn. */
export function hostileRecords(random: Random, context: HostileContext): FabricRecord[] {
  const count = 1 + Math.floor(random() * 6);
  return Array.from({ length: count }, () => pick(random, kinds)(random, context));
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!;
}

function record(change: FabricRecord): FabricRecord {
  return {
    adrfam: addressFamily.ipv4,
    subtype: recordSubtype.nvm,
    portid: 1,
    trsvcid: "4420",
    traddr: "10.0.0.1",
    subnqn: nqn,
    ...change,
  };
}

const kinds: readonly ((random: Random, context: HostileContext) => FabricRecord)[] = [
  (random) => record({ subnqn: pick(random, hostileNqns.filter((text) => !fits(text))) }),
  (random) => record({ traddr: pick(random, hostileAddresses) }),
  (random) => record({ trsvcid: pick(random, hostilePorts) }),
  (random) =>
    record({ subtype: recordSubtype.referral, traddr: pick(random, hostileAddresses), subnqn: discoveryNqn }),
  (random) =>
    record({ subtype: recordSubtype.referral, trsvcid: pick(random, hostilePorts), subnqn: discoveryNqn }),
  (random) => record({ subtype: pick(random, [0, 4, 255]) }),
  (random) =>
    record({ trtype: pick(random, [transportType.rdma, transportType.fc, transportType.loop, 0, 99]) }),
  // The node itself, as referral and as its own record.
  (random, { self }) =>
    record({
      subtype: pick(random, [recordSubtype.referral, recordSubtype.current]),
      traddr: pick(random, spellings(self.traddr)),
      trsvcid: String(self.trsvcid),
      subnqn: discoveryNqn,
    }),
  // Dead: nobody is there.
  (random) =>
    record({
      subtype: recordSubtype.referral,
      traddr: `192.0.2.${1 + Math.floor(random() * 9)}`,
      trsvcid: "8009",
      subnqn: discoveryNqn,
      portid: 65_535,
      cntlid: 0,
    }),
  (random, { live }) => {
    const { traddr, trsvcid } = pick(random, live);
    const subtype = recordSubtype.referral;
    return record({ subtype, traddr, trsvcid: String(trsvcid), subnqn: discoveryNqn });
  },
  (random) => ({
    raw: Uint8Array.from({ length: logRecordBytes }, () => Math.floor(random() * 256)),
  }),
];

/** Fits into the field of 256 bytes and is an NQN that the kernel takes: no hostile one. */
function fits(text: string): boolean {
  const plain = /^nqn\.[\x21-\x2b\x2d-\x7e]+$/.test(text) && text.length <= 222;
  return plain && text !== discoveryNqn && !/dhhc-1:/i.test(text);
}

/** The same address, written in other ways. */
function spellings(traddr: string): string[] {
  const address = parseIpAddress(traddr)!;
  const plain = formatIpAddress(address);
  if (address.family === 4) return [plain, `::ffff:${plain}`, `::FFFF:${plain}`];
  const groups = Array.from({ length: 8 }, (_, at) => {
    return ((address.bytes[2 * at]! << 8) | address.bytes[2 * at + 1]!).toString(16).padStart(4, "0");
  });
  return [plain, groups.join(":"), groups.join(":").toUpperCase()];
}

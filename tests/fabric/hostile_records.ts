/**
 * Records that no decent target writes: strings that could add options to a connect, addresses that mean the host
 * itself, other transports, a node's own address in other spellings, plain noise.
 *
 * None of them is a path that is not there anyhow, and as referrals a host may take these alone (`leads`):
 * - `real`: a referral to a live node, or a record that the node tells, once more, perhaps padded, perhaps with another
 *   address family: same path, same endpoint;
 * - `self`: a referral to the node itself, in any spelling;
 * - `dead`: a referral to 192.0.2.x:8009 (TEST-NET-1, RFC 5737), where nobody is: a new endpoint that never answers.
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
import type { FabricAddress } from "./fabric_node.ts";
import type { FabricRecord } from "./fabric_log.ts";

export interface HostileContext {
  /** Discovery address of the node that tells them. */
  readonly self: FabricAddress;
  /** Discovery addresses of the cluster. */
  readonly live: readonly FabricAddress[];
  /** Of subsystems. */
  readonly nqns: readonly string[];
  /** What the node tells every host, to be told again; none when left out. */
  readonly records?: readonly FabricRecord[];
}

export interface HostileKind {
  readonly name: string;
  /** Where a host may let such a record lead; null when it is to be refused, or passed over. */
  readonly leads: "real" | "self" | "dead" | null;
  readonly draw: (random: Random, context: HostileContext) => FabricRecord;
}

/** One to six of them, drawn. */
export function hostileRecords(random: Random, context: HostileContext): FabricRecord[] {
  const count = 1 + Math.floor(random() * 6);
  return Array.from({ length: count }, () => pick(random, hostileKinds).draw(random, context));
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!;
}

/** Beside what is odd about it, such a record is a path that nobody has: were it taken, it would show. */
const hostileNqn = "nqn.2024-01.org.example:hostile";

function record(change: FabricRecord): FabricRecord {
  return {
    adrfam: addressFamily.ipv4,
    subtype: recordSubtype.nvm,
    portid: 1,
    trsvcid: "4420",
    traddr: "10.0.0.1",
    subnqn: hostileNqn,
    ...change,
  };
}

function referral({ traddr, trsvcid }: FabricAddress, change: FabricRecord = {}): FabricRecord {
  const subtype = recordSubtype.referral;
  return record({ subtype, traddr, trsvcid: String(trsvcid), subnqn: discoveryNqn, ...change });
}

/** Behind a name, of a subsystem too. */
const badEndings = [
  ",hostnqn=nqn.2024-01.org.example:evil",
  ",duplicate_connect",
  ",dhchap_secret=x",
  ",",
  "\n",
  "\nsecond line",
  "\r\n,hostid=x",
  "\t",
  " with blanks",
  '"quoted"\u0007',
  "\u001b[2J",
  "\u007f",
  "-ü",
  "\u202e",
  "\u00a0",
  ":DHHC-1:00:bm9ib2R5IG1heSBldmVyIHNlZSB0aGlzIHNlY3JldCBrZXku:",
  ":dhhc-1:00:bm9ib2R5IG1heSBldmVyIHNlZSB0aGlzIHNlY3JldCBrZXku:",
];

const badNames = [
  "",
  " ",
  "nqn.x,hostnqn=evil",
  "DHHC-1:00:bm9ib2R5IG1heSBldmVyIHNlZSB0aGlzIHNlY3JldCBrZXku:",
  "NVMeTLSkey-1:01:bm9ib2R5IG1heSBldmVyIHNlZSB0aGlzIHNlY3JldCBrZXku:",
  // The kernel takes 222 characters.
  `nqn.${"x".repeat(219)}`,
  "x".repeat(223),
  "x".repeat(256),
  // Would be made a discovery controller of, at every attempt anew.
  discoveryNqn,
];

const wildcards = ["0.0.0.0", "::", "::ffff:0.0.0.0", "0:0:0:0:0:0:0:0", "0000::0.0.0.0", "::FFFF:0:0"];

const badAddresses = [
  ...wildcards,
  "not-an-address",
  "localhost",
  "10.0.0.1,host_iface=lo",
  "10.0.0.1:4420",
  "[fd00::1]",
  "10.0. 0.1",
  " 10.0.0.1",
  "010.0.0.1",
  "10.0.0.01",
  "::ffff:010.0.0.1",
  "10.0.0",
  "10.0.0.1.1",
  "10.0.0.256",
  "167772161",
  "0x0a000001",
  "::1::",
  "fd00:::1",
  "10.0.0.1%eth0",
  "fe80::1%",
  "fe80::1%eth0,ctrl_loss_tmo=0",
  "",
  "\u0001",
  "10.0.0.1\n",
  "1".repeat(255),
];

const badPorts = [
  "0",
  "65536",
  "-1",
  "8009x",
  "",
  " 4420",
  "04420",
  "4420,tls",
  "0x1f49",
  "4420.0",
  "\n",
  "+4420",
];

const noTcp = [transportType.rdma, transportType.fc, transportType.loop, 0, 99];

function badName(random: Random, { nqns }: HostileContext): string {
  const ending = pick(random, badEndings);
  const name = pick(random, [hostileNqn, ...nqns]);
  return random() < 0.4 ? pick(random, badNames) : (name.length > 150 ? hostileNqn : name) + ending;
}

/** Where nothing is wrong but one field: of a volume, and of a referral. */
function volumeOrReferral(random: Random, change: FabricRecord): FabricRecord {
  return random() < 0.5 ? record(change) : referral({ traddr: "10.0.0.1", trsvcid: 4420 }, change);
}

function randomBytes(random: Random): Uint8Array {
  return Uint8Array.from({ length: logRecordBytes }, () => Math.floor(random() * 256));
}

/** All kinds, each as likely as the other. */
export const hostileKinds: readonly HostileKind[] = [
  { name: "bad name", leads: null, draw: (random, context) => record({ subnqn: badName(random, context) }) },
  {
    name: "bad name of a live address",
    leads: null,
    draw: (random, context) =>
      record({
        ...referral(pick(random, context.live)),
        subtype: recordSubtype.nvm,
        subnqn: badName(random, context),
      }),
  },
  {
    name: "longest name at no address",
    leads: null,
    draw: (random) => record({ subnqn: `nqn.${"x".repeat(218)}`, traddr: pick(random, wildcards) }),
  },
  {
    name: "bad address",
    leads: null,
    draw: (random) => volumeOrReferral(random, { traddr: pick(random, badAddresses) }),
  },
  {
    name: "bad port",
    leads: null,
    draw: (random) => volumeOrReferral(random, { trsvcid: pick(random, badPorts) }),
  },
  { name: "unknown subtype", leads: null, draw: (random) => record({ subtype: pick(random, [0, 4, 255]) }) },
  {
    name: "other transport",
    leads: null,
    draw: (random) => volumeOrReferral(random, { trtype: pick(random, noTcp) }),
  },
  {
    name: "own record",
    leads: null,
    draw: (random, { self }) =>
      referral(self, { subtype: recordSubtype.current, traddr: pick(random, spellings(self.traddr)) }),
  },
  {
    name: "itself as a volume",
    leads: null,
    draw: (random, { self }) =>
      referral(self, { subtype: recordSubtype.nvm, traddr: pick(random, spellings(self.traddr)) }),
  },
  {
    name: "referral to itself",
    leads: "self",
    draw: (random, { self }) => referral(self, { traddr: pick(random, spellings(self.traddr)) }),
  },
  {
    name: "dead referral",
    leads: "dead",
    draw: (random) =>
      referral({ traddr: `192.0.2.${1 + Math.floor(random() * 9)}`, trsvcid: 8009 }, {
        portid: pick(random, [0, 65_535]),
        cntlid: pick(random, [0, 0xfff0, 0xfffe]),
      }),
  },
  { name: "duplicate referral", leads: "real", draw: (random, { live }) => referral(pick(random, live)) },
  {
    name: "referral in other words",
    leads: "real",
    draw: (random, { live }) => {
      const address = pick(random, live);
      const { traddr, trsvcid } = address;
      return referral(address, {
        traddr: pick(random, spellings(traddr)) + pick(random, ["", " ", "   ", "\0", "\0behind"]),
        trsvcid: trsvcid + pick(random, ["", "  ", "\0", "\x001"]),
        subnqn: discoveryNqn + pick(random, ["", " ", "\0,hostnqn=evil"]),
        // Nobody goes by it: the address says what it is.
        adrfam: pick(random, [0, addressFamily.ipv4, addressFamily.ipv6, 254]),
      });
    },
  },
  {
    name: "duplicate",
    leads: "real",
    draw: (random, { live, records = [] }) =>
      records.length > 0 ? { ...pick(random, records) } : referral(pick(random, live)),
  },
  { name: "noise", leads: null, draw: (random) => ({ raw: randomBytes(random) }) },
  {
    name: "noise over TCP",
    leads: null,
    draw: (random) => {
      const raw = randomBytes(random);
      raw.set([
        transportType.tcp,
        addressFamily.ipv4,
        pick(random, [recordSubtype.nvm, recordSubtype.referral]),
      ]);
      return { raw };
    },
  },
];

/** The same address, written in other ways. */
function spellings(traddr: string): string[] {
  const address = parseIpAddress(traddr)!;
  const plain = formatIpAddress(address);
  if (address.family === 4) {
    const hex = address.bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return [plain, `::ffff:${plain}`, `::FFFF:${plain}`, `0:0::ffff:${hex.slice(0, 4)}:${hex.slice(4)}`];
  }
  const groups = Array.from({ length: 8 }, (_, at) => {
    return ((address.bytes[2 * at]! << 8) | address.bytes[2 * at + 1]!).toString(16).padStart(4, "0");
  });
  return [plain, groups.join(":"), groups.join(":").toUpperCase()];
}

/** Referrals to so many addresses where nobody is. */
export function deadReferrals(count: number): FabricRecord[] {
  return Array.from({ length: count }, (_, at) => ({
    subtype: recordSubtype.referral,
    adrfam: addressFamily.ipv4,
    portid: 1,
    // The network for benchmarks (RFC 2544): in memory, nobody real is asked.
    traddr: `198.18.${at >> 8}.${at & 255}`,
    trsvcid: "8009",
    subnqn: discoveryNqn,
  }));
}

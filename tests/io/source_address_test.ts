import { parseIpAddress } from "../../src/base/address.ts";
import { TransportError } from "../../src/base/errors.ts";
import { type SourceAddress, sourceAddress, type WantedSource } from "../../src/io/source_address.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";

const interfaces = [
  { name: "lo", address: "127.0.0.1" },
  { name: "eth0", address: "10.0.0.9" },
  { name: "eth0", address: "10.0.7.9" },
  { name: "eth0", address: "fd00:1::9" },
  { name: "eth0", address: "fe80::9" },
  { name: "eth1", address: "10.0.0.8" },
];

function source(traddr: string, wanted: WantedSource): SourceAddress | null {
  const address = parseIpAddress(traddr);
  assert(address !== null);
  return sourceAddress(address, wanted, `${traddr}:8009`, () => interfaces);
}

const rows: [what: string, traddr: string, wanted: WantedSource, expected: SourceAddress | null][] = [
  ["nothing wanted", "10.0.0.1", {}, null],
  ["an address", "10.0.0.1", { hostTraddr: "10.0.0.9" }, { bindTo: "10.0.0.9", granted: ["10.0.0.9"] }],
  [
    "an address and an interface: the address tells",
    "10.0.0.1",
    { hostTraddr: "10.0.0.9", hostIface: "eth1" },
    { bindTo: "10.0.0.9", granted: ["10.0.0.9"] },
  ],
  ["an IPv6 address", "fd00::1", { hostTraddr: "fd00:1::9" }, {
    bindTo: "fd00:1::9",
    granted: ["fd00:1::9"],
  }],
  [
    "a link-local address, which the runtime cannot bind",
    "fe80::1%eth0",
    { hostTraddr: "fe80::9%eth0" },
    { granted: ["fe80::9%eth0"] },
  ],
  [
    "an interface: its address nearest to the other side",
    "10.0.7.1",
    { hostIface: "eth0" },
    { bindTo: "10.0.7.9", granted: ["10.0.7.9", "10.0.0.9"] },
  ],
  ["an interface, IPv6", "fd00:2::1", { hostIface: "eth0" }, { bindTo: "fd00:1::9", granted: ["fd00:1::9"] }],
  ["an interface, link-local", "fe80::1%eth0", { hostIface: "eth0" }, { granted: ["fe80::9"] }],
];

for (const [what, traddr, wanted, expected] of rows) {
  Deno.test(`sourceAddress() answers for ${what}`, () => assertEquals(source(traddr, wanted), expected));
}

const badRows: [traddr: string, wanted: WantedSource, code: string, part: string][] = [
  [
    "10.0.0.1",
    { hostTraddr: "fd00::9" },
    "EAFNOSUPPORT",
    "its address is IPv4, and the source fd00::9 is not",
  ],
  [
    "fd00::1",
    { hostTraddr: "10.0.0.9" },
    "EAFNOSUPPORT",
    "its address is IPv6, and the source 10.0.0.9 is not",
  ],
  ["10.0.0.1", { hostIface: "eth2" }, "ENODEV", "there is no interface eth2"],
  [
    "fd00::1",
    { hostIface: "eth1" },
    "EADDRNOTAVAIL",
    "the interface eth1 has no IPv6 address that reaches it",
  ],
  ["fe80::1%eth1", { hostIface: "eth1" }, "EADDRNOTAVAIL", "no IPv6 address"],
];

for (const [traddr, wanted, code, part] of badRows) {
  Deno.test(`sourceAddress() refuses ${JSON.stringify(wanted)} for ${traddr}`, () => {
    assertEquals(assertThrows(() => source(traddr, wanted), TransportError, part).code, code);
  });
}

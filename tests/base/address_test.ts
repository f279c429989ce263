import { fc } from "../property.ts";
import { assert, assertEquals } from "../assert.ts";
import {
  canonicalAddress,
  formatHostPort,
  formatIpAddress,
  isHostName,
  isIpAddress,
  parseIpAddress,
  parsePort,
  sameAddress,
  splitHostPort,
} from "../../src/base/address.ts";

Deno.test("parseIpAddress() reads every spelling", () => {
  const rows: [text: string, canonical: string][] = [
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["0000:0000:0000:0000:0000:0000:0000:0001", "::1"],
    ["2001:DB8::A", "2001:db8::a"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["1:0:0:2::", "1:0:0:2::"],
    ["64:ff9b::10.0.0.1", "64:ff9b::a00:1"],
    ["1:2:3:4:5:6:10.0.0.1", "1:2:3:4:5:6:a00:1"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["::ffff:a00:1", "10.0.0.1"],
    ["fe80::1%eth0", "fe80::1%eth0"],
    ["FE80:0::1%2", "fe80::1%2"],
  ];
  for (const [text, canonical] of rows) {
    assertEquals(canonicalAddress(text), canonical, text);
    assert(isIpAddress(text), text);
  }
});

Deno.test("parseIpAddress() refuses what is no address", () => {
  const bad = [
    "",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.-4",
    " 1.2.3.4",
    "1.2.3.4 ",
    "1.2.3.4%eth0",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::12345",
    "::g",
    "1.2.3.4::",
    "1.2.3.4::1",
    "::1.2.3",
    "::1.2.3.4:5",
    "fe80::1%",
    "fe80::1%a/b",
    "fe80::1%0123456789abcdef",
    "[::1]",
    "node1",
    "::1\0",
    "1:2:3:4:5:6:7:1.2.3.4",
  ];
  for (const text of bad) assertEquals(parseIpAddress(text), null, text);
  assertEquals(parseIpAddress(`::${"0".repeat(100)}`), null);
});

Deno.test("property: formatIpAddress() is read back as the same bytes", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV6(), fc.ipV4()), (text) => {
    const address = parseIpAddress(text);
    assert(address !== null, text);
    const again = formatIpAddress(address);
    assertEquals(parseIpAddress(again), address);
    assertEquals(canonicalAddress(again), again);
    assert(sameAddress(text, again));
  }));
});

Deno.test("sameAddress() compares addresses, not texts", () => {
  const rows: [string, string, boolean][] = [
    ["::1", "0:0:0:0:0:0:0:1", true],
    ["10.0.0.1", "::ffff:10.0.0.1", true],
    ["10.0.0.1", "10.0.0.2", false],
    ["10.0.0.1", "::a00:1", false],
    ["fe80::1%eth0", "fe80::1", true],
    ["fe80::1%eth0", "fe80::1%eth0", true],
    ["fe80::1%eth0", "fe80::1%eth1", false],
    ["Node1.example.", "node1.example", true],
    ["node1", "node2", false],
    ["node1", "10.0.0.1", false],
  ];
  for (const [a, b, same] of rows) {
    assertEquals([sameAddress(a, b), sameAddress(b, a)], [same, same], `${a} ${b}`);
  }
});

Deno.test("isHostName() knows host names from addresses and nonsense", () => {
  for (const name of ["a", "node-1", "node_1.example.", "1a.b", "a".repeat(63), "xn--nxasmq6b"]) {
    assert(isHostName(name), name);
  }
  const bad = [
    "",
    ".",
    "-a",
    "a-",
    "a..b",
    ".a",
    "10.0.0.1",
    "10",
    "a b",
    "a/b",
    "a,b",
    "ü",
    "a".repeat(64),
    "a\0",
    `${"a.".repeat(127)}`,
  ];
  for (const name of bad) assert(!isHostName(name), name);
});

Deno.test("splitHostPort() takes host and port apart", () => {
  const rows: [text: string, expected: { host: string; port?: string } | null][] = [
    ["10.0.0.1", { host: "10.0.0.1" }],
    ["10.0.0.1:8009", { host: "10.0.0.1", port: "8009" }],
    ["10.0.0.1:", { host: "10.0.0.1", port: "" }],
    ["fe80::1", { host: "fe80::1" }],
    ["fe80::1%eth0", { host: "fe80::1%eth0" }],
    ["[fe80::1%eth0]:8009", { host: "fe80::1%eth0", port: "8009" }],
    ["[::1]", { host: "::1" }],
    ["[::1]:", { host: "::1", port: "" }],
    ["[::ffff:10.0.0.1]:1", { host: "::ffff:10.0.0.1", port: "1" }],
    ["node1:8009", { host: "node1", port: "8009" }],
    ["", null],
    [":8009", null],
    ["[10.0.0.1]:8009", null],
    ["[node1]:8009", null],
    ["[a:b]:8009", null],
    ["[]:8009", null],
    ["[::1]8009", null],
    ["[::1", null],
    ["::1]", null],
    ["[a:1", null],
    ["a:b:c", null],
    ["10.0.0.1:80:90", null],
  ];
  for (const [text, expected] of rows) assertEquals(splitHostPort(text), expected, text);
});

Deno.test("formatHostPort() is read back by splitHostPort()", () => {
  for (const host of ["10.0.0.1", "fe80::1%eth0", "node1"]) {
    assertEquals(splitHostPort(formatHostPort(host, 8009)), { host, port: "8009" });
  }
  assertEquals(formatHostPort("::1", 1), "[::1]:1");
});

Deno.test("parsePort() takes plain decimal from 1 to 65535 only", () => {
  for (const port of [1, 80, 8009, 65_535]) assertEquals(parsePort(String(port)), port);
  for (
    const text of [
      "",
      "0",
      "65536",
      "99999",
      "100000",
      "08009",
      "+1",
      "-1",
      "1.5",
      "1e3",
      "0x50",
      " 80",
      "80\n",
    ]
  ) {
    assertEquals(parsePort(text), undefined, JSON.stringify(text));
  }
});

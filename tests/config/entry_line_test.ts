import { fc } from "../property.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { formatIpAddress, parseIpAddress } from "../../src/base/address.ts";
import { Secret } from "../../src/base/secret.ts";
import { parseEntryFile } from "../../src/config/entry_file.ts";
import { formatEntryFile, formatEntryLine } from "../../src/config/entry_line.ts";
import type { ConnectOptions } from "../../src/model/connect_options.ts";
import type { Entry } from "../../src/model/entry.ts";

type EntryWish = Omit<Entry, "origin">;

const plain: EntryWish = {
  cluster: { subsysnqn: "nqn.2016-01.com.lightbitslabs:uuid:s", hostnqn: "nqn.2014-08.org.example:h" },
  transport: "tcp",
  traddr: "10.0.0.1",
  trsvcid: 8009,
  persistent: false,
  options: {},
};

Deno.test("formatEntryLine() writes the predecessor's line", () => {
  assertEquals(
    formatEntryLine(plain),
    "-t tcp -a 10.0.0.1 -s 8009 -q nqn.2014-08.org.example:h -n nqn.2016-01.com.lightbitslabs:uuid:s",
  );
  const hostid = "00112233-4455-6677-8899-aabbccddeeff";
  assert(formatEntryLine({ ...plain, hostid }).endsWith(` -I ${hostid}`));
  assertEquals(formatEntryFile([]), "");
  assertEquals(formatEntryFile([plain]), `${formatEntryLine(plain)}\n`);
});

Deno.test("formatEntryLine() writes values that begin like an option so that they are read back", () => {
  const cluster = { subsysnqn: "-n", hostnqn: '-q"#' };
  const entry = { ...plain, cluster, options: { hostIface: "-eth", ctrlLossTmo: -1, fastIoFailTmo: -1 } };
  const line = formatEntryLine(entry);
  assert(line.endsWith(" -f=-eth -l -1 -F -1"), line);
  const read = parseEntryFile("f", new TextEncoder().encode(line));
  assertEquals(read.errors, []);
  assertEquals(read.entries, [{ ...entry, origin: { file: "f", line: 1 } }]);
});

Deno.test("formatEntryLine() refuses to write secrets", () => {
  const entry = { ...plain, options: { dhchapSecret: new Secret("DHHC-1:00:x:") } };
  assertThrows(() => formatEntryLine(entry), AssertionError, "secret");
});

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((text) => formatIpAddress(parseIpAddress(text) ?? { family: 4, bytes: [1, 2, 3, 4] })),
  fc.constantFrom("fe80::1%eth0", "node1", "node-1.example", "a_b.c"),
);
const nqn = fc.string({ unit: fc.constantFrom(..."abz09.:-_#'\"\\=%$&"), minLength: 1, maxLength: 60 })
  .map((tail) => `nqn.2024-05.org.example:x${tail}`);
const seconds = fc.integer({ min: 1, max: 100_000 });
const securities = fc.constantFrom<ConnectOptions>(
  {},
  { tls: true },
  { concat: true },
  { tls: true, tlsKey: "0xab" },
  { tls: true, tlsKey: "17", keyring: "99" },
  { tls: true, keyring: ".nvme" },
  { concat: true, keyring: "0x7fffffff" },
);
const plainOptions = fc.record({
  hostTraddr: fc.ipV4(),
  hostIface: fc.constantFrom("eth0", "bond0.100", "enp1s0f0np0"),
  ctrlLossTmo: fc.integer({ min: -1, max: 10_000 }),
  keepAliveTmo: seconds,
  reconnectDelay: seconds,
  nrIoQueues: fc.integer({ min: 1, max: 128 }),
  nrWriteQueues: fc.integer({ min: 1, max: 128 }),
  nrPollQueues: fc.integer({ min: 1, max: 128 }),
  queueSize: fc.integer({ min: 16, max: 1024 }),
  fastIoFailTmo: fc.integer({ min: -1, max: 10_000 }),
  tos: fc.integer({ min: 0, max: 255 }),
  disableSqflow: fc.constant(true as const),
  hdrDigest: fc.constant(true as const),
  dataDigest: fc.constant(true as const),
}, { requiredKeys: [], noNullPrototype: true });
const options = fc.tuple(plainOptions, securities).map(([plain, security]) => ({ ...plain, ...security }));
const entry: fc.Arbitrary<EntryWish> = fc.record({
  cluster: fc.record({ subsysnqn: nqn, hostnqn: nqn }, { noNullPrototype: true }),
  transport: fc.constant("tcp" as const),
  traddr: address,
  trsvcid: fc.integer({ min: 1, max: 65_535 }),
  hostid: fc.uuid({ version: 4 }),
  persistent: fc.boolean(),
  options,
}, {
  requiredKeys: ["cluster", "transport", "traddr", "trsvcid", "persistent", "options"],
  noNullPrototype: true,
});

Deno.test("property: parseEntryFile() reads back what formatEntryLine() writes", () => {
  fc.assert(
    fc.property(entry, (wish) => {
      const { entries, errors } = parseEntryFile("a", new TextEncoder().encode(formatEntryFile([wish])));
      assertEquals(errors, []);
      assertEquals(entries, [{ ...wish, origin: { file: "a", line: 1 } }]);
    }),
    { numRuns: 500 },
  );
});

Deno.test("property: parseEntryFile() answers to any bytes, and its entries hold nothing that could add an option", () => {
  const word = fc.constantFrom(
    "-a",
    "-t",
    "tcp",
    "-s",
    "8009",
    "-q",
    "-n",
    "nqn.2024-05.org.example:x",
    "10.0.0.1",
    "=",
    "'",
    '"',
    "#",
    ",",
    "\n",
    " ",
    "--",
    "-",
    "--tls",
    "-l-1",
    "\\",
    "\t",
    "\r",
  );
  const text = fc.oneof(
    fc.array(fc.oneof(word, fc.string()), { maxLength: 30 }).map((parts) =>
      new TextEncoder().encode(parts.join(" "))
    ),
    fc.uint8Array({ maxLength: 300 }),
  );
  fc.assert(
    fc.property(text, (bytes) => {
      const { entries, errors } = parseEntryFile("a", bytes);
      for (const { cluster, traddr, options } of entries) {
        const values = [cluster.hostnqn, cluster.subsysnqn, traddr, ...Object.values(options)];
        assert(values.every((value) => !/[,\p{Cc}\s]/u.test(String(value))));
      }
      for (const error of errors) assert(/^[\x20-\x7e…]+$/.test(error.message), error.message);
    }),
    { numRuns: 2_000 },
  );
});

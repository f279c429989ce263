import { assert, assertEquals } from "../assert.ts";
import { limits } from "../../src/base/limits.ts";
import { type ParsedFile, parseEntryFile } from "../../src/config/entry_file.ts";
import type { Entry } from "../../src/model/entry.ts";

const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
const subsysnqn = "nqn.2016-01.com.lightbitslabs:uuid:cluster-1";
const ids = `-q ${hostnqn} -n ${subsysnqn}`;
const secret = `DHHC-1:01:${"A".repeat(48)}:`;

function parse(text: string): ParsedFile {
  return parseEntryFile("a.conf", new TextEncoder().encode(text));
}

/** The only entry of one line that has no error. */
function only(line: string): Entry {
  const { entries, errors } = parse(line);
  assertEquals(errors, [], line);
  const [entry] = entries;
  assert(entry !== undefined && entries.length === 1, line);
  return entry;
}

/** The only error of one line that gives no entry. */
function errorOf(line: string): { column: number; message: string } {
  const { entries, errors, badLines } = parse(line);
  assertEquals([entries.length, errors.length, badLines], [0, 1, 1], line);
  const [error] = errors;
  assert(error !== undefined);
  assertEquals([error.file, error.line], ["a.conf", 1]);
  assert(/^(Cannot use |Unknown option )/.test(error.message) && !error.message.endsWith("."), error.message);
  return { column: error.column, message: error.message };
}

Deno.test("parseEntryFile() reads the line that consumers write", () => {
  assertEquals(only(`-t tcp -a 192.168.16.10 -s 8009 ${ids} -I 00112233-4455-6677-8899-AABBCCDDEEFF -p\n`), {
    cluster: { subsysnqn, hostnqn },
    transport: "tcp",
    traddr: "192.168.16.10",
    trsvcid: 8009,
    hostid: "00112233-4455-6677-8899-aabbccddeeff",
    persistent: true,
    options: {},
    origin: { file: "a.conf", line: 1 },
  });
});

Deno.test("parseEntryFile() reads every option, short and long, in every spelling", () => {
  const rows: [short: string, long: string, value: string, options: Entry["options"]][] = [
    ["-w", "--host-traddr", "10.0.0.9", { hostTraddr: "10.0.0.9" }],
    ["-f", "--host-iface", "eth0.5", { hostIface: "eth0.5" }],
    ["-l", "--ctrl-loss-tmo", "-1", { ctrlLossTmo: -1 }],
    ["-l", "--ctrl-loss-tmo", "0", { ctrlLossTmo: 0 }],
    ["-k", "--keep-alive-tmo", "0", { keepAliveTmo: 0 }],
    ["-c", "--reconnect-delay", "1", { reconnectDelay: 1 }],
    ["-i", "--nr-io-queues", "65535", { nrIoQueues: 65_535 }],
    ["-Q", "--queue-size", "16", { queueSize: 16 }],
    ["-Q", "--queue-size", "1024", { queueSize: 1_024 }],
    ["-W", "--nr-write-queues", "1", { nrWriteQueues: 1 }],
    ["-P", "--nr-poll-queues", "65535", { nrPollQueues: 65_535 }],
    ["-F", "--fast-io-fail-tmo", "-1", { fastIoFailTmo: -1 }],
    ["-F", "--fast_io_fail_tmo", "2147483", { fastIoFailTmo: 2_147_483 }],
    ["-T", "--tos", "0", { tos: 0 }],
    ["-T", "--tos", "255", { tos: 255 }],
    ["", "--tls --tls-key", "0x1a2B", { tls: true, tlsKey: "0x1a2B" }],
    ["", "--tls --tls_key", "2147483647", { tls: true, tlsKey: "2147483647" }],
    ["", "--tls --keyring", ".nvme", { tls: true, keyring: ".nvme" }],
    ["", "--concat --keyring", "0x7fffffff", { concat: true, keyring: "0x7fffffff" }],
  ];
  for (const [short, long, value, options] of rows) {
    const spellings = [`${long} ${value}`, `${long}=${value}`, `${long} "${value}"`, `${long}='${value}'`];
    if (short !== "") spellings.push(`${short} ${value}`, `${short}=${value}`, `${short}${value}`);
    for (const spelling of spellings) {
      assertEquals(only(`-a 10.0.0.1 ${spelling} ${ids}`).options, options, spelling);
      assertEquals(only(`-a 10.0.0.1 ${ids} ${spelling}`).options, options, spelling);
    }
  }
  const flags: [spelling: string, options: Entry["options"]][] = [
    ["-g", { hdrDigest: true }],
    ["--hdr-digest", { hdrDigest: true }],
    ["--hdr_digest", { hdrDigest: true }],
    ["-G", { dataDigest: true }],
    ["--data-digest=true", { dataDigest: true }],
    ["--data-digest=false", {}],
    ["-gG", { hdrDigest: true, dataDigest: true }],
    ["--tls", { tls: true }],
    ["--concat", { concat: true }],
    ["-d", { disableSqflow: true }],
    ["--disable-sqflow", { disableSqflow: true }],
    ["--disable_sqflow=false", {}],
    ["-gGd", { hdrDigest: true, dataDigest: true, disableSqflow: true }],
  ];
  for (const [spelling, options] of flags) {
    assertEquals(only(`-a 10.0.0.1 ${spelling} ${ids}`).options, options, spelling);
  }
  assertEquals(only(`-pGa 10.0.0.1 ${ids}`).persistent, true);
  assertEquals(only(`-a 10.0.0.1 -p=false ${ids}`).persistent, false);
  assertEquals(only(`-ptcp ${ids} -a 10.0.0.1`.replace("-ptcp", "-pttcp")).transport, "tcp");
});

Deno.test("parseEntryFile() knows each NQN option under its names", () => {
  for (const name of ["-n ", "-n=", "-n", "--nqn ", "--nqn=", "--subsysnqn ", "--subsysnqn="]) {
    assertEquals(only(`-a 10.0.0.1 -q ${hostnqn} ${name}${subsysnqn}`).cluster.subsysnqn, subsysnqn, name);
  }
  for (const name of ["-q ", "-q=", "-q", "--hostnqn ", "--hostnqn="]) {
    assertEquals(only(`-a 10.0.0.1 ${name}${hostnqn} -n ${subsysnqn}`).cluster.hostnqn, hostnqn, name);
  }
});

Deno.test("parseEntryFile() reads addresses with and without port", () => {
  const rows: [options: string, traddr: string, trsvcid: number][] = [
    ["-a 10.0.0.1", "10.0.0.1", 8009],
    ["-a 10.0.0.1:8010", "10.0.0.1", 8010],
    ["-a 10.0.0.1:8010 -s 8010", "10.0.0.1", 8010],
    ["-a 10.0.0.1 -s 1", "10.0.0.1", 1],
    ["-s 65535 -a 10.0.0.1", "10.0.0.1", 65_535],
    ["-a FE80:0:0::1%eth0", "fe80::1%eth0", 8009],
    ["-a [fe80::1%eth0]:8010", "fe80::1%eth0", 8010],
    ["-a [::1]", "::1", 8009],
    ["-a ::ffff:10.0.0.1", "10.0.0.1", 8009],
    ["-a Node1.Example.", "node1.example", 8009],
    ["-a node1:8010", "node1", 8010],
  ];
  for (const [options, traddr, trsvcid] of rows) {
    const entry = only(`${options} ${ids}`);
    assertEquals([entry.traddr, entry.trsvcid, entry.transport], [traddr, trsvcid, "tcp"], options);
  }
});

Deno.test("parseEntryFile() passes over comments, blank lines, tabs, CRLF and a byte order mark", () => {
  const text =
    `\ufeff# made by a driver, ünïcode and "quotes\r\n\r\n \t \n\t-t\ttcp  -a 10.0.0.1 ${ids} # why -a\r\n` +
    `   # indented\n-a 10.0.0.2 ${ids}\r\n-a 10.0.0.3 ${ids}`;
  const { entries, errors } = parse(text);
  assertEquals(errors, []);
  assertEquals(entries.map((entry) => [entry.traddr, entry.origin.line]), [
    ["10.0.0.1", 4],
    ["10.0.0.2", 6],
    ["10.0.0.3", 7],
  ]);
  assertEquals(only(`-a 10.0.0.1\r${ids}\r`).traddr, "10.0.0.1");
  assertEquals(parse("").entries, []);
  assertEquals(parse("#a#b\n").errors, []);
});

Deno.test("parseEntryFile() refuses what cannot be used, with its column and words", () => {
  const rows: [line: string, column: number, part: string][] = [
    [`-a 10.0.0.1 -t rdma ${ids}`, 13, 'Cannot use -t "rdma": expected tcp, the only transport supported'],
    [`-a 10.0.0.1 --transport=TCP ${ids}`, 13, "expected tcp"],
    [`-a 10.0.0.1 -s 0 ${ids}`, 13, 'Cannot use -s "0": expected a port from 1 to 65535'],
    [`-a 10.0.0.1 -s 70000 ${ids}`, 13, 'Cannot use -s "70000": expected a port'],
    [`-a 10.0.0.1 --trsvcid nvme ${ids}`, 13, 'Cannot use --trsvcid "nvme": expected a port'],
    [`-a 10.0.0.1 -s 08009 ${ids}`, 13, "expected a port"],
    [`-a 10.0.0.1:0 ${ids}`, 1, "expected a port from 1 to 65535 after the address"],
    [`-a 10.0.0.1: ${ids}`, 1, "expected a port from 1 to 65535 after the address"],
    [`-a [::1]:70000 ${ids}`, 1, "expected a port from 1 to 65535 after the address"],
    [`-a [node]:8009 ${ids}`, 1, "expected an IP address or host name"],
    [`-a 10.0.0.256 ${ids}`, 1, 'Cannot use -a "10.0.0.256": expected an IP address or host name'],
    [`-a 1:2:3 ${ids}`, 1, "expected an IP address or host name"],
    [`-a fe80::1%toolonginterfacename ${ids}`, 1, "expected an IP address or host name"],
    [`-a 10.0.0.1:8009 -s 8010 ${ids}`, 1, "--traddr says port 8009, --trsvcid says 8010"],
    [`-a 10.0.0.1,host_iface=lo ${ids}`, 1, "expected printable ASCII without commas and blanks"],
    [`-a 10.0.0.1 -q ${hostnqn},concat -n ${subsysnqn}`, 13, "without commas"],
    [`-a 10.0.0.1 -f "a b" ${ids}`, 13, "without commas and blanks"],
    [`-a 10.0.0.1 -f é ${ids}`, 13, "printable ASCII"],
    [`-a 10.0.0.1 -q "a b" -n ${subsysnqn}`, 13, 'Cannot use -q "a b": expected printable ASCII without'],
    [`-a 10.0.0.1 -q né -n ${subsysnqn}`, 13, "expected printable ASCII"],
    [`-a 10.0.0.1 -q ${"x".repeat(223)} -n ${subsysnqn}`, 13, "expected an NQN"],
    [`-a 10.0.0.1 -q "" -n ${subsysnqn}`, 13, 'Cannot use -q "": expected a value'],
    [`-a 10.0.0.1 -q ${hostnqn} -n nqn.2016-01.a:${"x".repeat(230)}`, 85, "expected an NQN"],
    [`-a 10.0.0.1 ${ids} -I 1234`, 13 + ids.length + 1, "expected a UUID that is not all zero"],
    [`-a 10.0.0.1 -I 00000000-0000-0000-0000-000000000000 ${ids}`, 13, "not all zero"],
    [`-a 10.0.0.1 -w node1 ${ids}`, 13, "expected an IP address"],
    [`-a 10.0.0.1 -f sixteen-letters- ${ids}`, 13, "expected a network interface name"],
    [`-a 10.0.0.1 -f ../x ${ids}`, 13, "expected a network interface name"],
    [`-a 10.0.0.1 -l -2 ${ids}`, 13, "expected a whole number from -1 to"],
    [`-a 10.0.0.1 -l 1.5 ${ids}`, 13, "expected a whole number"],
    [`-a 10.0.0.1 -l 99999999999 ${ids}`, 13, "expected a whole number"],
    [`-a 10.0.0.1 -k -1 ${ids}`, 13, "expected a whole number from 0"],
    [`-a 10.0.0.1 -c 0 ${ids}`, 13, "expected a whole number from 1"],
    [`-a 10.0.0.1 -i 0 ${ids}`, 13, "expected a whole number from 1"],
    [`-a 10.0.0.1 -Q 15 ${ids}`, 13, "expected a whole number from 16 to 1024"],
    [`-a 10.0.0.1 -Q 1025 ${ids}`, 13, "expected a whole number from 16 to 1024"],
    [`-a 10.0.0.1 --tls=maybe ${ids}`, 13, "expected true or false"],
    [`-a 10.0.0.1 --keyring a/b ${ids}`, 13, "expected the serial number of a keyring"],
    [`-a 10.0.0.1 --keyring 0 ${ids}`, 13, "expected the serial number of a keyring"],
    [`-a 10.0.0.1 --keyring 2147483648 ${ids}`, 13, "expected the serial number of a keyring"],
    [`-a 10.0.0.1 --keyring 0x80000000 ${ids}`, 13, "expected the serial number of a keyring"],
    [`-a 10.0.0.1 --tls-key 0x0 ${ids}`, 13, "Cannot use --tls-key [secret]: expected the serial number"],
    [`-a 10.0.0.1 --tls-key 0xffffffff ${ids}`, 13, "expected the serial number of a key"],
    [`-a 10.0.0.1 --tls-key 017 ${ids}`, 13, "expected the serial number of a key"],
    [`-a 10.0.0.1 -W 0 ${ids}`, 13, "expected a whole number from 1 to 65535"],
    [`-a 10.0.0.1 -P 65536 ${ids}`, 13, "expected a whole number from 1 to 65535"],
    [`-a 10.0.0.1 -F -2 ${ids}`, 13, "expected a whole number from -1 to"],
    [`-a 10.0.0.1 -T -1 ${ids}`, 13, "expected a whole number from 0 to 255"],
    [`-a 10.0.0.1 --tos=256 ${ids}`, 13, "expected a whole number from 0 to 255"],
    [
      `-a 10.0.0.1 --duplicate-connect ${ids}`,
      13,
      "Cannot use --duplicate-connect: a path has one controller",
    ],
    [`-a 10.0.0.1 --duplicate_connect ${ids}`, 13, "Cannot use --duplicate_connect: a path has one"],
    [`-a 10.0.0.1 -gD ${ids}`, 14, "Cannot use -D: a path has one controller, always"],
    [`-a 10.0.0.1 ${ids} -s`, 13 + ids.length + 1, "Cannot use -s: its value is missing"],
    [`-a -s 8009 ${ids}`, 1, "Cannot use -a: its value is missing"],
    [`--traddr= ${ids}`, 1, 'Cannot use --traddr "": expected a value'],
    [`-a "" ${ids}`, 1, "expected a value"],
    [
      `-a 10.0.0.1 --hostnq ${hostnqn} -n ${subsysnqn}`,
      13,
      'Unknown option "--hostnq"; did you mean --hostnqn?',
    ],
    [`-a 10.0.0.1 --frobnicate ${ids}`, 13, 'Unknown option "--frobnicate"'],
    [`-a 10.0.0.1 -pz ${ids}`, 14, 'Unknown option "-z"'],
    [`10.0.0.1 ${ids}`, 1, "a value stands here without an option before it"],
    [`-a 10.0.0.1 8009 ${ids}`, 13, "a value stands here without an option before it"],
    [`-a 10.0.0.1 - ${ids}`, 13, "a value stands here without an option before it"],
    [`-a 10.0.0.1 -a 10.0.0.2 ${ids}`, 13, "Cannot use -a: the line gives it twice with different values"],
    [`-a 10.0.0.1 "${ids}`, 13, "a quote is not closed"],
    [`-q ${hostnqn}`, 1, "missing --traddr, --subsysnqn"],
    ["-t tcp", 1, "missing --traddr, --hostnqn, --subsysnqn"],
    [`-a 10.0.0.1 -C ${secret} ${ids}`, 1, "--dhchap-ctrl-secret: it needs --dhchap-secret"],
    [`-a 10.0.0.1 --tls --concat ${ids}`, 1, "Cannot use --concat: it brings its own TLS"],
    [`-a 10.0.0.1 --tls-key 7 --concat ${ids}`, 1, "Cannot use --tls-key: --concat makes its own key"],
    [`-a 10.0.0.1 --tls-key 7 ${ids}`, 1, "Cannot use --tls-key: it needs --tls beside it"],
    [`-a 10.0.0.1 --keyring 7 ${ids}`, 1, "Cannot use --keyring: it needs --tls or --concat beside it"],
    [`-a 10.0.0.1 ${ids} ${"#".repeat(3)}${"x".repeat(5_000)}`, 1, "it has"],
  ];
  for (const [line, column, part] of rows) {
    const error = errorOf(line);
    assert(error.message.includes(part), `${line}: ${error.message}`);
    assertEquals(error.column, column, `${line}: ${error.message}`);
  }
});

Deno.test("parseEntryFile() takes names without date and domain, which are in use", () => {
  assertEquals(only("-a 10.0.0.1 -q testnqn -n subsysnqn1").cluster, {
    hostnqn: "testnqn",
    subsysnqn: "subsysnqn1",
  });
});

Deno.test("an option given twice with one value is one", () => {
  assertEquals(only(`-a 10.0.0.1 --traddr=10.0.0.1 -p -p ${ids}`).traddr, "10.0.0.1");
});

Deno.test("secrets are kept, wrapped, and never shown", () => {
  const entry = only(`-a 10.0.0.1 -S ${secret} -C=${secret} ${ids}`);
  assertEquals(entry.options.dhchapSecret?.reveal(), secret);
  assertEquals(entry.options.dhchapCtrlSecret?.reveal(), secret);
  const body = "A".repeat(40);
  const spoiled = [
    `-a 10.0.0.1 -S ${secret}x ${ids}`,
    `-a 10.0.0.1 -S ${body} ${ids}`,
    `-a 10.0.0.1 -S DHHC-1:04:${body}${body}: ${ids}`,
    `-a 10.0.0.1 -S "${secret} " ${ids}`,
    `-a 10.0.0.1 -C ${secret} ${ids}`,
    `-a 10.0.0.1 -S ${secret} -S ${secret}: ${ids}`,
    `-a 10.0.0.1 --dhchap-secrt=${secret} ${ids}`,
    `-a 10.0.0.1 --dhchap-secrt ${secret} ${ids}`,
    `-a 10.0.0.1 --${secret} ${ids}`,
    `-a 10.0.0.1 ${secret} ${ids}`,
    `-a 10.0.0.1 -s ${secret} ${ids}`,
    `-a 10.0.0.1 -q ${secret},x -n ${subsysnqn}`,
    `-a 10.0.0.1 -q ${secret} -n ${subsysnqn}`,
    `-a 10.0.0.1 --tls-key NVMeTLSkey-1:01:${body}: ${ids}`,
    `-a 10.0.0.1 --tls-key ${body} ${ids}`,
    `-a ${secret} -S`,
  ];
  for (const line of spoiled) assert(!errorOf(line).message.includes("AAAA"), line);
  assert(!JSON.stringify(entry).includes("AAAA") && !Deno.inspect(entry).includes("AAAA"));
});

Deno.test("a bad line costs only itself", () => {
  const { entries, errors, badLines } = parse(
    `-a 10.0.0.1 ${ids}\n-a 10.0.0.2 -t rdma ${ids}\nnonsense\n\0\x01\xff\n-a 10.0.0.3 ${ids}\n`,
  );
  assertEquals(entries.map((entry) => entry.traddr), ["10.0.0.1", "10.0.0.3"]);
  assertEquals(errors.map((error) => error.line), [2, 3, 4]);
  assertEquals(badLines, 3);
});

Deno.test("a line that repeats another is told and costs nothing", () => {
  const { entries, errors } = parse(
    `-a 10.0.0.1 ${ids}\n--traddr=10.0.0.1:8009 ${ids} -l 5\n-a 10.0.0.1 -s 8010 ${ids}\n`,
  );
  assertEquals(entries.map((entry) => entry.origin.line), [1, 3]);
  assertEquals(errors.map(({ line, message }) => [line, message]), [
    [2, "Cannot use line: line 1 names the same endpoint of the same cluster"],
  ]);
});

Deno.test("complaints are bounded and counted", () => {
  const { entries, errors, badLines } = parse("nonsense\n".repeat(1_000) + `-a 10.0.0.1 ${ids}\n`);
  assertEquals([entries.length, errors.length, badLines], [1, limits.lineErrorsPerFileMax + 1, 1_000]);
  assertEquals(errors.at(-1)?.message, `Cannot use ${1_000 - limits.lineErrorsPerFileMax} more lines`);
});

Deno.test("binary garbage and a file too large are no entry files, and are said so once", () => {
  const garbage = Uint8Array.from({ length: 10_000 }, (_, at) => (at * 7919) % 251);
  const large = new TextEncoder().encode(`-a 10.0.0.1 ${ids}\n`.padEnd(limits.entryFileBytesMax + 1, "#"));
  const rows: [Uint8Array, string][] = [
    [garbage, "it is not text"],
    [new Uint8Array(4096), "it is not text"],
    [large, `it has ${limits.entryFileBytesMax + 1} bytes, at most ${limits.entryFileBytesMax} are read`],
    [new Uint8Array(10 * 1024 * 1024), "bytes, at most"],
  ];
  for (const [bytes, part] of rows) {
    const { entries, errors, unreadable } = parseEntryFile("a.conf", bytes);
    assertEquals([entries.length, errors.length], [0, 1]);
    assert(unreadable?.includes(part), unreadable);
    assert(errors[0]?.message.startsWith('Cannot use entry file "a.conf": '));
  }
  assertEquals(parseEntryFile("a.conf", large.subarray(0, limits.entryFileBytesMax)).entries.length, 1);
});

Deno.test("a file that ends in NULs, as a crash leaves it, keeps its good lines", () => {
  const { entries, errors, unreadable } = parse(`-a 10.0.0.1 ${ids}\n${"\0".repeat(4096)}`);
  assertEquals([entries.length, errors.length, unreadable], [1, 1, undefined]);
});

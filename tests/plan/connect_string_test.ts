import { limits } from "../../src/base/limits.ts";
import { errorText, KernelError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import type { ConnectOptions } from "../../src/model/connect_options.ts";
import { formatConnectString } from "../../src/plan/connect_string.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { cluster } from "./fact_samples.ts";
import { hostid, path } from "./path_samples.ts";
import { fabricsTokens, parseFabricsOptions } from "../sim/fabrics_options.ts";
import { fc } from "../property.ts";

const nqn = "nqn.2024-01.io.example:s1";
const base =
  `transport=tcp,nqn=${nqn},traddr=10.0.1.1,trsvcid=4420,hostnqn=${cluster.hostnqn},hostid=${hostid}`;

const format = (
  options: ConnectOptions,
  defaults: ConnectOptions = {},
  supported: ReadonlySet<string> | null = null,
) => formatConnectString(path("10.0.1.1", nqn, options), hostid, defaults, supported);

interface Row {
  name: string;
  options?: ConnectOptions;
  defaults?: ConnectOptions;
  expected: string;
}

const rows: Row[] = [
  { name: "both halves of the identity, always", expected: "" },
  {
    name: "every option, the queue options behind the NQN",
    options: {
      hostTraddr: "10.0.1.9",
      hostIface: "eth0",
      ctrlLossTmo: -1,
      keepAliveTmo: 5,
      reconnectDelay: 2,
      nrIoQueues: 4,
      nrWriteQueues: 3,
      nrPollQueues: 2,
      queueSize: 128,
      fastIoFailTmo: -1,
      tos: 8,
      disableSqflow: true,
      hdrDigest: true,
      dataDigest: true,
      dhchapSecret: new Secret("DHHC-1:00:aaa:"),
      dhchapCtrlSecret: new Secret("DHHC-1:00:bbb:"),
      tls: true,
      tlsKey: "0x1f",
      keyring: "0x2b",
    },
    expected: ",host_traddr=10.0.1.9,host_iface=eth0,ctrl_loss_tmo=-1,keep_alive_tmo=5,reconnect_delay=2," +
      "nr_io_queues=4,nr_write_queues=3,nr_poll_queues=2,queue_size=128,fast_io_fail_tmo=-1,tos=8," +
      "disable_sqflow,hdr_digest,data_digest,dhchap_secret=DHHC-1:00:aaa:," +
      "dhchap_ctrl_secret=DHHC-1:00:bbb:,tls,tls_key=0x1f,keyring=0x2b",
  },
  {
    name: "concat beside the secret it builds on, wherever that comes from",
    options: { concat: true, keyring: "7" },
    defaults: { dhchapSecret: new Secret("DHHC-1:00:aaa:") },
    expected: ",dhchap_secret=DHHC-1:00:aaa:,concat,keyring=7",
  },
  {
    name: "no keyring for .nvme, which the kernel takes by itself and cannot read as a number",
    options: { tls: true, keyring: ".nvme" },
    expected: ",tls",
  },
  { name: "no flag that is off", options: { hdrDigest: false, tls: false }, expected: "" },
  { name: "no queue count of 0, which is the kernel's own choice", options: { nrIoQueues: 0 }, expected: "" },
  {
    name: "zero where zero means something",
    options: { ctrlLossTmo: 0, keepAliveTmo: 0 },
    expected: ",ctrl_loss_tmo=0,keep_alive_tmo=0",
  },
  {
    name: "the defaults under what the entry says",
    options: { ctrlLossTmo: 7, nrIoQueues: undefined },
    defaults: { ctrlLossTmo: 600, nrIoQueues: 3 },
    expected: ",ctrl_loss_tmo=7,nr_io_queues=3",
  },
  {
    name: "no default that the entry switches off",
    options: { hdrDigest: false },
    defaults: { hdrDigest: true },
    expected: "",
  },
];

for (const { name, options = {}, defaults, expected } of rows) {
  Deno.test(`formatConnectString() writes ${name}`, () => {
    assertEquals(format(options, defaults), { text: base + expected, leftOut: [] });
  });
}

Deno.test("formatConnectString() leaves out and names what the kernel does not know", () => {
  const supported = new Set(["transport", "nqn", "traddr", "trsvcid", "hostnqn", "hostid", "ctrl_loss_tmo"]);
  const options = {
    hostIface: "eth0",
    ctrlLossTmo: 3,
    queueSize: 64,
    nrPollQueues: 1,
    fastIoFailTmo: 5,
    tos: 4,
    disableSqflow: true,
    hdrDigest: true,
  };
  assertEquals(format(options, {}, supported), {
    text: `${base},ctrl_loss_tmo=3`,
    leftOut: [
      "host_iface",
      "nr_poll_queues",
      "queue_size",
      "fast_io_fail_tmo",
      "tos",
      "disable_sqflow",
      "hdr_digest",
    ],
  });
});

const secret = new Secret("DHHC-1:00:aaa:");
const securities: [string, ConnectOptions, knows?: string[]][] = [
  ["tls", { tls: true }],
  ["tls_key", { tls: true, tlsKey: "7" }, ["tls"]],
  ["keyring", { tls: true, keyring: "7" }, ["tls"]],
  ["concat", { concat: true, dhchapSecret: secret }, ["dhchap_secret", "tls"]],
  ["dhchap_secret", { dhchapSecret: new Secret("DHHC-1:00:aaa:") }],
  ["dhchap_ctrl_secret", { dhchapCtrlSecret: new Secret("DHHC-1:00:aaa:") }],
];

for (const [token, options, knows = []] of securities) {
  Deno.test(`formatConnectString() makes no connection without ${token} that was asked for`, () => {
    const supported = new Set(["transport", "nqn", "traddr", "trsvcid", "hostnqn", "hostid", ...knows]);
    const error = assertThrows(() => format(options, {}, supported), KernelError, `know the option ${token}`);
    assert(!errorText(error).includes("DHHC"), "The secret is not told");
  });
}

const clashes: [part: string, ConnectOptions, defaults?: ConnectOptions][] = [
  ["concat needs a DH-CHAP secret", { concat: true }],
  ["concat brings its own TLS", { concat: true, dhchapSecret: secret }, { tls: true }],
  ["concat makes its own key", { concat: true, dhchapSecret: secret, tlsKey: "7" }],
];

for (const [part, options, defaults] of clashes) {
  Deno.test(`formatConnectString() says that ${part}, before the kernel refuses without a word`, () => {
    const error = assertThrows(() => format(options, defaults), KernelError, part);
    assertEquals(error.code, "EINVAL");
  });
}

interface BadRow {
  name: string;
  options?: ConnectOptions;
  subsysnqn?: string;
  traddr?: string;
}

const badRows: BadRow[] = [
  { name: "a comma in the NQN", subsysnqn: `${nqn},tls` },
  { name: "a line end in the NQN", subsysnqn: `${nqn}\ntls` },
  { name: "an empty NQN", subsysnqn: "" },
  { name: "a comma in the address", traddr: "10.0.0.1,tls" },
  { name: "a space in the interface", options: { hostIface: "eth0 tls" } },
  { name: "a NUL in the interface", options: { hostIface: "eth0\0" } },
  { name: "a letter that is not ASCII", options: { hostIface: "é" } },
  { name: "a comma in a secret", options: { dhchapSecret: new Secret("hush-hush,tls") } },
  { name: "a line end in a secret", options: { dhchapCtrlSecret: new Secret("hush-hush\n") } },
  { name: "more than the kernel takes", options: { keyring: "k".repeat(limits.connectStringCharsMax) } },
];

for (const { name, options = {}, subsysnqn = nqn, traddr = "10.0.1.1" } of badRows) {
  Deno.test(`formatConnectString() refuses ${name}, and repeats no value`, () => {
    const error = assertThrows(
      () => formatConnectString(path(traddr, subsysnqn, options), hostid, {}, null),
      KernelError,
    );
    assertEquals(error.code, "EINVAL");
    assert(!/hush|tls\b|eth0/.test(errorText(error)), error.message);
  });
}

Deno.test("formatConnectString() writes scoped and IPv6 addresses as the kernel takes them", () => {
  const { text } = formatConnectString(path("fe80::1%eth0"), hostid, {}, null);
  assert(text.includes(",traddr=fe80::1%eth0,"), text);
});

const seconds = fc.integer({ min: 1, max: 100_000 });
const queues = fc.integer({ min: 1, max: 65_535 });
const on = fc.constant(true as const);
const plainOptions: fc.Arbitrary<ConnectOptions> = fc.record({
  hostTraddr: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant("fe80::1%eth0")),
  hostIface: fc.constantFrom("eth0", "bond0.100"),
  ctrlLossTmo: fc.integer({ min: -1, max: 100_000 }),
  keepAliveTmo: fc.integer({ min: 0, max: 100_000 }),
  reconnectDelay: seconds,
  nrIoQueues: queues,
  nrWriteQueues: queues,
  nrPollQueues: queues,
  queueSize: fc.integer({ min: 16, max: 1024 }),
  fastIoFailTmo: fc.integer({ min: -1, max: 100_000 }),
  tos: fc.integer({ min: 0, max: 255 }),
  disableSqflow: on,
  hdrDigest: on,
  dataDigest: on,
}, { requiredKeys: [] });
const dhchapSecret = new Secret(`DHHC-1:00:${"A".repeat(48)}:`);
const dhchapCtrlSecret = new Secret(`DHHC-1:00:${"B".repeat(48)}:`);
const anySecurity = fc.constantFrom<ConnectOptions>(
  {},
  { dhchapSecret },
  { dhchapSecret, dhchapCtrlSecret },
  { tls: true },
  { tls: true, tlsKey: "0x7fffffff", keyring: "99" },
  { tls: true, keyring: ".nvme", dhchapSecret },
  { concat: true, dhchapSecret, dhchapCtrlSecret },
  { concat: true, dhchapSecret, keyring: "1" },
  // These clash.
  { concat: true },
  { concat: true, dhchapSecret, tls: true },
  { concat: true, dhchapSecret, tlsKey: "1" },
);
const anyOptions = fc.tuple(plainOptions, anySecurity).map(([plain, security]) => ({
  ...plain,
  ...security,
}));

/** Of the options a kernel may lack, those it has. */
const someTokens = fc.subarray(
  fabricsTokens.filter((name) =>
    !["transport", "nqn", "traddr", "trsvcid", "hostnqn", "hostid"].includes(name)
  ),
);

const defaultHost = { hostnqn: cluster.hostnqn, hostid };

Deno.test("property: what formatConnectString() writes, the kernel reads as it was meant, or it is refused before", () => {
  let written = 0;
  fc.assert(
    fc.property(anyOptions, fc.oneof(fc.constant(null), someTokens), (options, tokens) => {
      const known = new Set(["transport", "nqn", "traddr", "trsvcid", "hostnqn", "hostid"]);
      for (const token of tokens ?? fabricsTokens) known.add(token);
      let answer;
      try {
        answer = format(options, {}, tokens === null ? null : known);
      } catch (error) {
        assert(error instanceof KernelError && error.code === "EINVAL", String(error));
        return;
      }
      written++;
      const read = parseFabricsOptions(answer.text, known, defaultHost);
      const given = Object.fromEntries(read.given);
      assert(answer.leftOut.every((token) => !known.has(token) && !(token in given)));
      for (const [key, value] of Object.entries(options)) {
        const token = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        if (answer.leftOut.includes(token) || value === ".nvme") continue;
        const text = value instanceof Secret ? value.reveal() : value === true ? "" : String(value);
        assertEquals(given[token], text, token);
      }
      // Nothing that was not asked for.
      assertEquals(Object.keys(given).length, answer.text.split(",").length);
    }),
    { numRuns: 1_000 },
  );
  assert(written > 200, `${written} were written`);
});

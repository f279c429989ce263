import { limits } from "../../src/base/limits.ts";
import { errorText, KernelError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import type { ConnectOptions } from "../../src/model/connect_options.ts";
import { formatConnectString } from "../../src/plan/connect_string.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { cluster } from "./fact_samples.ts";
import { hostid, path } from "./path_samples.ts";

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
      queueSize: 128,
      hdrDigest: true,
      dataDigest: true,
      dhchapSecret: new Secret("DHHC-1:00:aaa:"),
      dhchapCtrlSecret: new Secret("DHHC-1:00:bbb:"),
      tls: true,
      tlsKey: "0x1f",
      keyring: ".nvme",
    },
    expected: ",host_traddr=10.0.1.9,host_iface=eth0,ctrl_loss_tmo=-1,keep_alive_tmo=5,reconnect_delay=2," +
      "nr_io_queues=4,queue_size=128,hdr_digest,data_digest,dhchap_secret=DHHC-1:00:aaa:," +
      "dhchap_ctrl_secret=DHHC-1:00:bbb:,tls,tls_key=0x1f,keyring=.nvme",
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
  const options = { hostIface: "eth0", ctrlLossTmo: 3, queueSize: 64, hdrDigest: true };
  assertEquals(format(options, {}, supported), {
    text: `${base},ctrl_loss_tmo=3`,
    leftOut: ["host_iface", "queue_size", "hdr_digest"],
  });
});

const securities: [string, ConnectOptions][] = [
  ["tls", { tls: true }],
  ["dhchap_secret", { dhchapSecret: new Secret("DHHC-1:00:aaa:") }],
  ["dhchap_ctrl_secret", { dhchapCtrlSecret: new Secret("DHHC-1:00:aaa:") }],
];

for (const [token, options] of securities) {
  Deno.test(`formatConnectString() makes no connection without ${token} that was asked for`, () => {
    const supported = new Set(["transport", "nqn", "traddr", "trsvcid", "hostnqn", "hostid"]);
    const error = assertThrows(() => format(options, {}, supported), KernelError, `know the option ${token}`);
    assert(!errorText(error).includes("DHHC"), "The secret is not told");
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

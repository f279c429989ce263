import { KernelError } from "../../src/base/errors.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { fabricsTokens, parseFabricsOptions } from "./fabrics_options.ts";

const base = "transport=tcp,nqn=nqn.2024-01.io.example:s1,traddr=10.0.0.1,trsvcid=4420";
const defaults = {
  hostnqn: "nqn.2014-08.org.example:h",
  hostid: "00112233-4455-6677-8899-aabbccddeeff",
};
const secret = "dhchap_secret=DHHC-1:00:aaaa:";

const parse = (text: string, tokens: readonly string[] = fabricsTokens) =>
  parseFabricsOptions(text, new Set(tokens), defaults);

Deno.test("parseFabricsOptions() gives what is left out the kernel's defaults", () => {
  const { given: _, ...rest } = parse(base);
  assertEquals(rest, {
    transport: "tcp",
    nqn: "nqn.2024-01.io.example:s1",
    traddr: "10.0.0.1",
    trsvcid: "4420",
    ...defaults,
    hostTraddr: undefined,
    hostIface: undefined,
    ctrlLossTmo: 600,
    reconnectDelay: 10,
    keepAliveTmo: 5,
    discovery: false,
  });
  assertEquals(parse(`${base},keep_alive_tmo=0`).keepAliveTmo, 5, "0 is the default of an I/O controller");
  assertEquals(parse(`${base},discovery`).keepAliveTmo, 0);
  assertEquals(parse(`${base},discovery,keep_alive_tmo=0x1e`).keepAliveTmo, 30);
});

const accepted = [
  "queue_size=16",
  "queue_size=1024",
  "nr_io_queues=1",
  "nr_write_queues=2147483647",
  "nr_poll_queues=0x10",
  "reconnect_delay=1",
  "ctrl_loss_tmo=-100",
  "fast_io_fail_tmo=-7",
  "tos=0",
  "tos=4096",
  "keyring=1",
  "tls_key=0x7fffffff",
  "tls,tls_key=017",
  "disable_sqflow,duplicate_connect",
  "host_traddr=fe80::1%eth0",
  `${secret},concat,keyring=3`,
];

const refused = [
  "queue_size=15",
  "queue_size=1025",
  "nr_io_queues=0",
  "nr_write_queues=0",
  "nr_poll_queues=-1",
  "nr_io_queues=2147483648",
  "reconnect_delay=0",
  "keep_alive_tmo=-1",
  "tos=-1",
  "keyring=0",
  "keyring=.nvme",
  "tls_key=-3",
  "tls_key=08",
  "tls=1",
  "concat",
  "concat=1",
  `${secret},concat,tls`,
  `${secret},concat,tls_key=7`,
  "dhchap_secret=short",
  "host_traddr=eth0",
  "no_such_option",
];

for (const text of accepted) {
  Deno.test(`parseFabricsOptions() takes ${text}`, () => {
    assert(parse(`${base},${text}`).given.size >= 5);
  });
}

for (const text of refused) {
  Deno.test(`parseFabricsOptions() refuses ${text}`, () => {
    assertEquals(assertThrows(() => parse(`${base},${text}`), KernelError).code, "EINVAL");
  });
}

Deno.test("parseFabricsOptions() refuses the options that a kernel came without", () => {
  for (const token of ["tls", "concat", "tos", "fast_io_fail_tmo", "nr_poll_queues", "host_iface"]) {
    const tokens = fabricsTokens.filter((name) => name !== token);
    assert(tokens.length === fabricsTokens.length - 1, token);
    assertThrows(() => parse(`${base},${token}=1`, tokens), KernelError, token);
  }
});

import { limits } from "../../src/base/limits.ts";
import type { DiscoveryRecord } from "../../src/nvme/discovery_log.ts";
import { decodeLogRecords, encodeLogPage } from "../../src/nvme/discovery_log.ts";
import { discoveryNqn } from "../../src/nvme/spec.ts";
import type { SessionFact } from "../../src/plan/facts.ts";
import { wantedPaths } from "../../src/plan/wanted_paths.ts";
import { assert, assertEquals } from "../assert.ts";
import { dead, endpoint, list, live, lost, member, nvm, referral, referred, self } from "./fact_samples.ts";

const sub = (name: string) => `nqn.2024-01.io.example:${name}`;

/** `address subsystem` of each path, in order. */
function pathsOf(
  sessions: [string, SessionFact][],
  members = sessions.map(([, { endpoint }]) => member(endpoint.traddr, { endpoint })),
): string[] {
  const { paths } = wantedPaths(list(...members), new Map(sessions));
  return [...paths.values()].map(({ path, addressKey }) => `${addressKey} ${path.subsysnqn.split(":")[1]}`);
}

Deno.test("wantedPaths() takes the NVM records of all logs, each path once", () => {
  const sessions = [
    live("a", self("a"), referral("b"), nvm("10.1.0.1:4420", sub("x")), nvm("10.1.0.2:4420", sub("x"))),
    live("b", nvm("10.1.0.2:4420", sub("x")), nvm("10.1.0.2:4420", sub("y"))),
  ];
  assertEquals(pathsOf(sessions), ["10.1.0.1:4420 x", "10.1.0.2:4420 x", "10.1.0.2:4420 y"]);
});

Deno.test("wantedPaths() takes one address in two spellings for one path", () => {
  const record = { ...nvm("[fd00::1]:4420", sub("x")), traddr: "fd00:0:0::1" };
  assertEquals(pathsOf([live("a", nvm("[fd00::1]:4420", sub("x")), record)]), ["[fd00::1]:4420 x"]);
});

Deno.test("wantedPaths() names the subsystems beside those of the log that end with the suffix, each path once", () => {
  const sessions = [live("a", nvm("10.1.0.1:4420", sub("x")), nvm("10.1.0.1:4420", sub("x.aux")))];
  const namesWith = (suffix?: string) => {
    const { paths } = wantedPaths(list(member("a")), new Map(sessions), suffix);
    return [...paths.values()].map(({ path }) => path.subsysnqn);
  };
  assertEquals(namesWith("aux"), [sub("x.aux")]);
  // Under the same log.
  assertEquals(namesWith("b"), [sub("x.b"), sub("x.aux.b")]);
  assertEquals(namesWith(), [sub("x"), sub("x.aux")]);
});

Deno.test("wantedPaths() keeps what the last good log said when the session is lost", () => {
  assertEquals(pathsOf([lost("a", 9, nvm("10.1.0.1:4420", sub("x")))]), ["10.1.0.1:4420 x"]);
});

Deno.test("wantedPaths() wants nothing that no log names", () => {
  assertEquals(pathsOf([dead("a", 0), live("b")]), []);
});

Deno.test("wantedPaths() leaves out what only a retired endpoint named, or one that is off the list", () => {
  const session = live("a", nvm("10.1.0.1:4420", sub("x")));
  assertEquals(pathsOf([session], [member("a", { retired: true })]), []);
  assertEquals(pathsOf([session], [member("b")]), []);
});

Deno.test("wantedPaths() gives a path the identity and options of its endpoint", () => {
  const options = { ctrlLossTmo: 7 };
  const it = member("a", { endpoint: endpoint("a", { options, hostid: "h" }) });
  const { paths } = wantedPaths(list(it), new Map([live("a", nvm("10.1.0.1:4420", sub("x")))]));
  const [only] = paths.values();
  assertEquals([only?.path.options, only?.path.hostid, only?.path.hostnqn], [
    options,
    "h",
    it.endpoint.cluster.hostnqn,
  ]);
});

Deno.test("wantedPaths() tells an I/O port apart by the way that leads there", () => {
  const record = nvm("10.1.0.1:4420", sub("x"));
  const ways = [{}, { hostTraddr: "10.0.0.9" }, { hostIface: "eth0" }, {
    hostTraddr: "10.0.0.9",
    hostIface: "eth0",
  }];
  const keys = ways.flatMap((options) => {
    const it = member("a", { endpoint: endpoint("a", { options }) });
    return [...wantedPaths(list(it), new Map([live("a", record)])).paths.values()].map((only) =>
      only.addressKey
    );
  });
  assertEquals(keys, [
    "10.1.0.1:4420",
    "10.1.0.1:4420 from 10.0.0.9",
    "10.1.0.1:4420 by eth0",
    "10.1.0.1:4420 from 10.0.0.9 by eth0",
  ]);
});

Deno.test("wantedPaths() follows a change of identity or options under the same log", () => {
  const sessions = new Map([live("a", nvm("10.1.0.1:4420", sub("x")))]);
  const options = {};
  const pathUnder = (change: Parameters<typeof endpoint>[1]) =>
    [...wantedPaths(list(member("a", { endpoint: endpoint("a", change) })), sessions).paths.values()][0]
      ?.path;
  assertEquals(pathUnder({ options })?.hostid, undefined);
  assertEquals(pathUnder({ options, hostid: "h" })?.hostid, "h");
  assertEquals(pathUnder({ options: { nrIoQueues: 3 }, hostid: "h" })?.options.nrIoQueues, 3);
});

Deno.test("wantedPaths() gives a link-local address the link of the endpoint that named it", () => {
  const name = "[fe80::1%eth0]:8009";
  const { paths } = wantedPaths(list(member(name)), new Map([live(name, nvm("[fe80::2]:4420", sub("x")))]));
  const [only] = paths.values();
  assertEquals(only?.path.traddr, "fe80::2%eth0");
  assertEquals(only?.indexKey, `${sub("x")} 4420 fe80::2`, "Under which sysfs is looked up");
});

Deno.test("wantedPaths() looks a path with a scope of its own up without it", () => {
  const { paths } = wantedPaths(
    list(member("a")),
    new Map([live("a", nvm("[fe80::2%eth1]:4420", sub("x")))]),
  );
  const [only] = paths.values();
  assertEquals([only?.path.traddr, only?.indexKey], ["fe80::2%eth1", `${sub("x")} 4420 fe80::2`]);
});

Deno.test("wantedPaths() tells where a secure channel is demanded", () => {
  const demands = (treq: number, sectype: number) => {
    const record = { ...nvm("10.1.0.1:4420", sub("x")), treq, sectype };
    return [...wantedPaths(list(member("a")), new Map([live("a", record)])).paths.values()][0]?.path
      .secureChannelRequired;
  };
  assertEquals([demands(1, 2), demands(5, 2), demands(0, 2), demands(2, 2), demands(1, 0)], [
    true,
    true,
    false,
    false,
    false,
  ]);
});

interface RefusedRow {
  name: string;
  record: Partial<DiscoveryRecord>;
  reason: string;
}

/** As bytes from the network: what the decoder makes of them is part of the defence. */
const good = { traddr: "10.1.0.1", trsvcid: "4420", subnqn: sub("x") };

const refusedRows: RefusedRow[] = [
  { name: "another transport", record: { ...good, trtype: 1 }, reason: "only TCP" },
  { name: "no known transport", record: { ...good, trtype: 77 }, reason: "only TCP" },
  {
    name: "an option in the NQN",
    record: { ...good, subnqn: `${sub("x")},host_iface=eth0` },
    reason: "comma",
  },
  {
    name: "a line end in the NQN",
    record: { ...good, subnqn: `${sub("x")}\ntransport=rdma` },
    reason: "control",
  },
  {
    name: "a space in the NQN",
    record: { ...good, subnqn: "nqn.2024-01.io.example:a b" },
    reason: "white space",
  },
  { name: "no NQN", record: { ...good, subnqn: "" }, reason: "empty" },
  { name: "an NQN of 223 characters", record: { ...good, subnqn: sub("x").padEnd(223, "x") }, reason: "223" },
  { name: "an NQN that is not ASCII", record: { ...good, subnqn: sub("é") }, reason: "not ASCII" },
  {
    name: "the discovery subsystem",
    record: { ...good, subnqn: discoveryNqn },
    reason: "discovery subsystem",
  },
  { name: "an option in the address", record: { ...good, traddr: "10.1.0.1,tls" }, reason: "comma" },
  { name: "a host name", record: { ...good, traddr: "node1.example" }, reason: "no IP address" },
  { name: "no address", record: { ...good, traddr: "" }, reason: "empty" },
  { name: "port 0", record: { ...good, trsvcid: "0" }, reason: "port" },
  { name: "port 70000", record: { ...good, trsvcid: "70000" }, reason: "port" },
  { name: "an option in the port", record: { ...good, trsvcid: "4420,tls" }, reason: "port" },
  { name: "no port", record: { ...good, trsvcid: "" }, reason: "TRSVCID cannot be used: it is empty" },
];

for (const { name, record, reason } of refusedRows) {
  Deno.test(`wantedPaths() refuses a record with ${name}, and says why`, () => {
    const page = encodeLogPage({ genctr: 1n }, [record, { ...good, subnqn: sub("fine") }]);
    const records = decodeLogRecords(page.subarray(1024), 2);
    const { paths, refused } = wantedPaths(list(member("a")), new Map([live("a", ...records)]));
    assertEquals([...paths.values()].map(({ path }) => path.subsysnqn), [sub("fine")]);
    assertEquals(refused.length, 1);
    assert(refused[0]!.reason.includes(reason), `Expected "${reason}" within "${refused[0]!.reason}"`);
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x1f]/.test(refused[0]!.subnqn + refused[0]!.traddr), "Hostile bytes never survive");
  });
}

Deno.test("wantedPaths() tells of a referral that cannot be followed", () => {
  const record = { ...referral("b"), problem: "TRADDR cannot be used: it is no IP address" };
  const { refused, paths } = wantedPaths(list(member("a")), new Map([live("a", record)]));
  assertEquals([refused.length, paths.size], [1, 0]);
});

Deno.test("wantedPaths() holds to its bound, and counts what it leaves out", () => {
  const records = Array.from({ length: 16_384 }, (_, at) => nvm("10.1.0.1:4420", sub(`s${at}`)));
  const sessions = ["a", "b", "c", "d", "e"].map((name) =>
    live(name, ...records.map((record) => ({ ...record, traddr: `10.1.0.${name.charCodeAt(0)}` })))
  );
  const { paths, dropped } = wantedPaths(
    list(...["a", "b", "c", "d", "e"].map((name) => referred(name))),
    new Map(sessions),
  );
  assertEquals([paths.size, dropped], [limits.pathsMax, 5 * 16_384 - limits.pathsMax]);
});

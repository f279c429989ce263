import { limits } from "../../src/base/limits.ts";
import { type ConnectInput, type ConnectPlan, planConnects } from "../../src/plan/plan_connects.ts";
import type { WantedPath } from "../../src/plan/wanted_paths.ts";
import { assert, assertEquals } from "../assert.ts";
import { connect, controller, failure, probe, wanted } from "./path_samples.ts";

const nowMs = 100_000;
const one = wanted("10.0.1.1");

function planned(change: Partial<ConnectInput>, ...paths: WantedPath[]): ConnectPlan {
  return planConnects({
    paths: new Map((paths.length === 0 ? [one] : paths).map((path) => [path.key, path])),
    probes: new Map(),
    connects: new Map(),
    controllers: { list: [], readAtMs: nowMs - 10 },
    kernel: { present: true, failure: null, options: null },
    dryRun: false,
    provenByUse: () => new Set(),
    nowMs,
    ...change,
  });
}

const proven = new Map([[one.addressKey, probe({ provenUntilMs: nowMs + 1 })]]);
const withController = (...parts: Parameters<typeof controller>) => ({
  controllers: { list: [controller(...parts)], readAtMs: nowMs - 10 },
});
const connectFact = (change: Parameters<typeof connect>[0]) => new Map([[one.key, connect(change)]]);

interface Row {
  name: string;
  facts: Partial<ConnectInput>;
  state: string;
  reason: string;
  device?: string;
  retryAtMs?: number;
  /** `connect`, `probe`, or nothing. */
  action?: "connect" | "probe";
  wakeAtMs?: number;
}

const rows: Row[] = [
  {
    name: "leaves a live path alone",
    facts: { ...withController(), probes: proven },
    state: "live",
    reason: "was already connected",
    device: "nvme3",
  },
  {
    name: "knows what it connected itself",
    facts: { ...withController(), connects: connectFact({ state: "done", doneAtMs: 1 }) },
    state: "live",
    reason: "connected",
    device: "nvme3",
  },
  {
    name: "does not take a connect that has just succeeded for one that the kernel brings back",
    facts: {
      ...withController({ state: "connecting" }),
      connects: connectFact({ state: "done", doneAtMs: nowMs - 5 }),
    },
    state: "connected",
    reason: "connected; sysfs is being read",
  },
  {
    name: "leaves a path to the kernel that brings it back",
    facts: { ...withController({ state: "connecting" }), probes: proven },
    state: "recovering",
    reason: "the kernel has it connecting",
    device: "nvme3",
  },
  {
    name: "leaves a resetting path to the kernel",
    facts: { ...withController({ state: "resetting" }), probes: proven },
    state: "recovering",
    reason: "resetting",
    device: "nvme3",
  },
  {
    name: "takes our own connect under way for that, though sysfs shows its controller",
    facts: { ...withController({ state: "connecting" }), connects: connectFact({ state: "connecting" }) },
    state: "connecting",
    reason: "connecting",
  },
  {
    name: "connects anew what the kernel is giving up",
    facts: { ...withController({ state: "deleting" }), probes: proven },
    state: "connecting",
    reason: "address proven",
    action: "connect",
  },
  {
    name: "connects anew what is dead in the kernel",
    facts: { ...withController({ state: "dead" }), probes: proven },
    state: "connecting",
    reason: "address proven",
    action: "connect",
  },
  {
    name: "asks whether an address answers before the kernel is asked",
    facts: {},
    state: "probing",
    reason: "asking whether 10.0.1.1:4420 answers",
    action: "probe",
  },
  {
    name: "asks once",
    facts: { probes: new Map([[one.addressKey, probe({ probing: true })]]) },
    state: "probing",
    reason: "asking",
  },
  {
    name: "asks again when the proof is old",
    facts: { probes: new Map([[one.addressKey, probe({ provenUntilMs: nowMs })]]) },
    state: "probing",
    reason: "asking",
    action: "probe",
  },
  {
    name: "leaves an address that does not answer alone until its time",
    facts: {
      probes: new Map([[one.addressKey, probe({ failures: 2, failure: failure(), retryAtMs: nowMs + 7 })]]),
    },
    state: "unreachable",
    reason: "10.0.1.1:4420 cannot be reached: It failed (ECONNREFUSED)",
    retryAtMs: nowMs + 7,
    wakeAtMs: nowMs + 7,
  },
  {
    name: "asks a dead address again at its time, still telling why it is not connected",
    facts: {
      probes: new Map([[one.addressKey, probe({ failures: 2, failure: failure(), retryAtMs: nowMs })]]),
    },
    state: "unreachable",
    reason: "attempt 3",
    action: "probe",
  },
  {
    name: "connects a proven path",
    facts: { probes: proven },
    state: "connecting",
    reason: "address proven; connecting",
    action: "connect",
  },
  {
    name: "waits while the kernel connects it",
    facts: { probes: proven, connects: connectFact({ state: "connecting" }) },
    state: "connecting",
    reason: "connecting",
  },
  {
    name: "waits after a failure",
    facts: {
      probes: proven,
      connects: connectFact({ failures: 1, failure: failure("EIO"), retryAtMs: nowMs + 9 }),
    },
    state: "failed",
    reason: "It failed (EIO)",
    retryAtMs: nowMs + 9,
    wakeAtMs: nowMs + 9,
  },
  {
    name: "tries again after a failure when it is time",
    facts: {
      probes: proven,
      connects: connectFact({ failures: 1, failure: failure("EIO"), retryAtMs: nowMs }),
    },
    state: "connecting",
    reason: "address proven",
    action: "connect",
  },
  {
    name: "believes the kernel's yes until sysfs was read after it",
    facts: { probes: proven, connects: connectFact({ state: "done", doneAtMs: nowMs - 5 }) },
    state: "connected",
    reason: "sysfs is being read",
  },
  {
    name: "connects at once what vanished later",
    facts: { probes: proven, connects: connectFact({ state: "done", doneAtMs: nowMs - 60_000 }) },
    state: "connecting",
    reason: "address proven",
    action: "connect",
  },
  {
    name: "does not connect in a loop what vanishes as soon as it is connected",
    facts: { probes: proven, connects: connectFact({ state: "done", doneAtMs: nowMs - 20 }) },
    state: "waiting",
    reason: "gone right after",
    retryAtMs: nowMs - 20 + limits.connectRetryMsBase,
    wakeAtMs: nowMs - 20 + limits.connectRetryMsBase,
  },
  {
    name: "waits long when the kernel says already and sysfs does not",
    facts: { probes: proven, connects: connectFact({ state: "done", already: true, doneAtMs: nowMs - 20 }) },
    state: "waiting",
    reason: "already connected, though sysfs shows no such controller",
    retryAtMs: nowMs - 20 + limits.connectRetryMsMax,
    wakeAtMs: nowMs - 20 + limits.connectRetryMsMax,
  },
  {
    name: "does nothing before sysfs was read",
    facts: { probes: proven, controllers: null },
    state: "waiting",
    reason: "sysfs was not read yet",
    retryAtMs: nowMs,
  },
  {
    name: "does nothing before the kernel was asked",
    facts: { probes: proven, kernel: { present: null, failure: null, options: null } },
    state: "waiting",
    reason: "the kernel was not asked yet",
    retryAtMs: nowMs,
  },
  {
    name: "does nothing without the kernel's module, and says so",
    facts: { probes: proven, kernel: { present: false, failure: failure("ENOENT"), options: null } },
    state: "waiting",
    reason: "It failed (ENOENT)",
    retryAtMs: nowMs,
  },
  {
    name: "proves, but does not connect in a dry run, module or not",
    facts: { dryRun: true, probes: proven, kernel: { present: null, failure: null, options: null } },
    state: "would-connect",
    reason: "not connected in a dry run",
  },
  {
    name: "asks for the address in a dry run",
    facts: { dryRun: true, kernel: { present: false, failure: null, options: null } },
    state: "probing",
    reason: "asking",
    action: "probe",
  },
  {
    name: "tells what is live in a dry run",
    facts: { dryRun: true, ...withController() },
    state: "live",
    reason: "was already connected",
    device: "nvme3",
  },
];

for (const { name, facts, state, reason, device, retryAtMs, action, wakeAtMs = Infinity } of rows) {
  Deno.test(`planConnects() ${name}`, () => {
    const plan = planned(facts);
    const [row] = plan.rows;
    assertEquals([row?.state, row?.device, row?.retryAtMs], [state, device, retryAtMs]);
    assert(row!.reason.includes(reason), `Expected "${reason}" within "${row!.reason}"`);
    assertEquals(plan.connect.map(({ key }) => key), action === "connect" ? [one.key] : []);
    assertEquals(plan.probe.map(({ key }) => key), action === "probe" ? [one.key] : []);
    assertEquals(plan.wakeAtMs, wakeAtMs);
  });
}

interface SameRow {
  name: string;
  path: Parameters<typeof wanted>;
  controller: Parameters<typeof controller>[0];
  live: boolean;
}

const v6 = (traddr: string) => ({ address: { traddr } });
const nqn = "nqn.2024-01.io.example:s1";

const sameRows: SameRow[] = [
  {
    name: "in another spelling of IPv6",
    path: ["fd00::1"],
    controller: v6("fd00:0:0:0:0:0:0:0001"),
    live: true,
  },
  { name: "as IPv4 mapped into IPv6", path: ["10.0.1.1"], controller: v6("::ffff:10.0.1.1"), live: true },
  { name: "with the scope told by sysfs", path: ["fe80::1"], controller: v6("fe80::1%eth0"), live: true },
  { name: "with the scope told by us", path: ["fe80::1%eth0"], controller: v6("fe80::1"), live: true },
  { name: "but on another link", path: ["fe80::1%eth0"], controller: v6("fe80::1%eth1"), live: false },
  {
    name: "but at another port",
    path: ["10.0.1.1"],
    controller: { address: { trsvcid: "4421" } },
    live: false,
  },
  { name: "but of another subsystem", path: ["10.0.1.1"], controller: { subsysnqn: `${nqn}0` }, live: false },
  { name: "but over RDMA", path: ["10.0.1.1"], controller: { transport: "rdma" }, live: false },
  {
    name: "but for another host NQN",
    path: ["10.0.1.1"],
    controller: { hostnqn: "nqn.2024-01.io.example:other" },
    live: false,
  },
  {
    name: "whose host NQN sysfs does not tell",
    path: ["10.0.1.1"],
    controller: { hostnqn: undefined },
    live: true,
  },
  {
    name: "from the source address asked for, in another spelling",
    path: ["fd00::1", nqn, { hostTraddr: "fd00::9" }],
    controller: { address: { traddr: "fd00::1", hostTraddr: "fd00:0::9" } },
    live: true,
  },
  {
    name: "from that address by the kernel's own choice",
    path: ["10.0.1.1", nqn, { hostTraddr: "10.0.1.9" }],
    controller: { address: { srcAddr: "10.0.1.9" } },
    live: true,
  },
  {
    name: "but from another source address",
    path: ["10.0.1.1", nqn, { hostTraddr: "10.0.1.9" }],
    controller: { address: { srcAddr: "10.0.1.8" } },
    live: false,
  },
  {
    name: "with a source address nobody asked for",
    path: ["10.0.1.1"],
    controller: { address: { hostTraddr: "10.0.1.8", hostIface: "eth3" } },
    live: true,
  },
  {
    name: "over the interface asked for",
    path: ["10.0.1.1", nqn, { hostIface: "eth0" }],
    controller: { address: { hostIface: "eth0" } },
    live: true,
  },
  {
    name: "but over another interface",
    path: ["10.0.1.1", nqn, { hostIface: "eth0" }],
    controller: { address: { hostIface: "eth1" } },
    live: false,
  },
];

for (const { name, path, controller: change, live } of sameRows) {
  Deno.test(`planConnects() takes for ${live ? "live" : "missing"} a path with a controller ${name}`, () => {
    const controllers = { list: [controller(change)], readAtMs: nowMs };
    assertEquals(planned({ controllers }, wanted(...path)).rows[0]?.state, live ? "live" : "probing");
  });
}

Deno.test("planConnects() prefers the live one of several controllers for one path", () => {
  const list = [
    controller({ name: "nvme1", state: "connecting" }),
    controller({ name: "nvme2" }),
    controller({ name: "nvme4", state: "resetting" }),
  ];
  assertEquals(planned({ controllers: { list, readAtMs: nowMs } }).rows[0]?.device, "nvme2");
});

/** Paths of `count` subsystems at one address. */
const paths = (traddr: string, count: number): WantedPath[] =>
  Array.from({ length: count }, (_, at) => wanted(traddr, `nqn.2024-01.io.example:${traddr}-${at}`));

Deno.test("planConnects() lets no dead address hold a proven one up", () => {
  const deadPaths = Array.from({ length: 500 }, (_, at) => wanted(`10.9.${at >> 8}.${at & 255}`));
  const probes = new Map(
    deadPaths.map(({ addressKey }, at) =>
      [
        addressKey,
        probe(at % 2 === 0 ? { probing: true } : { failures: 9, failure: failure(), retryAtMs: nowMs }),
      ] as const
    ),
  );
  probes.set(one.addressKey, probe({ provenUntilMs: nowMs + 1 }));
  assertEquals(planned({ probes }, ...deadPaths, one).connect, [one]);
});

Deno.test("planConnects() asks for new addresses before those that failed", () => {
  const failedPaths = Array.from({ length: 100 }, (_, at) => wanted(`10.9.0.${at}`));
  const probes = new Map(
    failedPaths.map((
      { addressKey },
    ) => [addressKey, probe({ failures: 3, failure: failure(), retryAtMs: 0 })]),
  );
  const { probe: asked } = planned({ probes }, ...failedPaths, one);
  assertEquals([asked[0], asked.length], [one, limits.probesInFlightMax]);
});

Deno.test("planConnects() connects new paths before those that failed", () => {
  const old = paths("10.0.1.1", 10);
  const connects = new Map(old.map(({ key }) => [key, connect({ failures: 2, failure: failure("EIO") })]));
  assertEquals(planned({ probes: proven, connects }, ...old, one).connect[0], one);
});

Deno.test("planConnects() has one write at a time for all addresses where a connect failed, after the others", () => {
  const mute = [...paths("10.0.2.1", 5), ...paths("10.0.3.1", 5)];
  const good = paths("10.0.1.1", 2);
  const probes = new Map([...mute, ...good].map(({ addressKey }) => [
    addressKey,
    probe({ provenUntilMs: nowMs + 1 }),
  ]));
  const [first, second] = [mute[0]!, mute[5]!];
  const failed = connect({ failures: 1, failure: failure("EIO") });
  const connects = new Map([[first.key, failed], [second.key, failed]]);
  const chosen = planned({ probes, connects }, ...mute, ...good).connect;
  assertEquals([...chosen.slice(0, 2), chosen.length], [...good, 3]);
  assert(mute.includes(chosen[2]!), "No failed address is tried");
  connects.set(second.key, { ...failed, state: "connecting" });
  assertEquals(planned({ probes, connects }, ...mute, ...good).connect, good);
  assertEquals(planned({ probes, connects }, ...mute).connect, []);
});

Deno.test("planConnects() has a bounded number of connects and probes under way, those begun counted", () => {
  const many = paths("10.0.1.1", 20);
  const first = planned({ probes: proven }, ...many);
  assertEquals(first.connect.length, limits.connectsInFlightMax);
  assertEquals(first.rows.filter(({ state }) => state === "connecting").length, limits.connectsInFlightMax);
  assertEquals(first.rows.filter(({ state }) => state === "waiting").length, 20 - limits.connectsInFlightMax);
  const connects = new Map(first.connect.slice(1).map(({ key }) => [key, connect({ state: "connecting" })]));
  assertEquals(planned({ probes: proven, connects }, ...many).connect.length, 1);

  const addresses = Array.from({ length: 200 }, (_, at) => wanted(`10.9.0.${at}`));
  const probing = new Map(
    addresses.slice(0, 10).map(({ addressKey }) => [addressKey, probe({ probing: true })]),
  );
  assertEquals(planned({ probes: probing }, ...addresses).probe.length, limits.probesInFlightMax - 10);
});

Deno.test("planConnects() asks for an address once, however many paths it has", () => {
  assertEquals(planned({}, ...paths("10.0.1.1", 50)).probe.length, 1);
});

Deno.test("planConnects() gives nothing to do for facts in which everything is live", () => {
  const many = paths("10.0.1.1", 50);
  const list = many.map(({ path }, at) => controller({ name: `nvme${at}`, subsysnqn: path.subsysnqn }));
  const { connect, probe, wakeAtMs, rows } = planned({ controllers: { list, readAtMs: nowMs } }, ...many);
  assertEquals([connect.length, probe.length, wakeAtMs, rows.length], [0, 0, Infinity, 50]);
});

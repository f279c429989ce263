import { limits } from "../../src/base/limits.ts";
import type { ConnectInput } from "../../src/plan/plan_connects.ts";
import { assert, assertEquals } from "../assert.ts";
import { connect, controller, failure, probe, wanted } from "./path_samples.ts";
import { nowMs, one, paths, planned, policy, provenAll } from "./planned_connects.ts";

const proven = provenAll(one);
const dry = { ...policy, dryRun: true };
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
  action?: "connect" | "ask" | "probe";
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
    name: "knows what it is connecting, when sysfs shows it before the kernel's answer",
    facts: { ...withController(), connects: connectFact({ state: "connecting" }) },
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
    name: "tries a Connect of its own when it is time after a failure",
    facts: {
      probes: proven,
      connects: connectFact({ failures: 1, failure: failure("EIO"), retryAtMs: nowMs }),
    },
    state: "failed",
    reason: "It failed (EIO); attempt 2",
    action: "ask",
  },
  {
    name: "tries it once",
    facts: {
      probes: proven,
      connects: connectFact({ state: "asking", failures: 1, failure: failure("EIO") }),
    },
    state: "failed",
    reason: "attempt 2",
  },
  {
    name: "asks the kernel again once the target has answered",
    facts: {
      probes: proven,
      connects: connectFact({ failures: 1, failure: failure("EIO"), answeredUntilMs: nowMs + 1 }),
    },
    state: "connecting",
    reason: "address proven",
    action: "connect",
  },
  {
    name: "tries another Connect when the answer is old",
    facts: {
      probes: proven,
      connects: connectFact({ failures: 1, failure: failure("EIO"), answeredUntilMs: nowMs }),
    },
    state: "failed",
    reason: "attempt 2",
    action: "ask",
  },
  {
    name: "asks the kernel itself again when it was the kernel that refused",
    facts: {
      probes: proven,
      connects: connectFact({ failures: 1, failure: failure("EINVAL"), retryAtMs: nowMs }),
    },
    state: "connecting",
    reason: "address proven",
    action: "connect",
  },
  {
    name: "gives the kernel a pause after it was held in vain",
    facts: {
      probes: proven,
      connects: connectFact({
        failures: 1,
        failure: { ...failure("EIO"), atMs: nowMs - 1_000 },
        heldMs: 1_000,
      }),
    },
    state: "waiting",
    reason: "It failed",
    retryAtMs: nowMs - 1_000 + limits.heldPauseFactor * 1_000,
    wakeAtMs: nowMs - 1_000 + limits.heldPauseFactor * 1_000,
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
    facts: { policy: dry, probes: proven, kernel: { present: null, failure: null, options: null } },
    state: "would-connect",
    reason: "not connected in a dry run",
  },
  {
    name: "asks for the address in a dry run",
    facts: { policy: dry, kernel: { present: false, failure: null, options: null } },
    state: "probing",
    reason: "asking",
    action: "probe",
  },
  {
    name: "tells what is live in a dry run",
    facts: { policy: dry, ...withController() },
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
    assertEquals(plan.ask.map(({ key }) => key), action === "ask" ? [one.key] : []);
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

Deno.test("planConnects() gives nothing to do for facts in which everything is live", () => {
  const many = paths("10.0.1.1", 50);
  const list = many.map(({ path }, at) => controller({ name: `nvme${at}`, subsysnqn: path.subsysnqn }));
  const { connect, probe, wakeAtMs, rows } = planned({ controllers: { list, readAtMs: nowMs } }, ...many);
  assertEquals([connect.length, probe.length, wakeAtMs, rows.length], [0, 0, Infinity, 50]);
});

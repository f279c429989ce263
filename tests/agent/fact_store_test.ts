import { FactStore } from "../../src/agent/fact_store.ts";
import { limits } from "../../src/base/limits.ts";
import {
  KernelError,
  NvmeStatusError,
  ProtocolError,
  TimeoutError,
  TransportError,
} from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import type { IdentifyController } from "../../src/nvme/identify.ts";
import { hasChangedSince } from "../../src/plan/attempt.ts";
import type { SessionFact } from "../../src/plan/facts.ts";
import type { SessionEvent } from "../../src/protocol/session.ts";
import { assert, assertEquals } from "../assert.ts";
import { endpoint, entry, keyOf } from "../plan/fact_samples.ts";
import { controller, wanted } from "../plan/path_samples.ts";

const refused = new TransportError("ECONNREFUSED", "Refused");
const closed = (error: Error | null): SessionEvent => ({ kind: "closed", error });
const ready: SessionEvent = { kind: "ready", identify: {} as IdentifyController, eventsConfigured: true };
const log = (genctr: bigint): SessionEvent => ({ kind: "log", log: { genctr, records: [] } });

class Store extends FactStore {
  changes: number;

  constructor() {
    super({
      policy: { dryRun: false, connectDefaults: {}, hostid: null },
      reconnectIntervalMs: 5_000,
      random: () => 0.5,
      onChange: () => this.changes++,
    });
    this.changes = 0;
  }

  session(name: string): SessionFact {
    const session = this.sessions.get(keyOf(name));
    assert(session !== undefined, `No session ${name}`);
    return session;
  }

  open(name: string, nowMs: number): void {
    this.recordSessionOpening(keyOf(name), endpoint(name), nowMs);
  }

  event(name: string, event: SessionEvent, nowMs: number): void {
    this.recordSessionEvent(keyOf(name), event, nowMs);
  }
}

const one = wanted("10.0.1.1");

Deno.test("FactStore follows a session through its life", () => {
  const store = new Store();
  store.open("a", 10);
  assertEquals([store.session("a").state, store.session("a").sinceMs], ["opening", 10]);
  store.event("a", ready, 20);
  assertEquals([store.session("a").state, store.session("a").logCurrent], ["live", false]);
  store.event("a", log(1n), 30);
  const { logCurrent, logReads, logAtMs } = store.session("a");
  assertEquals([logCurrent, logReads, logAtMs], [true, 1, 30]);
  store.event("a", { kind: "event", dw0: 0x70f002 }, 40);
  assertEquals([store.session("a").events, store.session("a").lastEventMs], [1, 40]);
  store.recordSessionClosing(keyOf("a"), 50);
  assertEquals([store.session("a").state, store.session("a").logCurrent], ["closing", false]);
  store.event("a", closed(null), 60);
  const { state, retryAtMs, failures } = store.session("a");
  assertEquals([state, retryAtMs, failures], ["idle", 60, 0]);
  store.forgetSession(keyOf("a"));
  assertEquals(store.sessions.size, 0);
});

Deno.test("FactStore keeps the last good log when a session is lost and opened again", () => {
  const store = new Store();
  store.open("a", 0);
  store.event("a", ready, 1);
  store.event("a", log(7n), 2);
  store.event("a", closed(refused), 3);
  assertEquals([store.session("a").log?.genctr, store.session("a").logCurrent], [7n, false]);
  store.open("a", 4);
  store.event("a", ready, 5);
  assertEquals([store.session("a").log?.genctr, store.session("a").logCurrent], [7n, false]);
});

Deno.test("FactStore counts failures until a log is read", () => {
  const store = new Store();
  const delays: number[] = [];
  for (let n = 0; n < 3; n++) {
    store.open("a", 1_000);
    if (n === 1) store.event("a", ready, 1_000);
    store.event("a", closed(refused), 1_000);
    delays.push(store.session("a").retryAtMs - 1_000);
  }
  assertEquals([delays, store.session("a").failures], [[5_000, 10_000, 20_000], 3]);
  assertEquals(store.session("a").failure, { code: "ECONNREFUSED", message: "Refused", atMs: 1_000 });
  store.open("a", 2_000);
  store.event("a", ready, 2_000);
  store.event("a", log(1n), 2_000);
  assertEquals([store.session("a").failures, store.session("a").failure], [0, null]);
});

Deno.test("FactStore slows down after a refusal with Do Not Retry", () => {
  const store = new Store();
  store.open("a", 0);
  store.event(
    "a",
    closed(new NvmeStatusError("invalid-host", "No", { status: 0x184, dnr: true, crd: 0 })),
    0,
  );
  assertEquals(store.session("a").retryAtMs, limits.refusedRetryMsMin);
});

Deno.test("FactStore drops events of sessions it does not know", () => {
  const store = new Store();
  store.event("a", log(1n), 0);
  assertEquals([store.sessions.size, store.changes], [0, 0]);
});

Deno.test("FactStore asks the other ports of a host again when one answers, dropping the backoff", () => {
  const store = new Store();
  const failed = wanted("10.0.0.1");
  const elsewhere = wanted("10.0.0.10");
  for (let n = 0; n < 6; n++) {
    store.recordProbeResult(failed, refused, 0);
    store.recordProbeResult(elsewhere, refused, 0);
  }
  const otherMs = store.probes.get(elsewhere.addressKey)!.retryAtMs;
  assert(store.probes.get(failed.addressKey)!.retryAtMs > 5_000, "Precondition: it backs off");
  store.open("a", 5_000);
  store.event("a", ready, 5_000);
  assertEquals(store.probes.get(failed.addressKey)!.retryAtMs, 5_000);
  assertEquals(store.probes.get(elsewhere.addressKey)!.retryAtMs, otherMs, "Another host is another matter");
});

Deno.test("FactStore leaves those alone that answered and failed when their host answers elsewhere", () => {
  const store = new Store();
  const failures = {
    "10.0.0.1:8001": new TransportError("ECONNREFUSED", "Refused"),
    "10.0.0.1:8002": new TimeoutError("dial", "No answer"),
    "10.0.0.1:8003": new ProtocolError("header-digest", "Wrong"),
    "10.0.0.1:8004": new NvmeStatusError("invalid-host", "No", { status: 0x184, dnr: true, crd: 0 }),
  };
  const bad = wanted("10.0.0.1");
  for (let n = 0; n < 5; n++) {
    for (const [name, error] of Object.entries(failures)) {
      store.open(name, 0);
      store.event(name, closed(error), 0);
    }
    store.recordProbeResult(bad, new ProtocolError("pdu-header", "Wrong"), 0);
  }
  const waits = () => Object.keys(failures).map((name) => store.session(name).retryAtMs > 5_000);
  assertEquals(waits(), [true, true, true, true], "Precondition: all back off");
  store.open("10.0.0.1:8005", 5_000);
  store.event("10.0.0.1:8005", ready, 5_000);
  assertEquals(waits(), [false, false, true, true]);
  assert(store.probes.get(bad.addressKey)!.retryAtMs > 5_000);
});

Deno.test("FactStore never has two sessions at one address wake each other in a tight loop", () => {
  const store = new Store();
  const keys = ["10.0.0.1:8009", "10.0.0.1:8010"];
  let attempts = 0;
  // Both controllers come up and fail at once, for ever; each is opened the moment its pause is over.
  for (let nowMs = 0; nowMs < 60_000; nowMs += 10) {
    for (const name of keys) {
      const session = store.sessions.get(keyOf(name));
      if (session !== undefined && session.retryAtMs > nowMs) continue;
      attempts++;
      store.open(name, nowMs);
      store.event(name, ready, nowMs);
      store.event(name, closed(refused), nowMs);
    }
  }
  assert(attempts <= 2 * 60_000 / 5_000 + 2, `${attempts} attempts in a minute`);
});

Deno.test("FactStore proves an address for a while, and backs off from one that fails", () => {
  const store = new Store();
  store.recordProbing(one.addressKey);
  assertEquals(store.probes.get(one.addressKey)?.probing, true);
  store.recordProbeResult(one, refused, 100);
  store.recordProbing(one.addressKey);
  store.recordProbeResult(one, refused, 2_000);
  const failed = store.probes.get(one.addressKey)!;
  assertEquals([failed.probing, failed.failures, failed.retryAtMs], [false, 2, 4_000]);
  store.recordProbeResult(one, null, 5_000);
  const proven = store.probes.get(one.addressKey)!;
  assertEquals([proven.provenUntilMs, proven.failures, proven.failure], [
    5_000 + limits.probeValidMs,
    0,
    null,
  ]);
});

Deno.test("FactStore takes a connect for a proof, and keeps a probe under way counted", () => {
  const store = new Store();
  store.recordProbing(one.addressKey);
  store.recordConnecting(one);
  assertEquals(store.connects.get(one.key)?.state, "connecting");
  store.recordConnected(one, true, 70);
  const { state, doneAtMs, already } = store.connects.get(one.key)!;
  assertEquals([state, doneAtMs, already], ["done", 70, true]);
  const { probing, provenUntilMs } = store.probes.get(one.addressKey)!;
  assertEquals([probing, provenUntilMs], [true, 70 + limits.probeValidMs]);
});

Deno.test("FactStore doubts the address when the kernel could not reach it, not when the subsystem refused", () => {
  for (const [code, doubted] of [["ETIMEDOUT", true], ["EIO", false]] as const) {
    const store = new Store();
    store.recordProbeResult(one, null, 0);
    store.recordConnectFailed(one, new KernelError(code, "K"), 10);
    const { provenUntilMs, failure: why, retryAtMs: askAtMs } = store.probes.get(one.addressKey)!;
    assertEquals(provenUntilMs === 0, doubted, code);
    assertEquals([why?.code, askAtMs], doubted ? [code, 10 + limits.reproofGapMs] : [undefined, 0]);
    const { failures, retryAtMs, failure } = store.connects.get(one.key)!;
    assertEquals([failures, retryAtMs, failure?.code], [1, 10 + limits.connectRetryMsBase, code]);
  }
});

Deno.test("FactStore keeps what an attempt was made with, also when the settings change under way", () => {
  const store = new Store();
  const [before, after] = [new Secret("before"), new Secret("after")];
  const set = (dhchapSecret: Secret) =>
    store.reconfigure({
      policy: { ...store.policy, connectDefaults: { dhchapSecret } },
      reconnectIntervalMs: 1,
    });
  for (const begin of ["recordAsking", "recordConnecting"] as const) {
    set(before);
    store[begin](one);
    set(after);
    store.recordConnectFailed(one, new KernelError("EIO", "K"), 10);
    const { triedWith } = store.connects.get(one.key)!;
    assertEquals(triedWith?.options.dhchapSecret?.equals(before), true, begin);
    assertEquals(hasChangedSince(store.connects.get(one.key)!, store.policy, one.path), true);
    set(before);
    assertEquals(hasChangedSince(store.connects.get(one.key)!, store.policy, one.path), false);
  }
});

Deno.test("FactStore joins the target's refusal to the kernel's EIO, which names no reason", () => {
  const refusal = new NvmeStatusError("invalid-host", "The target refuses: Connect Invalid Host", {
    status: 0x184,
    dnr: true,
    crd: 0,
  });
  const told = (code: string) => {
    const store = new Store();
    store.recordAsking(one);
    assertEquals(store.connects.get(one.key)?.state, "asking");
    store.recordAnswered(one.key, refusal, 10);
    const { state, answeredUntilMs } = store.connects.get(one.key)!;
    assertEquals([state, answeredUntilMs], ["idle", 10 + limits.probeValidMs]);
    store.recordConnecting(one);
    store.recordConnectFailed(one, new KernelError(code, "Kernel"), 20);
    const { failure, answeredUntilMs: after } = store.connects.get(one.key)!;
    assertEquals(after, 0);
    return failure?.message;
  };
  assertEquals(told("EIO"), "Kernel. The target refuses: Connect Invalid Host");
  assertEquals(told("EINVAL"), "Kernel");
});

Deno.test("FactStore counts as held in vain only what we could not foresee", () => {
  const heldMs = (prepare: (store: Store) => void, path = one) => {
    const store = new Store();
    prepare(store);
    store.recordConnectFailed(path, new KernelError("EIO", "K"), 70_000, 60_000);
    return store.connects.get(path.key)!.heldMs;
  };
  assertEquals(heldMs(() => {}), 0);
  assertEquals(heldMs((store) => store.recordAnswered(one.key, null, 9_000)), 60_000);
  assertEquals(heldMs(() => {}, { ...one, path: { ...one.path, secureChannelRequired: true } }), 60_000);
});

Deno.test("FactStore doubts the address when a Connect of ours does not reach it", () => {
  for (const [error, doubted] of [[refused, true], [new TimeoutError("command", "T"), false]] as const) {
    const store = new Store();
    store.recordProbeResult(one, null, 0);
    store.recordAsking(one);
    store.recordConnectFailed(one, error, 10);
    assertEquals(store.probes.get(one.addressKey)?.provenUntilMs === 0, doubted);
    assertEquals(store.connects.get(one.key)?.state, "idle");
  }
});

Deno.test("FactStore forgets what is about paths that nobody names, but for what is under way", () => {
  const store = new Store();
  const two = wanted("10.0.1.2");
  const three = wanted("10.0.1.3");
  for (const it of [one, two]) store.recordConnected(it, false, 0);
  store.recordControllers({ list: [], readAtMs: 1 });
  store.recordConnecting(three);
  store.recordProbing(three.addressKey);
  store.prune(new Map([[one.key, one]]));
  assertEquals([...store.connects.keys()], [one.key, three.key]);
  assertEquals([...store.probes.keys()], [one.addressKey, three.addressKey]);
});

Deno.test("FactStore keeps the addresses of a name that cannot be looked up, and sorts new ones", () => {
  const store = new Store();
  store.recordResolving("n");
  assertEquals([store.resolutions.get("n")?.pending, store.resolutions.get("n")?.nextAtMs], [true, Infinity]);
  store.recordResolved("n", ["10.0.0.2", "10.0.0.1"], 0);
  store.recordResolved("n", new TransportError("ENOTFOUND", "Not found"), 50);
  const { addresses, pending, nextAtMs, failures, failure } = store.resolutions.get("n")!;
  assertEquals([addresses, pending, failures, failure?.code], [
    ["10.0.0.1", "10.0.0.2"],
    false,
    1,
    "ENOTFOUND",
  ]);
  assertEquals(nextAtMs, 50 + limits.connectRetryMsBase);
});

Deno.test("FactStore tells of a change in the kernel once", () => {
  const store = new Store();
  const missing = { code: "ENOENT", message: "No module", atMs: 1 };
  store.recordKernel({ present: false, failure: missing, options: null });
  store.recordKernel({ present: false, failure: { ...missing, atMs: 2 }, options: null });
  assertEquals(store.changes, 1);
  store.recordKernel({ present: true, failure: null, options: null });
  assertEquals(store.changes, 2);
});

Deno.test("FactStore takes the controllers as they are", () => {
  const store = new Store();
  store.recordControllers({ list: [], readAtMs: 1 });
  store.recordControllers({ list: [controller()], readAtMs: 2 });
  assertEquals([store.controllers?.list.length, store.controllers?.readAtMs, store.changes], [1, 2, 2]);
});

Deno.test("FactStore forgets names that no entry uses any more, but for a look-up under way", () => {
  const store = new Store();
  store.recordEntries([entry("a", { traddr: "used" }), entry("a", { traddr: "gone" })]);
  for (const name of ["used", "gone", "failing"]) store.recordResolved(name, ["10.0.0.1"], 0);
  store.recordResolved("failing", refused, 0);
  store.recordResolving("pending");
  store.recordEntries([entry("a", { traddr: "used" }), entry("b")]);
  store.prune(new Map());
  assertEquals([...store.resolutions.keys()], ["used", "pending"]);
  store.recordResolved("pending", ["10.0.0.2"], 1);
  store.prune(new Map());
  assertEquals([...store.resolutions.keys()], ["used"]);
});

Deno.test("FactStore remembers a connect that went well until sysfs was read after it, though nobody names its path", () => {
  const store = new Store();
  store.recordControllers({ list: [], readAtMs: 10 });
  store.recordConnecting(one);
  store.prune(new Map());
  store.recordConnected(one, false, 20);
  store.prune(new Map());
  assertEquals(store.connects.get(one.key)?.state, "done", "Named again now, it must not be connected twice");
  store.recordControllers({ list: [], readAtMs: 21 });
  assertEquals(store.changes > 0, true);
  store.prune(new Map());
  assertEquals(store.connects.size, 0);
});

Deno.test("FactStore makes every waiting retry due, and leaves what is under way alone", () => {
  const store = new Store();
  const [failed, busy, done] = [wanted("10.0.1.1"), wanted("10.0.1.2"), wanted("10.0.1.3")];
  for (let n = 0; n < 4; n++) {
    store.open("a", 0);
    store.event("a", closed(refused), 0);
    store.recordProbeResult(failed, refused, 0);
    store.recordConnectFailed(failed, refused, 0);
    store.recordResolved("n", refused, 0);
  }
  store.open("b", 0);
  store.recordConnecting(busy);
  store.recordConnected(done, true, 0);
  store.recordControllers({ list: [], readAtMs: 5 });
  store.recordResolving("m");
  const dues = () => [
    store.session("a").retryAtMs,
    store.probes.get(failed.addressKey)!.retryAtMs,
    store.connects.get(failed.key)!.retryAtMs,
    store.resolutions.get("n")!.nextAtMs,
  ];
  assert(dues().every((atMs) => atMs > 1_000), `Precondition: all wait, ${dues()}`);
  const { changes } = store;
  store.makeRetriesDue(1_000);
  assertEquals([dues(), store.changes - changes], [[1_000, 1_000, 1_000, 1_000], 1]);
  assertEquals([store.session("a").failures, store.connects.get(failed.key)!.failures], [4, 4]);
  assertEquals([store.session("b").state, store.connects.get(busy.key)!.state], ["opening", "connecting"]);
  const pauseEndsMs = store.connects.get(done.key)!.doneAtMs + limits.connectRetryMsMax;
  assert(pauseEndsMs <= 1_000, "A controller that never showed is connected again at once");
  assertEquals(store.resolutions.get("m")!.nextAtMs, Infinity);
});

import { limits } from "../../src/base/limits.ts";
import { assert, assertEquals } from "../assert.ts";
import { connect, failure, probe, wanted } from "./path_samples.ts";
import { nowMs, one, paths, planned, provenAll } from "./planned_connects.ts";

const proven = provenAll(one);

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

const failed = connect({ failures: 1, failure: failure("EIO") });
const answered = { ...failed, answeredUntilMs: nowMs + 1 };
Deno.test("planConnects() connects new paths before those that failed", () => {
  const old = paths("10.0.2.1", 10);
  const connects = new Map(old.map(({ key }) => [key, answered]));
  assertEquals(planned({ probes: provenAll(...old, one), connects }, ...old, one).connect, [one, old[0]!]);
});

Deno.test("planConnects() tries a Connect of its own before the kernel is asked again for an address", () => {
  const [mute, good] = [paths("10.0.2.1", 5), paths("10.0.1.1", 1)];
  const connects = new Map([[mute[0]!.key, { ...failed, retryAtMs: nowMs + 500 }]]);
  const probes = provenAll(...mute, ...good);
  const plan = planned({ probes, connects }, ...mute, ...good);
  assertEquals([plan.connect, plan.ask, plan.wakeAtMs], [good, [mute[1]!], nowMs + 500]);
  const states = plan.rows.map(({ state }) => state);
  assertEquals(states, ["failed", "probing", "probing", "probing", "probing", "connecting"]);
  connects.set(mute[1]!.key, connect({ state: "asking" }));
  assertEquals(planned({ probes, connects }, ...mute).ask, []);
  const answeredUntilMs = nowMs + limits.probeValidMs;
  connects.set(mute[1]!.key, connect({ answeredUntilMs }));
  const after = planned({ probes, connects }, ...mute);
  assertEquals([after.connect, after.ask], [[mute[1]!], []]);
});

Deno.test("planConnects() tries a Connect for each path that fails without a known reason, at a gentle pace", () => {
  const [known, failing] = paths("10.0.1.1", 2);
  const askedAfter = (ms: number, change: Parameters<typeof connect>[0] = {}) => {
    const connects = new Map([
      [known!.key, connect({ answeredUntilMs: nowMs - ms + limits.probeValidMs })],
      [failing!.key, { ...failed, ...change }],
    ]);
    const plan = planned({ probes: provenAll(known!), connects }, known!, failing!);
    assertEquals(plan.connect, [known!]);
    return plan.ask;
  };
  assertEquals(askedAfter(limits.askGapMs), [failing!]);
  assertEquals(askedAfter(limits.askGapMs - 1), []);
  const refusal = { ...failure("invalid-host"), atMs: nowMs - limits.refusalFreshMs + 1 };
  assertEquals(askedAfter(limits.askGapMs, { refusal }), []);
  assertEquals(askedAfter(limits.askGapMs, { refusal: { ...refusal, atMs: refusal.atMs - 1 } }), [failing!]);
});

Deno.test("planConnects() asks again itself where a path was mute, though others at its address answer", () => {
  const all = paths("10.0.1.1", 2);
  const connects = new Map([
    [all[0]!.key, connect({ answeredUntilMs: nowMs + limits.probeValidMs })],
    [all[1]!.key, connect({ failures: 1, failure: failure("command"), mute: true })],
  ]);
  const plan = planned({ probes: provenAll(...all), connects }, ...all);
  assertEquals([plan.connect, plan.ask], [[all[0]!], [all[1]!]]);
});

Deno.test("planConnects() tries no Connect inside of TLS", () => {
  const secure = { ...one, path: { ...one.path, secureChannelRequired: true } };
  const tls = { ...one, path: { ...one.path, options: { tls: true as const } } };
  for (const path of [secure, tls]) {
    const plan = planned({ probes: proven, connects: new Map([[one.key, failed]]) }, path);
    assertEquals([plan.connect, plan.ask], [[path], []]);
  }
});

Deno.test("planConnects() has one write at a time for all addresses where a connect failed, after the others", () => {
  const mute = [...paths("10.0.2.1", 5), ...paths("10.0.3.1", 5)];
  const good = [...paths("10.0.1.1", 1), ...paths("10.0.1.2", 1)];
  const probes = provenAll(...mute, ...good);
  const connects = new Map(mute.map(({ key }) => [key, answered]));
  const chosen = planned({ probes, connects }, ...mute, ...good).connect;
  assertEquals([...chosen.slice(0, 2), chosen.length], [...good, 3]);
  assert(mute.includes(chosen[2]!), "No failed address is tried");
  connects.set(mute[5]!.key, { ...answered, state: "connecting" });
  assertEquals(planned({ probes, connects }, ...mute, ...good).connect, good);
  assertEquals(planned({ probes, connects }, ...mute).connect, []);
});

Deno.test("planConnects() pauses a whole address after the kernel was held in vain, and no other", () => {
  const [mute, good] = [paths("10.0.2.1", 3), paths("10.0.1.1", 1)];
  const held = { ...failed, failure: { ...failure("EIO"), atMs: nowMs }, heldMs: 60_000 };
  const connects = new Map([[mute[0]!.key, held]]);
  const input = { probes: provenAll(...mute, ...good), connects };
  const plan = planned(input, ...mute, ...good);
  assertEquals([plan.connect, plan.ask, plan.wakeAtMs], [good, [], nowMs + 240_000]);
  const later = nowMs + 240_000;
  const probes = new Map(mute.map(({ addressKey }) => [addressKey, probe({ provenUntilMs: later + 1 })]));
  assertEquals(planned({ probes, connects, nowMs: later }, ...mute).ask, [mute[1]!]);
  connects.set(mute[0]!.key, { ...held, heldMs: 1e9 });
  assertEquals(planned(input, ...mute).wakeAtMs, nowMs + limits.heldPauseMsMax);
});

Deno.test("planConnects() has one write at a time for an address until one has gone well, then two", () => {
  const many = [...paths("10.0.1.1", 3), ...paths("10.0.1.2", 3)];
  const probes = provenAll(...many);
  const [first, second] = [many[0]!, many[3]!];
  assertEquals(planned({ probes }, ...many).connect, [first, second]);
  const connects = new Map([[first.key, connect({ state: "connecting" })]]);
  assertEquals(planned({ probes, connects }, ...many).connect, [second]);
  connects.set(first.key, connect({ state: "done", doneAtMs: nowMs - 1 }));
  const more = planned({ probes, connects }, ...many, ...paths("10.0.1.1", 5).slice(3));
  assertEquals(more.connect, [many[1]!, many[2]!, second]);
  connects.set(first.key, connect({ state: "done", doneAtMs: nowMs - limits.probeValidMs }));
  const { connect: stale } = planned({ probes, connects }, ...many);
  assertEquals(stale.length, 2);
});

Deno.test("planConnects() has a bounded number of connects, trials and probes under way, those begun counted", () => {
  const many = [1, 2, 3, 4, 5].flatMap((node) => paths(`10.0.1.${node}`, 4));
  const probes = provenAll(...many);
  const begun = planned({ probes }, ...many);
  assertEquals(begun.connect.length, limits.connectsInFlightMax);
  const count = (state: string) => begun.rows.filter((row) => row.state === state).length;
  assertEquals([count("connecting"), count("waiting")], [
    limits.connectsInFlightMax,
    20 - limits.connectsInFlightMax,
  ]);
  const connects = new Map(begun.connect.slice(1).map(({ key }) => [key, connect({ state: "connecting" })]));
  assertEquals(planned({ probes, connects }, ...many).connect.length, 1);

  const doubted = Array.from({ length: 40 }, (_, at) => wanted(`10.9.1.${at}`));
  const asking = new Map(doubted.map(({ key }) => [key, failed]));
  for (const { key } of doubted.slice(0, 5)) asking.set(key, { ...failed, state: "asking" });
  const { ask } = planned({ probes: provenAll(...doubted), connects: asking }, ...doubted);
  assertEquals(ask.length, limits.asksInFlightMax - 5);

  const addresses = Array.from({ length: 200 }, (_, at) => wanted(`10.9.0.${at}`));
  const probing = new Map(
    addresses.slice(0, 10).map(({ addressKey }) => [addressKey, probe({ probing: true })]),
  );
  assertEquals(planned({ probes: probing }, ...addresses).probe.length, limits.probesInFlightMax - 10);
});

Deno.test("planConnects() asks for an address once, however many paths it has", () => {
  assertEquals(planned({}, ...paths("10.0.1.1", 50)).probe.length, 1);
});

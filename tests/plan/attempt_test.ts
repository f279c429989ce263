import { Secret } from "../../src/base/secret.ts";
import { attemptOf, hasChangedSince } from "../../src/plan/attempt.ts";
import type { Attempt, Policy } from "../../src/plan/facts.ts";
import type { Path } from "../../src/model/path.ts";
import { assertEquals } from "../assert.ts";
import { connect, failure } from "./path_samples.ts";
import { nowMs, one, planned, policy, provenAll } from "./planned_connects.ts";

const withSecret = (text: string): Policy => ({
  ...policy,
  connectDefaults: { dhchapSecret: new Secret(text) },
});

interface Row {
  name: string;
  triedWith: Attempt | null;
  policy?: Policy;
  changed: boolean;
}

const path: Path = { ...one.path, options: { nrIoQueues: 3 } };
const { hostid } = path;
const rows: Row[] = [
  { name: "nothing without an attempt", triedWith: null, policy: withSecret("one"), changed: false },
  { name: "nothing in the same words", triedWith: { hostid, options: { nrIoQueues: 3 } }, changed: false },
  { name: "an option of the entry", triedWith: { hostid, options: { nrIoQueues: 2 } }, changed: true },
  {
    name: "an option that is gone",
    triedWith: { hostid, options: { nrIoQueues: 3, tls: true } },
    changed: true,
  },
  {
    name: "the host identifier",
    triedWith: { hostid: "00112233-4455-6677-8899-aabbccddeeff", options: { nrIoQueues: 3 } },
    changed: true,
  },
  {
    name: "nothing in the same secret of the settings",
    triedWith: { hostid, options: { nrIoQueues: 3, dhchapSecret: new Secret("one") } },
    policy: withSecret("one"),
    changed: false,
  },
  {
    name: "another secret of the settings",
    triedWith: { hostid, options: { nrIoQueues: 3, dhchapSecret: new Secret("one") } },
    policy: withSecret("other"),
    changed: true,
  },
  {
    name: "nothing in settings that the entry overrides",
    triedWith: { hostid, options: { nrIoQueues: 3 } },
    policy: { ...policy, connectDefaults: { nrIoQueues: 9 } },
    changed: false,
  },
];

for (const { name, triedWith, policy: now = policy, changed } of rows) {
  Deno.test(`hasChangedSince() sees ${name}`, () => {
    assertEquals(hasChangedSince(connect({ triedWith }), now, path), changed);
  });
}

Deno.test("planConnects() neither waits nor pauses once a failed attempt would be another one", () => {
  const before = withSecret("one");
  const retryAtMs = nowMs + 9_000;
  const failed = (code: string, heldMs: number) =>
    connect({
      ...{ failures: 1, failure: { ...failure(code), atMs: nowMs - 1_000 }, retryAtMs, heldMs },
      triedWith: attemptOf(before, one.path),
    });
  const next = (now: Policy, code: string, heldMs = 0) => {
    const connects = new Map([[one.key, failed(code, heldMs)]]);
    const { rows: [row], connect, ask } = planned({ probes: provenAll(one), policy: now, connects });
    return [connect.length, ask.length, row?.retryAtMs];
  };
  assertEquals(next(before, "EINVAL"), [0, 0, retryAtMs]);
  assertEquals(next(withSecret("other"), "EINVAL"), [1, 0, undefined]);
  // What held the kernel in vain is asked first, and only then connected.
  assertEquals(next(before, "EIO", 60_000), [0, 0, retryAtMs]);
  assertEquals(next(withSecret("other"), "EIO", 60_000), [0, 1, undefined]);
});

import { limits } from "../../src/base/limits.ts";
import { Secret } from "../../src/base/secret.ts";
import { newSessionFact, type SessionFact } from "../../src/plan/facts.ts";
import { planSessions, type SessionPlan } from "../../src/plan/plan_sessions.ts";
import { assert, assertEquals } from "../assert.ts";
import { endpoint, keyOf, list, live, member, referred } from "./fact_samples.ts";

const nowMs = 50_000;

const fact = (name: string, change: Partial<SessionFact>): [string, SessionFact] => [
  keyOf(name),
  { ...newSessionFact(endpoint(name), 0), ...change },
];

/** Letters of the keys, for the tables. */
function letters(keys: readonly string[]): string {
  return keys.map((key) => String.fromCharCode(96 + Number(/^tcp 10\.0\.0\.(\d+) /.exec(key)?.[1]))).join("");
}

interface Row {
  name: string;
  list: ReturnType<typeof list>;
  sessions?: [string, SessionFact][];
  open?: string;
  close?: string;
  forget?: string;
  wakeAtMs?: number;
}

/** Unreachable, and by its own count due in 10 ms. */
const failedAgo = (name: string, ms: number) =>
  fact(name, {
    failures: 2,
    retryAtMs: nowMs + 10 - (ms > 10 ? ms : 0),
    failure: { code: "dial", message: "Refused", atMs: nowMs - ms },
  });

const rows: Row[] = [
  {
    name: "opens a session to every member",
    list: list(member("a"), member("b"), referred("c", "a")),
    open: "abc",
  },
  {
    name: "asks a retired member that nobody has asked in this run",
    list: list(member("b", { retired: true }), member("a")),
    open: "ab",
  },
  {
    name: "asks a retired member a long time after it last failed",
    list: list(member("a", { retired: true }), member("b", { retired: true })),
    sessions: [failedAgo("a", limits.retiredRetryMs), failedAgo("b", limits.retiredRetryMs - 7)],
    open: "a",
    wakeAtMs: nowMs + 7,
  },
  {
    name: "does not wait for a pause that began before its endpoint was tried anew",
    list: list(member("a", { triedAgainMs: nowMs - 1 }), member("b", { triedAgainMs: nowMs - 2 })),
    sessions: [failedAgo("a", 2), failedAgo("b", 2)],
    open: "a",
    wakeAtMs: nowMs + 10,
  },
  {
    name: "leaves what is opening, live or closing alone",
    list: list(member("a"), member("b"), member("c")),
    sessions: [fact("a", { state: "opening" }), live("b"), fact("c", { state: "closing" })],
  },
  {
    name: "opens again when the pause is over",
    list: list(member("a")),
    sessions: [fact("a", { failures: 3, retryAtMs: nowMs })],
    open: "a",
  },
  {
    name: "waits for the end of the pause, and asks to be woken",
    list: list(member("a"), member("b")),
    sessions: [
      fact("a", { failures: 3, retryAtMs: nowMs + 5 }),
      fact("b", { failures: 1, retryAtMs: nowMs + 3 }),
    ],
    wakeAtMs: nowMs + 3,
  },
  {
    name: "opens the new before the failed, and these by their failures",
    list: list(member("a"), member("b"), member("c"), member("d")),
    sessions: [fact("a", { failures: 5 }), fact("b", { failures: 1 }), fact("c", { failures: 3 })],
    open: "dbca",
  },
  {
    name: "closes what is no longer on the list",
    list: list(member("a")),
    sessions: [live("a"), live("b"), fact("c", { state: "opening" })],
    close: "bc",
  },
  {
    name: "lets the session of a retired member come up",
    list: list(member("a", { retired: true }), member("b", { retired: true })),
    sessions: [live("a"), fact("b", { state: "opening" })],
  },
  {
    name: "forgets what is neither wanted nor open, and closes nothing twice",
    list: list(),
    sessions: [fact("a", {}), fact("b", { state: "closing" })],
    forget: "a",
  },
  {
    name: "closes a session under another host identifier",
    list: list(member("a", { endpoint: endpoint("a", { hostid: "h" }) })),
    sessions: [live("a")],
    close: "a",
  },
  {
    name: "closes a session without the digests that are asked for now",
    list: list(member("a", { endpoint: endpoint("a", { options: { hdrDigest: true } }) })),
    sessions: [live("a")],
    close: "a",
  },
  {
    name: "closes a session from another source",
    list: list(
      member("a", { endpoint: endpoint("a", { options: { hostTraddr: "10.9.9.9" } }) }),
      member("b", { endpoint: endpoint("b", { options: { hostIface: "eth1" } }) }),
    ),
    sessions: [live("a"), live("b")],
    close: "ab",
  },
  {
    name: "keeps a session when options change that only the kernel's connects have",
    list: list(member("a", {
      endpoint: endpoint("a", {
        options: { ctrlLossTmo: 60, nrIoQueues: 4, dhchapSecret: new Secret("DHHC-1:00:eA==:"), tls: true },
      }),
    })),
    sessions: [live("a")],
  },
  {
    name: "closes a session to another discovery NQN",
    list: list(member("a", { endpoint: endpoint("a", { discoveryNqn: "nqn.2024-01.io.example:d" }) })),
    sessions: [live("a")],
    close: "a",
  },
  {
    name: "keeps a session whose options are other objects with the same values",
    list: list(member("a", { endpoint: endpoint("a", { options: { hdrDigest: undefined } }) })),
    sessions: [live("a")],
  },
];

for (const { name, list, sessions = [], open = "", close = "", forget = "", wakeAtMs = Infinity } of rows) {
  Deno.test(`planSessions() ${name}`, () => {
    const plan = planSessions(list, new Map(sessions), nowMs);
    assertEquals(letters(plan.open.map(({ key }) => key)), open);
    assertEquals(letters(plan.close.map(({ key }) => key)), close);
    assertEquals([letters(plan.forget), plan.wakeAtMs], [forget, wakeAtMs]);
    assert([...plan.open, ...plan.close].every(({ reason }) => reason.length > 0 || open !== ""));
  });
}

/** `count` members, of which the first ones have facts. */
function crowd(count: number, facts: Partial<SessionFact>[]): SessionPlan {
  const names = Array.from({ length: count }, (_, at) => `10.1.${at >> 8}.${at & 0xff}:8009`);
  const sessions = facts.map((change, at) => fact(names[at]!, change));
  return planSessions(list(...names.map((name) => member(name))), new Map(sessions), nowMs);
}

Deno.test("planSessions() opens a bounded number at once, those begun counted", () => {
  assertEquals(crowd(1_000, []).open.length, limits.sessionsOpeningMax);
  const opening = Array.from({ length: 100 }, () => ({ state: "opening" as const }));
  assertEquals(crowd(1_000, opening).open.length, limits.sessionsOpeningMax - 100);
});

Deno.test("planSessions() keeps room for the new, however many dead are being tried", () => {
  const dead = { failures: 4, retryAtMs: 0 };
  const tried = crowd(1_000, Array.from({ length: 1_000 }, () => dead));
  assertEquals(tried.open.length, limits.sessionsReopeningMax);
  const opening = Array.from(
    { length: limits.sessionsReopeningMax },
    () => ({ ...dead, state: "opening" as const }),
  );
  const room = limits.sessionsOpeningMax - limits.sessionsReopeningMax;
  const { open } = crowd(limits.sessionsReopeningMax + room + 10, opening);
  assertEquals([open.length, open.some(({ reason }) => reason.includes("attempt"))], [room, false]);
});

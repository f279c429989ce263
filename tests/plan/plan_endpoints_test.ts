import { plan } from "../../src/plan/plan.ts";
import type { ConnectOptions } from "../../src/model/connect_options.ts";
import type { EndpointList, Facts } from "../../src/plan/facts.ts";
import { limits } from "../../src/base/limits.ts";
import { clusterKey } from "../../src/model/cluster.ts";
import { assert, assertEquals } from "../assert.ts";
import {
  cluster,
  dead,
  endpoint,
  entry,
  facts,
  keyOf,
  list,
  live,
  lost,
  member,
  memberNames,
  referral,
  referred,
  self,
} from "./fact_samples.ts";

interface Row {
  name: string;
  facts: Partial<Facts>;
  expected: string;
}

const rows: Row[] = [
  {
    name: "takes the entries of the files",
    facts: { entries: [entry("a"), entry("b"), entry("a")] },
    expected: "a b",
  },
  {
    name: "follows referrals of a live member",
    facts: {
      entries: [entry("a")],
      list: list(member("a")),
      sessions: new Map([live("a", referral("b"), referral("c"))]),
    },
    expected: "a b c",
  },
  {
    name: "follows no referral where the policy says so, and retires nothing because of one",
    facts: {
      entries: [entry("a"), entry("b")],
      list: list(member("a"), member("b")),
      sessions: new Map([live("a", referral("c")), dead("b", 2)]),
      policy: { dryRun: false, connectDefaults: {}, hostid: null, followReferrals: false },
    },
    expected: "a b",
  },
  {
    name: "never recurses into itself, by subtype 3 or by a referral in another spelling",
    facts: {
      entries: [entry("a")],
      list: list(member("a")),
      sessions: new Map([live("a", self("a"), referral("::ffff:10.0.0.1"))]),
    },
    expected: "a",
  },
  {
    name: "ends a ring",
    facts: {
      entries: [entry("a")],
      list: list(member("a"), referred("b", "a")),
      sessions: new Map([live("a", referral("b")), live("b", referral("a"))]),
    },
    expected: "a b",
  },
  {
    name: "drops a referral that its only namer takes back, though it is alive itself",
    facts: {
      entries: [entry("a")],
      list: list(member("a"), referred("b", "a")),
      sessions: new Map([live("a", self("a")), live("b", self("b"))]),
    },
    expected: "a",
  },
  {
    name: "keeps a referral while its namer is merely unreachable",
    facts: {
      entries: [entry("a")],
      list: list(member("a"), referred("b", "a")),
      sessions: new Map([lost("a", 5, referral("b")), live("b", self("b"))]),
    },
    expected: "a b",
  },
  {
    name: "keeps a referral of an unreachable namer when another member publishes other referrals",
    facts: {
      entries: [entry("a")],
      list: list(member("a"), referred("b", "a"), referred("c", "a"), referred("d", "a")),
      sessions: new Map([lost("a", 1, referral("b")), live("b", referral("c")), live("c", referral("b"))]),
    },
    expected: "a b c d",
  },
  {
    name: "retires a configured endpoint that is gone and that the others leave out",
    facts: {
      entries: [entry("a"), entry("b")],
      list: list(member("a"), member("b"), referred("c", "b")),
      sessions: new Map([dead("a", 2), live("b", referral("c")), live("c", referral("b"))]),
    },
    expected: "-a b c",
  },
  {
    name: "does not retire a configured endpoint after a single failure",
    facts: {
      entries: [entry("a"), entry("b")],
      list: list(member("a"), member("b"), referred("c", "b")),
      sessions: new Map([dead("a", 1), live("b", referral("c")), live("c", referral("b"))]),
    },
    expected: "a b c",
  },
  {
    name: "keeps a configured endpoint that is gone while another member names it",
    facts: {
      entries: [entry("a"), entry("b")],
      list: list(member("a"), member("b")),
      sessions: new Map([dead("a", 9), live("b", referral("a"))]),
    },
    expected: "a b",
  },
  {
    name: "keeps configured endpoints of a cluster that publishes no referrals",
    facts: {
      entries: [entry("a"), entry("b")],
      list: list(member("a"), member("b")),
      sessions: new Map([dead("a", 9), live("b", self("b"))]),
    },
    expected: "a b",
  },
  {
    name: "keeps a live configured endpoint that the others leave out",
    facts: {
      entries: [entry("a"), entry("b")],
      list: list(member("a"), member("b"), referred("c", "b")),
      sessions: new Map([live("a", self("a")), live("b", referral("c")), live("c", referral("b"))]),
    },
    expected: "a b c",
  },
  {
    name: "tries a retired endpoint again when it is named again",
    facts: {
      entries: [entry("a"), entry("b")],
      list: list(member("a", { retired: true }), member("b")),
      sessions: new Map([live("b", referral("a"))]),
    },
    expected: "a b",
  },
  {
    name: "lets a cluster go that no file names any more",
    facts: {
      entries: [],
      list: list(member("a"), referred("b", "a")),
      sessions: new Map([live("a", referral("b"))]),
    },
    expected: "",
  },
  {
    name: "keeps the remembered list while the directory was never read",
    facts: { entries: null, list: list(member("a"), referred("b", "a")) },
    expected: "a b",
  },
  {
    name: "keeps a remembered referral of nobody known until referrals are published without it",
    facts: {
      entries: [entry("a")],
      list: list(member("a"), referred("b")),
      sessions: new Map([live("a", self("a"))]),
    },
    expected: "a b",
  },
  {
    name: "drops a remembered referral of nobody known that the published referrals leave out",
    facts: {
      entries: [entry("a")],
      list: list(member("a"), referred("b")),
      sessions: new Map([live("a", referral("c"))]),
    },
    expected: "a c",
  },
  {
    name: "drops a configured endpoint whose line is gone while the cluster has others",
    facts: { entries: [entry("b")], list: list(member("a"), member("b")), sessions: new Map([live("b")]) },
    expected: "b",
  },
  {
    name: "keeps an endpoint as a referral when its line is gone but a member names it",
    facts: {
      entries: [entry("b")],
      list: list(member("a"), member("b")),
      sessions: new Map([live("b", referral("a"))]),
    },
    expected: "a b",
  },
];

for (const row of rows) {
  Deno.test(`planCluster() ${row.name}`, () => {
    assertEquals(memberNames(plan(facts(row.facts), 1_000).list), row.expected);
  });
}

Deno.test("planCluster() lets referrals inherit host identity and options of their reporter", () => {
  const options = { hostTraddr: "10.9.9.9", ctrlLossTmo: 30 };
  const hostid = "11111111-2222-3333-4444-555555555555";
  const from = endpoint("a", { options, hostid });
  const { list: planned } = plan(
    facts({
      entries: [entry("a", { options, hostid })],
      list: list(member("a", { endpoint: from })),
      sessions: new Map([live("a", referral("b"))]),
    }),
    0,
  );
  const found = planned.get(clusterKey(cluster))!.members.find((m) => m.key === keyOf("b"))!;
  assertEquals([found.endpoint.options, found.endpoint.hostid], [options, hostid]);
  assertEquals([found.endpoint.source, found.namedBy], ["referral", [keyOf("a")]]);
});

Deno.test("planCluster() has a referral inherit from one entry, whoever of its reporters is live", () => {
  const options: Record<string, ConnectOptions> = {
    a: { hdrDigest: true },
    b: { hostTraddr: "10.9.9.9" },
    c: { dataDigest: true },
  };
  const ledTo = { x: "a", y: "b", z: "c" };
  const members = [
    ...Object.keys(options).map((name) =>
      member(name, { endpoint: endpoint(name, { options: options[name] }) })
    ),
    ...Object.entries(ledTo).map(([name, from]) => ({
      ...referred(name, from),
      endpoint: endpoint(name, { source: "referral", options: options[from] }),
    })),
  ];
  // All entries are dead. What they led to names each other in a ring, and would take its neighbour's options in turn.
  const gone = Object.keys(options).map((name) => dead(name, 1));
  const up = new Map([...gone, live("x", referral("y")), live("y", referral("z")), live("z", referral("x"))]);
  const closed = new Map([
    ...gone,
    lost("x", 0, referral("y")),
    lost("y", 0, referral("z")),
    lost("z", 0, referral("x")),
  ]);
  const entries = Object.keys(options).map((name) => entry(name, { options: options[name] }));
  let now: EndpointList = list(...members);
  for (const [at, sessions] of [up, up, closed, up, closed].entries()) {
    now = plan(facts({ entries, list: now, sessions }), at).list;
    const found = Object.keys(ledTo).map((name) =>
      now.get(clusterKey(cluster))!.members.find(({ key }) => key === keyOf(name))!.endpoint.options
    );
    assertEquals(found, Object.values(ledTo).map((from) => options[from]), `pass ${at + 1}`);
  }
});

Deno.test("planCluster() has a referral of several entries inherit from the first of them, whoever is heard first", () => {
  const [optionsA, optionsB] = [{ hdrDigest: true as const }, { hostTraddr: "10.9.9.9" }];
  const entries = [entry("a", { options: optionsA }), entry("b", { options: optionsB })];
  const before = list(
    member("a", { endpoint: endpoint("a", { options: optionsA }) }),
    member("b", { endpoint: endpoint("b", { options: optionsB }) }),
    referred("c", "b", "a"),
  );
  for (
    const sessions of [[live("b", referral("c"))], [live("a", referral("c")), live("b", referral("c"))], []]
  ) {
    const { list: next } = plan(facts({ entries, list: before, sessions: new Map(sessions) }), 0);
    const found = next.get(clusterKey(cluster))!.members.find(({ key }) => key === keyOf("c"))!;
    assertEquals(found.endpoint.options, optionsA, `${sessions.length} live`);
  }
});

Deno.test("planCluster() bounds the number of endpoints and says what it left out", () => {
  const many = Array.from({ length: 2_000 }, (_, at) => referral(`10.1.${at >> 8}.${at & 255}`));
  const { list: planned } = plan(
    facts({ entries: [entry("a")], list: list(member("a")), sessions: new Map([live("a", ...many)]) }),
    0,
  );
  const state = planned.get(clusterKey(cluster))!;
  assertEquals(state.members.length, limits.endpointsPerClusterMax);
  assert(state.notes.some((note) => note.includes("left out")), `notes: ${state.notes.join("; ")}`);
});

Deno.test("planCluster() drops two that are gone and named only each other, once somebody is live", () => {
  const before = list(
    member("a"),
    referred("b", "c"),
    referred("c", "b"),
    referred("d", "a"),
    referred("e", "d"),
  );
  const keys = (of: ReturnType<typeof plan>) =>
    of.list.get(clusterKey(cluster))!.members.map(({ key }) => key);
  const silent = plan(facts({ entries: [entry("a"), entry("f")], list: before }), 0);
  assertEquals(keys(silent).length, 6, "Nobody is live: all stay");
  // `a` is away: what it had named stays, and what that had named.
  const sessions = new Map([live("f", referral("a"))]);
  const planned = plan(facts({ entries: [entry("a"), entry("f")], list: silent.list, sessions }), 1);
  assertEquals(keys(planned), ["a", "f", "d", "e"].map(keyOf));
});

Deno.test("planCluster() keeps its order whatever order the logs have", () => {
  // Each names the others in an order of its own; `a` is configured and away.
  const sessions = new Map([
    live("b", referral("d"), referral("c"), referral("a")),
    live("c", referral("b"), referral("d"), referral("a")),
    live("d", referral("c"), referral("b"), referral("a")),
  ]);
  let before =
    plan(facts({ entries: [entry("a")], list: list(member("a"), referred("b", "c")), sessions }), 0).list;
  const again = (atMs: number) =>
    before = plan(facts({ entries: [entry("a")], list: before, sessions }), atMs).list;
  // All are found after a few passes.
  for (let pass = 1; pass < 4; pass++) again(pass);
  const settled = before;
  assertEquals(settled.get(clusterKey(cluster))!.members.length, 4);
  for (let pass = 4; pass < 8; pass++) assert(again(pass) === settled, `Pass ${pass} changed the list`);
});

Deno.test("planCluster() drops a referral whose namers left the list, once somebody is live who could name it", () => {
  const before = list(member("a"), referred("b", "a"));
  const keys = (of: ReturnType<typeof plan>) =>
    of.list.get(clusterKey(cluster))!.members.map(({ key }) => key);
  // The file names `c` in place of `a`; nobody is live.
  const silent = plan(facts({ entries: [entry("c")], list: before }), 0);
  assertEquals(keys(silent), [keyOf("c"), keyOf("b")]);
  const again = plan(facts({ entries: [entry("c")], list: silent.list }), 1);
  assertEquals(keys(again), [keyOf("c"), keyOf("b")], "Still unknown");
  // A member that publishes no referrals at all is word enough.
  const sessions = new Map([live("c")]);
  assertEquals(keys(plan(facts({ entries: [entry("c")], list: again.list, sessions }), 2)), [keyOf("c")]);
});

Deno.test("planCluster() does not let a log with too many referrals drive out endpoints that are live", () => {
  const many = Array.from({ length: 2_000 }, (_, at) => referral(`10.1.${at >> 8}.${at & 255}`));
  // `a` names the dead before it names `b`, and `b` as many others.
  const sessions = new Map([
    live("a", ...many, referral("b")),
    live("b", ...many.map((_, at) => referral(`10.2.${at >> 8}.${at & 255}`))),
  ]);
  let before =
    plan(facts({ entries: [entry("a")], list: list(member("a"), referred("b", "a")), sessions }), 0).list;
  const keys = () => before.get(clusterKey(cluster))!.members.map(({ key }) => key);
  const first = keys();
  assert(
    first.includes(keyOf("b")) && first.length === limits.endpointsPerClusterMax,
    `${first.length} members`,
  );
  for (let pass = 1; pass < 5; pass++) {
    before = plan(facts({ entries: [entry("a")], list: before, sessions }), pass).list;
    assertEquals(keys(), first, `Pass ${pass}`);
  }
});

Deno.test("plan() answers the same list object when nothing changed", () => {
  const sessions = new Map([live("a", referral("b")), live("b", referral("a"))]);
  const first = plan(facts({ entries: [entry("a")], list: list(member("a")), sessions }), 0).list;
  const second = plan(facts({ entries: [entry("a")], list: first, sessions }), 1).list;
  const third = plan(facts({ entries: [entry("a")], list: second, sessions }), 2).list;
  assert(third === second, "the list is the same object");
});

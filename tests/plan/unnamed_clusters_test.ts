/** Endpoints of nvme-cli's discovery.conf: pass after pass of the plan over sessions as a fabric would give them. */
import { canonicalAddress } from "../../src/base/address.ts";
import { limits } from "../../src/base/limits.ts";
import type { Cluster } from "../../src/model/cluster.ts";
import { endpointKey } from "../../src/model/endpoint.ts";
import type { Entry } from "../../src/model/entry.ts";
import type { DiscoveryRecord } from "../../src/nvme/discovery_log.ts";
import { discoveryNqn } from "../../src/nvme/spec.ts";
import { type EndpointList, newSessionFact, type SessionFact } from "../../src/plan/facts.ts";
import { plan } from "../../src/plan/plan.ts";
import { listToEntries, rememberedList } from "../../src/plan/remembered_list.ts";
import { assert, assertEquals } from "../assert.ts";
import { fc } from "../property.ts";
import { cluster, entry, facts, nvm, referral } from "./fact_samples.ts";

const unnamed: Cluster = { hostnqn: cluster.hostnqn, subsysnqn: discoveryNqn };
const other: Cluster = { ...cluster, subsysnqn: "nqn.2024-01.io.example:other" };

const line = (name: string, change: Partial<Entry> = {}) =>
  entry(name, {
    cluster: unnamed,
    origin: { file: "/etc/nvme/discovery.conf", line: name.charCodeAt(0) },
    ...change,
  });

/** A host that plans, opens what the plan says, and reads what each address would answer; silent where it answers nothing. */
class Host {
  entries: Entry[] | null = [];
  list: EndpointList = new Map();
  sessions = new Map<string, SessionFact>();
  readonly logs = new Map<string, readonly DiscoveryRecord[]>();
  /** Sessions ever opened, as `a@cluster`. */
  readonly opened: string[] = [];
  nowMs = 1_000;

  /** Passes until nothing changes; answers the groups. */
  settle(): string[] {
    for (let pass = 0; pass < 50; pass++) {
      this.nowMs += 10;
      const before = this.list;
      const { list, sessions } = plan(
        facts({ entries: this.entries, list: this.list, sessions: this.sessions }),
        this.nowMs,
      );
      this.list = list;
      const active = [...list.values()].flatMap(({ members }) => members.filter(({ retired }) => !retired));
      const addresses = active.map(({ endpoint }) => `${endpoint.traddr} ${endpoint.trsvcid}`);
      assertEquals(new Set(addresses).size, addresses.length, "one session an endpoint");
      for (const { key } of sessions.close) this.sessions.delete(key);
      for (const key of sessions.forget) this.sessions.delete(key);
      for (const { key, endpoint } of sessions.open) {
        const name = nameOf(endpoint.traddr);
        if (!this.sessions.has(key)) this.opened.push(name);
        const records = this.logs.get(name);
        const known = this.sessions.get(key) ?? newSessionFact(endpoint, this.nowMs);
        this.sessions.set(
          key,
          records === undefined
            ? {
              ...known,
              state: "idle",
              logCurrent: false,
              failures: known.failures + 1,
              retryAtMs: this.nowMs + 20,
              failure: { code: "dial", message: "Refused", atMs: this.nowMs },
            }
            : { ...known, state: "live", log: { genctr: 1n, records }, logCurrent: true, failures: 0 },
        );
      }
      if (list === before && pass > 10 && sessions.close.length === 0) return this.groups();
    }
    throw new Error("The plan never rests");
  }

  /** The address answers otherwise from now on, and its session has read it; null: it is dead. */
  answer(name: string, records: readonly DiscoveryRecord[] | null): void {
    if (records === null) this.logs.delete(name);
    else this.logs.set(name, records);
    for (const [key, session] of this.sessions) {
      if (nameOf(session.endpoint.traddr) !== name) continue;
      this.sessions.set(
        key,
        records === null
          ? { ...session, state: "idle", logCurrent: false, retryAtMs: 0 }
          : { ...session, log: { genctr: 2n, records } },
      );
    }
  }

  groups(): string[] {
    return [...this.list].map(([, { members }]) => {
      const subsysnqn = members[0]?.endpoint.cluster.subsysnqn;
      const letters = members.map(({ endpoint, retired }) => (retired ? "-" : "") + nameOf(endpoint.traddr))
        .sort();
      return `${subsysnqn === discoveryNqn ? "" : `${subsysnqn?.split(":")[1]}: `}${letters.join(" ")}`;
    }).sort();
  }
}

function nameOf(traddr: string): string {
  return String.fromCharCode(96 + Number(canonicalAddress(traddr).split(".")[3]));
}

function hostOf(
  logs: Readonly<Record<string, readonly DiscoveryRecord[]>>,
  ...entries: Entry[]
): Host {
  const host = new Host();
  host.entries = entries;
  for (const [name, records] of Object.entries(logs)) host.logs.set(name, records);
  return host;
}

const sub = (n: number) => `nqn.2024-01.io.example:sub${n}`;

Deno.test("plan() has endpoints of discovery.conf stand for themselves until a log says otherwise", () => {
  const host = hostOf({}, line("a"), line("b"), line("c"));
  assertEquals(host.settle(), ["a", "b", "c"]);
});

Deno.test("plan() makes one cluster of endpoints whose logs name each other or one subsystem, in any order", () => {
  const logs = {
    a: [referral("b"), nvm("a", sub(1))],
    b: [],
    c: [nvm("c", sub(2))],
    d: [nvm("d", sub(2))],
    e: [nvm("e", sub(3)), referral("f")],
    f: [referral("g")],
  };
  const lines = ["a", "b", "c", "d", "e"].map((name) => line(name));
  for (const entries of [lines, [...lines].reverse()]) {
    const host = hostOf(logs, ...entries);
    assertEquals(host.settle(), ["a b", "c d", "e f g"]);
    assertEquals(
      host.opened.toSorted(),
      ["a", "b", "c", "d", "e", "f", "g"],
      "each session was opened once",
    );
    assertEquals(host.list.size, 3);
  }
});

Deno.test("plan() unites two clusters without opening a session anew, and parts them again", () => {
  const host = hostOf({ a: [nvm("a", sub(1))], b: [nvm("b", sub(2))] }, line("a"), line("b"));
  assertEquals(host.settle(), ["a", "b"]);
  const keys = [...host.sessions.keys()];
  host.answer("b", [nvm("b", sub(2)), nvm("b", sub(1))]);
  assertEquals(host.settle(), ["a b"]);
  host.answer("b", [nvm("b", sub(2))]);
  assertEquals(host.settle(), ["a", "b"]);
  assertEquals([...host.sessions.keys()], keys);
  assertEquals(host.opened.length, 2);
});

Deno.test("plan() has one session where discovery.conf and an entry file name one endpoint", () => {
  const host = hostOf({ a: [nvm("a", sub(1))] }, entry("a"), line("a", { options: { ctrlLossTmo: 5 } }));
  assertEquals(host.settle(), ["cluster: a"]);
  const [member] = [...host.list.values()][0]!.members;
  assertEquals(member?.endpoint.origins.length, 2, "both are told as its origins");
  assertEquals(member?.endpoint.options, {}, "the entry file's line gives the options");
  host.entries = [line("a")];
  assertEquals(host.settle(), ["a"], "the entry file is gone, the line is not");
  host.entries = [];
  assertEquals(host.settle(), []);
});

Deno.test("plan() has endpoints of discovery.conf join the named cluster that they belong to, once", () => {
  const host = hostOf(
    { a: [referral("c"), nvm("a", sub(1))], b: [nvm("b", sub(1))], c: [referral("a")], d: [referral("b")] },
    line("b"),
    line("c"),
    line("d"),
    entry("a"),
    entry("e", { cluster: other }),
  );
  assertEquals(host.settle(), ["cluster: a b c d", "other: e"]);
  const counts = Map.groupBy(host.opened.filter((name) => name !== "e"), (name) => name);
  for (const [name, opens] of counts) assert(opens.length <= 2, `${name} was opened ${opens.length} times`);
  const { length } = host.opened;
  host.settle();
  assertEquals(host.opened.length, length, "and rests");
  host.entries = [line("b"), line("c"), line("d")];
  assertEquals(host.settle(), ["a b c d"], "without the entry file they are a cluster without a name");
});

Deno.test("plan() has hosts' clusters apart, and named clusters untouched by what discovery.conf says", () => {
  const hostnqn = "nqn.2014-08.org.example:other";
  const host = hostOf(
    { a: [nvm("a", sub(1))], b: [nvm("b", sub(1))], c: [nvm("c", sub(1))] },
    entry("a"),
    entry("b", { cluster: other }),
    line("c", { cluster: { ...unnamed, hostnqn } }),
  );
  assertEquals(host.settle(), ["c", "cluster: a", "other: b"]);
});

Deno.test("plan() drops a referral that is taken back, and retires a dead endpoint that the others leave out", () => {
  const full = (...names: string[]) => [...names.map(referral), nvm("a", sub(1))];
  const host = hostOf(
    { a: full("b", "c"), b: full("a", "c"), c: full("a", "b") },
    line("a"),
    line("b"),
  );
  assertEquals(host.settle(), ["a b c"]);
  host.answer("b", null);
  assertEquals(host.settle(), ["a b c"], "unreachable is not gone");
  host.answer("a", full("c"));
  host.answer("c", full("a"));
  assertEquals(host.settle(), ["-b a c"], "who is left out and dead retires, and stays with its cluster");
  host.answer("c", null);
  host.answer("a", [nvm("a", sub(1))]);
  assertEquals(host.settle(), ["-b a"]);
  host.answer("a", null);
  host.nowMs += limits.strandedAfterMs + 1;
  host.settle();
  host.nowMs += limits.strandedAfterMs + 1;
  assertEquals(host.settle().flatMap((group) => group.split(" ")).sort(), ["a", "b"], "never stranded");
});

Deno.test("plan() keeps who retired with those who left it out", () => {
  const host = hostOf(
    { a: [referral("c"), nvm("a", sub(1))], b: [nvm("b", sub(1))], c: [] },
    line("a"),
    line("b"),
  );
  assertEquals(host.settle(), ["a b c"], "one subsystem, and nobody names b");
  host.answer("b", null);
  assertEquals(host.settle(), ["-b a c"]);
  host.entries = [line("a"), line("b"), line("d")];
  assertEquals(host.settle(), ["-b a c", "d"], "no entry of theirs changed");
  host.answer("b", [nvm("b", sub(1))]);
  host.nowMs += limits.retiredRetryMs;
  assertEquals(host.settle(), ["a b c", "d"], "asked once more");
});

Deno.test("plan() has an endpoint in the cluster whose file names it, whatever its log has in common with another", () => {
  const host = hostOf(
    { a: [nvm("a", sub(1))], b: [nvm("b", sub(1))] },
    entry("a"),
    entry("b", { cluster: other }),
    line("a"),
    line("b"),
  );
  assertEquals(host.settle(), ["cluster: a", "other: b"]);
});

Deno.test("plan() removes all that a line of discovery.conf led to when the line goes, and nothing else", () => {
  const host = hostOf(
    { a: [referral("b")], b: [], c: [referral("d")], d: [] },
    line("a"),
    line("c"),
  );
  assertEquals(host.settle(), ["a b", "c d"]);
  host.entries = [line("c")];
  assertEquals(host.settle(), ["c d"]);
  assertEquals(host.opened.toSorted(), ["a", "b", "c", "d"]);
});

Deno.test("plan() finds the clusters of discovery.conf again after a restart, from what is remembered", () => {
  const host = hostOf({ a: [referral("b")], b: [], c: [], d: [] }, line("a"), line("c"), line("d"));
  assertEquals(host.settle(), ["a b", "c", "d"]);
  const again = new Host();
  again.list = rememberedList({ entries: listToEntries(host.list), createdAtMs: 0 });
  again.entries = null;
  assertEquals(again.settle(), ["a b", "c", "d"], "before a file could be read");
  again.entries = host.entries;
  assertEquals(again.settle(), ["a b", "c", "d"], "unreachable, all of it");
  for (const name of ["a", "b", "c", "d"]) again.answer(name, host.logs.get(name)!);
  again.nowMs += 1_000;
  assertEquals(again.settle(), ["a b", "c", "d"]);
});

Deno.test("plan() tells what keeps a host name of discovery.conf from being used", () => {
  const host = hostOf({}, line("a"), line("a", { traddr: "storage.example" }));
  const failure = { code: "ENOTFOUND", message: "No such name", atMs: 0 };
  const resolutions = new Map([
    ["storage.example", { addresses: [], pending: false, nextAtMs: 1e9, failures: 1, failure }],
  ]);
  const { list } = plan(facts({ entries: host.entries, resolutions }), 0);
  assertEquals([...list.values()].flatMap(({ notes }) => notes), [
    "storage.example (/etc/nvme/discovery.conf:97): No such name",
  ]);
  const again = plan(facts({ entries: host.entries, resolutions, list }), 10);
  assert(again.list === list, "a list that did not change stays the same object");
});

const letters = ["a", "b", "c", "d", "e", "f"];

/** Who refers to whom, and who serves what: up to two of each. */
const anyFabric = fc.record({
  refers: fc.array(fc.tuple(fc.constantFrom(...letters), fc.constantFrom(...letters)), { maxLength: 8 }),
  serves: fc.array(fc.tuple(fc.constantFrom(...letters), fc.integer({ min: 1, max: 4 })), { maxLength: 5 }),
  dead: fc.uniqueArray(fc.constantFrom(...letters), { maxLength: 2 }),
  lines: fc.uniqueArray(fc.constantFrom(...letters), { minLength: 1, maxLength: 4 }),
  named: fc.uniqueArray(fc.constantFrom(...letters), { maxLength: 1 }),
});

type AnyFabric = typeof anyFabric extends fc.Arbitrary<infer T> ? T : never;

/** What must come of it, worked out the slow way: those that can be found, in sets that grow together. */
function expectedGroups({ refers, serves, dead, lines, named }: AnyFabric): string[] {
  const alive = (name: string) => !dead.includes(name);
  const found = new Set([...lines, ...named]);
  const told = refers.filter(([from]) => alive(from));
  for (let grows = true; grows;) {
    const before = found.size;
    for (const [from, to] of told) if (found.has(from)) found.add(to);
    grows = found.size > before;
  }
  const links = [
    ...told.filter(([from]) => found.has(from)),
    ...serves.flatMap(([one, n]) =>
      serves.filter(([other, m]) => n === m && alive(one) && alive(other)).map(([other]) =>
        [one, other] as const
      )
    ).filter(([one, other]) => found.has(one) && found.has(other)),
  ];
  const groupOf = new Map([...found].map((name) => [name, name]));
  for (let pass = 0; pass < letters.length; pass++) {
    for (const [one, other] of links) {
      const least = [groupOf.get(one)!, groupOf.get(other)!].sort()[0]!;
      groupOf.set(one, least);
      groupOf.set(other, least);
    }
  }
  const groups = Map.groupBy([...found].sort(), (name) => groupOf.get(name)!);
  return [...groups.values()].map((names) =>
    `${names.some((name) => named.includes(name)) ? "cluster: " : ""}${names.join(" ")}`
  ).sort();
}

Deno.test("plan() finds the clusters of any fabric, opens each session once, and rests", () => {
  fc.assert(
    fc.property(anyFabric, (fabric) => {
      const { refers, serves, dead, lines, named } = fabric;
      const host = new Host();
      host.entries = [...lines.map((name) => line(name)), ...named.map((name) => entry(name))];
      for (const name of letters) {
        if (dead.includes(name)) continue;
        const referrals = refers.filter(([from]) => from === name).map(([, to]) => referral(to));
        const volumes = serves.filter(([from]) => from === name).map(([, n]) => nvm(name, sub(n)));
        host.logs.set(name, [...referrals, ...volumes]);
      }
      assertEquals(host.settle().map((group) => group.replaceAll("-", "")), expectedGroups(fabric));
      for (const name of new Set(host.opened)) {
        const opens = host.opened.filter((opened) => opened === name).length;
        assert(opens <= (named.length === 0 ? 1 : 2), `${name} was opened ${opens} times`);
      }
      const opened = host.opened.length;
      host.settle();
      assertEquals(host.opened.length, opened, "It never rests");
    }),
    { numRuns: 300 },
  );
});

Deno.test("plan() opens a session of discovery.conf with the NQN of its discovery controller", () => {
  const nqn = "nqn.2024-01.org.example:discovery";
  const { sessions } = plan(facts({ entries: [line("a", { discoveryNqn: nqn })] }), 0);
  assertEquals(sessions.open.map(({ key, endpoint }) => [key, endpoint.discoveryNqn]), [
    [endpointKey({ cluster: unnamed, transport: "tcp", traddr: "10.0.0.1", trsvcid: 8009 }), nqn],
  ]);
});

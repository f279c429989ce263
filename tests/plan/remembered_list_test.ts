import { Secret } from "../../src/base/secret.ts";
import { formatState, parseState } from "../../src/config/state_file.ts";
import { plan } from "../../src/plan/plan.ts";
import { listToEntries, rememberedList } from "../../src/plan/remembered_list.ts";
import { assert, assertEquals } from "../assert.ts";
import type { Entry } from "../../src/model/entry.ts";
import { endpoint, entry, facts, keyOf, list, live, member, nvm, referred } from "./fact_samples.ts";
import { theClusterKey } from "./path_samples.ts";

/** To internal.json and back. */
const restarted = (before: ReturnType<typeof list>) => {
  const text = formatState({ entries: listToEntries(before), createdAtMs: 0, configDigest: "00" });
  const state = parseState(new TextEncoder().encode(text));
  assertEquals(state.problems, []);
  return { text, list: rememberedList(state), state };
};

Deno.test("rememberedList() gives back who is on the list, and why", () => {
  const before = list(
    member("a", {
      endpoint: endpoint("a", { hostid: "00112233-4455-6677-8899-aabbccddeeff", hostName: "n1" }),
    }),
    member("b", { retired: true }),
    referred("c", "a", "[fd00::7]:8010"),
    referred("[fd00::7]:8010", "a"),
  );
  const members = restarted(before).list.get(theClusterKey)?.members ?? [];
  const expected = before.get(theClusterKey)!.members;
  assertEquals(
    members.map(({ key, retired, namedBy, depth }) => [key, retired, namedBy, depth]),
    expected.map(({ key, retired, namedBy, depth }) => [key, retired, namedBy, depth]),
  );
  assertEquals(
    members.map(({ endpoint: { source, hostid, hostName } }) => [source, hostid, hostName]),
    expected.map(({ endpoint: { source, hostid, hostName } }) => [source, hostid, hostName]),
  );
});

Deno.test("rememberedList() keeps discovery NQN, source address and loss timeout", () => {
  const options = { hostTraddr: "10.0.9.9", ctrlLossTmo: -1 };
  const before = list(
    member("a", { endpoint: endpoint("a", { options, discoveryNqn: "nqn.2024-01.io.example:d" }) }),
  );
  const [only] = restarted(before).list.get(theClusterKey)!.members;
  assertEquals([only?.endpoint.options, only?.endpoint.discoveryNqn], [options, "nqn.2024-01.io.example:d"]);
});

Deno.test("rememberedList() keeps every option that is neither key nor secret", () => {
  const options = {
    hostIface: "eth0",
    keepAliveTmo: 7,
    reconnectDelay: 3,
    nrIoQueues: 2,
    nrWriteQueues: 3,
    nrPollQueues: 4,
    queueSize: 64,
    fastIoFailTmo: -1,
    tos: 0,
    disableSqflow: true,
    hdrDigest: true,
    dataDigest: true,
  };
  const before = list(member("a", { endpoint: endpoint("a", { options }) }));
  const [only] = restarted(before).list.get(theClusterKey)!.members;
  assertEquals(JSON.parse(JSON.stringify(only!.endpoint.options)), options);
  assertEquals(only?.endpoint.secretsUnknown, undefined);
});

Deno.test("A secured endpoint that is remembered is not connected before the entry files are read", () => {
  const options = { dhchapSecret: new Secret("hush") };
  const b = member("b", {
    endpoint: endpoint("b", { source: "referral", options }),
    namedBy: [keyOf("a")],
    depth: 1,
  });
  const resumed = restarted(list(member("a", { endpoint: endpoint("a", { options }) }), b)).list;
  const sessions = new Map([live("b", nvm("10.0.0.2:4420", "nqn.2024-01.io.example:volume"))]);
  const planned = (entries: Entry[] | null) => plan(facts({ list: resumed, entries, sessions }), 1_000);
  const before = planned(null);
  assertEquals(before.connects.rows.map(({ state }) => state), ["waiting"]);
  assert(before.connects.rows[0]!.reason.includes("entry files"));
  assertEquals(before.connects.probe.length, 0);
  // Saved once more meanwhile, they are still known to be secured.
  const again = restarted(new Map(before.list)).list.get(theClusterKey)!.members;
  assertEquals(again.map(({ endpoint }) => endpoint.secretsUnknown), [true, true]);
  const after = plan(facts({ list: before.list, entries: [entry("a", { options })], sessions }), 2_000);
  assertEquals(after.connects.probe.map(({ path }) => path.options), [options]);
});

Deno.test("listToEntries() writes no secret", () => {
  const options = { dhchapSecret: new Secret("hush"), dhchapCtrlSecret: new Secret("hush"), tlsKey: "hush" };
  assert(!restarted(list(member("a", { endpoint: endpoint("a", { options }) }))).text.includes("hush"));
});

Deno.test("rememberedList() takes the first of two entries for one endpoint", () => {
  const { state } = restarted(list(member("a")));
  const twice = { ...state, entries: [...state.entries, { ...state.entries[0]!, retired: true }] };
  const members = rememberedList(twice).get(theClusterKey)!.members;
  assertEquals(members.map(({ retired }) => retired), [false]);
});

Deno.test("rememberedList() passes over namers that are no addresses", () => {
  const { state } = restarted(list(referred("b", "a")));
  for (const label of ["", ":", "10.0.0.1", "10.0.0.1:", "x:1:2:3", "[fd00::1]:x", "10.0.0.1:08009"]) {
    const entries = [{ ...state.entries[0]!, namedBy: [label, "10.0.0.1:8009"] }];
    assertEquals(rememberedList({ ...state, entries }).get(theClusterKey)!.members[0]?.namedBy, [keyOf("a")]);
  }
});

Deno.test("A list remembered and planned without news stays as it is", () => {
  const before = list(member("a"), referred("b", "a"), member("c", { retired: true }));
  const resumed = restarted(before).list;
  const next = plan(facts({ list: resumed, entries: [entry("a"), entry("c")] }), 1_000).list;
  const shape = (it: typeof next) =>
    it.get(theClusterKey)!.members.map(({ key, retired, namedBy }) => ({ key, retired, namedBy }))
      .sort((x, y) => x.key < y.key ? -1 : 1);
  assertEquals(shape(next), shape(before));
});

Deno.test("A remembered referral gets the options that internal.json does not hold from the entry that led to it", () => {
  const options = { tls: true, hostIface: "eth0", dhchapSecret: new Secret("DHHC-1:00:x:") };
  const resumed = restarted(list(member("a"), referred("b", "a"), referred("c", "b"), referred("d"))).list;
  const entries = [entry("z"), entry("a", { options, hostid: "00112233-4455-6677-8899-aabbccddeeff" })];
  const members = plan(facts({ list: resumed, entries }), 1_000).list.get(theClusterKey)!.members;
  const optionsOf = (name: string) => members.find(({ key }) => key === keyOf(name))?.endpoint.options;
  assertEquals([optionsOf("b"), optionsOf("c")], [options, options]);
  // Nobody knows who named it: the cluster's first entry stands in.
  assertEquals(optionsOf("d"), entries[0]!.options);
});

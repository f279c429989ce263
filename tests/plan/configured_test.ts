import type { ResolutionFact } from "../../src/plan/facts.ts";
import { configuredClusters, hostNames } from "../../src/plan/configured.ts";
import { assert, assertEquals } from "../assert.ts";
import { cluster, entry } from "./fact_samples.ts";
import { failure, theClusterKey } from "./path_samples.ts";

const name = "node1.example";
const named = entry("a", { traddr: name });

const resolution = (change: Partial<ResolutionFact>): Map<string, ResolutionFact> =>
  new Map([[name, { addresses: [], pending: false, nextAtMs: 0, failures: 0, failure: null, ...change }]]);

const addressesOf = (resolutions: Map<string, ResolutionFact>, ...entries: ReturnType<typeof entry>[]) =>
  [...configuredClusters(entries, resolutions).get(theClusterKey)!.endpoints.values()].map(({ traddr }) =>
    traddr
  );

Deno.test("configuredClusters() unites the entries that mean one endpoint; the first gives its options", () => {
  const origins = [1, 2, 3].map((line) => ({ file: "f", line }));
  const entries = origins.map((origin, at) => entry("a", { origin, options: { ctrlLossTmo: at } }));
  const [only, ...more] = configuredClusters(entries, new Map()).get(theClusterKey)!.endpoints.values();
  assertEquals([only?.options, only?.origins, only?.source, more.length], [
    { ctrlLossTmo: 0 },
    origins,
    "user",
    0,
  ]);
});

Deno.test("configuredClusters() keeps clusters apart", () => {
  const other = { ...cluster, subsysnqn: "nqn.2024-01.io.example:other" };
  const clusters = configuredClusters([entry("a"), entry("a", { cluster: other })], new Map());
  assertEquals([...clusters.values()].map(({ endpoints }) => endpoints.size), [1, 1]);
});

Deno.test("configuredClusters() puts all addresses of a name in its place, and remembers the name", () => {
  const clusters = configuredClusters([named], resolution({ addresses: ["10.0.0.1", "fd00::1"] }));
  const endpoints = [...clusters.get(theClusterKey)!.endpoints.values()];
  assertEquals(endpoints.map(({ traddr, hostName }) => [traddr, hostName]), [["10.0.0.1", name], [
    "fd00::1",
    name,
  ]]);
});

Deno.test("configuredClusters() takes a name and its address for one endpoint", () => {
  assertEquals(addressesOf(resolution({ addresses: ["10.0.0.1"] }), named, entry("a")), ["10.0.0.1"]);
});

Deno.test("configuredClusters() keeps the old addresses of a name that cannot be looked up now", () => {
  const resolutions = resolution({ addresses: ["10.0.0.1"], failure: failure("ENOTFOUND"), failures: 3 });
  assertEquals(addressesOf(resolutions, named), ["10.0.0.1"]);
});

Deno.test("configuredClusters() says why a name gives no address", () => {
  const notesOf = (resolutions: Map<string, ResolutionFact>) =>
    configuredClusters([named], resolutions).get(theClusterKey)!.notes;
  assertEquals(notesOf(new Map()), []);
  assert(notesOf(resolution({ pending: true }))[0]?.includes("is being resolved"));
  const [note] = notesOf(resolution({ failure: failure("ENOTFOUND") }));
  assert(note?.includes("ENOTFOUND") && note.includes("f:1"), note);
});

Deno.test("configuredClusters() changes the stamp with what the entries say, and with nothing else", () => {
  const stampOf = (...entries: ReturnType<typeof entry>[]) =>
    configuredClusters(entries, new Map()).get(theClusterKey)!.stamp;
  const before = stampOf(entry("a"), entry("b"));
  assertEquals(stampOf(entry("a"), entry("b")), before);
  const changed = [
    stampOf(entry("a")),
    stampOf(entry("a"), entry("b"), entry("c")),
    stampOf(entry("a"), entry("b", { trsvcid: 8010 })),
    stampOf(entry("a"), entry("b", { hostid: "00112233-4455-6677-8899-aabbccddeeff" })),
  ];
  for (const [at, stamp] of changed.entries()) assert(stamp !== before, `Change ${at} goes unseen`);
});

Deno.test("configuredClusters() is quick with thousands of lines for one endpoint", () => {
  const entries = Array.from({ length: 20_000 }, (_, line) => entry("a", { origin: { file: "f", line } }));
  const { endpoints } = configuredClusters(entries, new Map()).get(theClusterKey)!;
  assertEquals([...endpoints.values()][0]?.origins.length, 20_000);
});

Deno.test("hostNames() gives the names, each once, and no address", () => {
  assertEquals([...hostNames([named, named, entry("a"), entry("[fd00::1]")])], [name]);
});

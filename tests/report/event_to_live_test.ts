import { clusterKey } from "../../src/model/cluster.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { PathState } from "../../src/plan/plan_connects.ts";
import { EventToLive } from "../../src/report/event_to_live.ts";
import { assert, assertEquals } from "../assert.ts";
import { cluster } from "../plan/fact_samples.ts";
import { wanted } from "../plan/path_samples.ts";

const other = { ...cluster, subsysnqn: "nqn.2024-01.io.example:other" };

/** A plan in which these paths are in these states. */
function planOf(states: Readonly<Record<string, PathState>>, of = cluster): Plan {
  const rows = Object.entries(states).map(([traddr, state]) => {
    const one = wanted(traddr);
    return { wanted: { ...one, path: { ...one.path, cluster: of } }, state, reason: "" };
  });
  const paths = new Map(rows.map((row) => [row.wanted.key, row.wanted]));
  return { wanted: { paths, refused: [], dropped: 0 }, connects: { rows } } as unknown as Plan;
}

/** Observations so far, and their sum in ms. */
function seen(eventToLive: EventToLive): [count: number, sumMs: number] {
  const { samples } = eventToLive.family();
  const [sum, count] = samples.slice(-2);
  assert(sum?.suffix === "_sum" && count?.suffix === "_count");
  return [count.value, Math.round(sum.value * 1_000)];
}

Deno.test("EventToLive measures from the first event to each path that its log names first", () => {
  const it = new EventToLive();
  it.planned(planOf({ "10.0.1.1": "live" }), 0);
  it.sessionEvent("a", cluster, "event", 1_000);
  it.sessionEvent("a", cluster, "event", 1_050);
  it.sessionEvent("b", cluster, "event", 1_010);
  it.sessionEvent("b", cluster, "log", 1_020);
  it.sessionEvent("a", cluster, "log", 1_100);
  it.planned(planOf({ "10.0.1.1": "live", "10.0.1.2": "probing", "10.0.1.3": "connecting" }), 1_110);
  assertEquals(seen(it), [0, 0]);
  it.planned(planOf({ "10.0.1.1": "live", "10.0.1.2": "live", "10.0.1.3": "failed" }), 1_200);
  assertEquals(seen(it), [1, 200]);
  it.planned(planOf({ "10.0.1.1": "live", "10.0.1.2": "live", "10.0.1.3": "live" }), 4_000);
  assertEquals(seen(it), [2, 3_200]);
});

Deno.test("EventToLive does not count what no event brought", () => {
  const it = new EventToLive();
  // The first log of a session.
  it.sessionEvent("a", cluster, "log", 10);
  it.planned(planOf({ "10.0.1.1": "waiting" }), 20);
  it.planned(planOf({ "10.0.1.1": "live" }), 30);
  // The event of another cluster.
  it.sessionEvent("b", other, "event", 40);
  it.sessionEvent("b", other, "log", 50);
  it.planned(planOf({ "10.0.1.1": "live", "10.0.1.2": "waiting" }), 60);
  it.planned(planOf({ "10.0.1.1": "live", "10.0.1.2": "live" }), 70);
  // One whose session ended before the log came.
  it.sessionEvent("a", cluster, "event", 80);
  it.sessionEvent("a", cluster, "closed", 90);
  it.sessionEvent("a", cluster, "log", 100);
  it.planned(planOf({ "10.0.1.1": "live", "10.0.1.2": "live", "10.0.1.3": "waiting" }), 110);
  it.planned(planOf({ "10.0.1.1": "live", "10.0.1.2": "live", "10.0.1.3": "live" }), 120);
  assertEquals(clusterKey(other) === clusterKey(cluster), false);
  assertEquals(seen(it), [0, 0]);
});

Deno.test("EventToLive does not count a path that was live when it was named, nor one that is gone", () => {
  const it = new EventToLive();
  const event = (atMs: number) => {
    it.sessionEvent("a", cluster, "event", atMs);
    it.sessionEvent("a", cluster, "log", atMs + 1);
  };
  event(0);
  it.planned(planOf({ "10.0.1.1": "live", "10.0.1.2": "waiting" }), 10);
  it.planned(planOf({ "10.0.1.1": "live" }), 20);
  it.planned(planOf({ "10.0.1.1": "live", "10.0.1.2": "live" }), 30);
  it.planned(planOf({ "10.0.1.1": "live", "10.0.1.2": "live" }), 40);
  assertEquals(seen(it), [0, 0]);
});

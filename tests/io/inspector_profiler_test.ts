import { Secret } from "../../src/base/secret.ts";
import { InspectorProfiler, withoutStrings } from "../../src/io/inspector_profiler.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { assert, assertEquals } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { eventually } from "./eventually.ts";

/** Named so that a profile shows it. */
function burnForTheProfile(): number {
  let sum = 0;
  for (let at = 0; at < 3_000_000; at++) sum += Math.sqrt(at);
  return sum;
}

/** Work until a virtual minute is over. */
async function work(clock: VirtualClock, step: () => void): Promise<void> {
  await eventually("the profile has begun", () => clock.liveTimers() === 1);
  for (let at = 0; at < 20; at++) step();
  await clock.advance(60_000);
}

Deno.test("InspectorProfiler.cpuProfile() shows the functions that ran", async () => {
  const clock = new VirtualClock();
  const profile = new InspectorProfiler(clock).cpuProfile(60_000, new AbortController().signal);
  await work(clock, burnForTheProfile);
  const { nodes, samples, timeDeltas, startTime, endTime } = JSON.parse(await profile);
  const names = nodes.map(({ callFrame }: { callFrame: { functionName: string } }) => callFrame.functionName);
  assert(names.includes("burnForTheProfile"), names.join());
  assertEquals(samples.length, timeDeltas.length);
  assert(endTime > startTime);
});

Deno.test("InspectorProfiler.heapProfile() has the form that Chrome opens, and ends when aborted", async () => {
  const clock = new VirtualClock();
  const abort = new AbortController();
  const kept: object[] = [];
  const profile = new InspectorProfiler(clock).heapProfile(60_000, abort.signal);
  await eventually("the profile has begun", () => clock.liveTimers() === 1);
  for (let at = 0; at < 50_000; at++) kept.push({ at, text: `object ${at}` });
  abort.abort();
  const { head, samples } = JSON.parse(await profile);
  assertEquals(head.callFrame.functionName, "(root)");
  assert(Array.isArray(samples) && Array.isArray(head.children) && kept.length === 50_000);
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("InspectorProfiler.heapSnapshot() has names, and no text of any string", async () => {
  class KeptForTheSnapshot {
    readonly heldProperty = new Secret(["DHHC-1:00:", "c2VjcmV0".repeat(5), ":"].join(""));
    readonly plainText = ["a text ", "that nobody shall see"].join("");
  }
  const kept = new KeptForTheSnapshot();
  const text = await new InspectorProfiler(new RealClock()).heapSnapshot();
  const { strings, nodes, snapshot } = JSON.parse(text) as {
    strings: string[];
    nodes: number[];
    snapshot: { node_count: number; meta: { node_fields: string[] } };
  };
  assertEquals(nodes.length, snapshot.node_count * snapshot.meta.node_fields.length);
  assert(strings.includes("KeptForTheSnapshot") && strings.includes("heldProperty"));
  for (const shown of [kept.heldProperty.reveal(), kept.plainText, "c2VjcmV0"]) {
    assert(!text.includes(shown), "A snapshot shows a text");
  }
});

Deno.test("withoutStrings() blanks texts, and keeps them where they are a name too", () => {
  const snapshot = (strings: string[]) =>
    JSON.stringify({
      snapshot: {
        meta: {
          node_fields: ["type", "name"],
          node_types: [["object", "string"], "string"],
          edge_fields: ["type", "name_or_index", "to_node"],
          edge_types: [["property", "element"], "string_or_number", "node"],
        },
      },
      nodes: [0, 0, 1, 1, 1, 2, 1, 3],
      edges: [0, 2, 2, 1, 3, 2],
      strings,
    });
  const before = snapshot(["Class", "text", "property", "third"]);
  assertEquals(withoutStrings(before), snapshot(["Class", "", "property", ""]));
});

import { assertEquals, assertThrows } from "../assert.ts";
import { unknownNames } from "./known_metrics.ts";
import { promqlNames } from "./promql.ts";

Deno.test("promqlNames() tells metrics from functions, labels and words", () => {
  const text =
    `sum by (le, job) (rate(a_bucket{x="1, }", y=~"$y"}[5m])) / on (z) group_left (w) b offset 5m > bool 1e6`;
  assertEquals(promqlNames(text), {
    metrics: [
      {
        name: "a_bucket",
        matches: [
          { label: "x", operator: "=", value: "1, }" },
          { label: "y", operator: "=~", value: "$y" },
        ],
      },
      { name: "b", matches: [] },
    ],
    grouping: ["le", "job", "z", "w"],
  });
});

Deno.test("promqlNames() refuses what it cannot read", () => {
  for (const text of ["a{", 'a{x="1"', "a{x}", "a & b", 'a{x="1" y="2"}']) {
    assertThrows(() => promqlNames(text), Error);
  }
});

const cases: readonly [expression: string, problems: readonly string[]][] = [
  ["discovery_client_ready == 0", []],
  ['discovery_client_paths{state="live", instance=~"h.*"}', []],
  ["rate(discovery_client_event_to_live_seconds_bucket[5m])", []],
  ["discovery_client_redy == 0", ["metric discovery_client_redy"]],
  ["discovery_client_event_to_live_seconds", ["metric discovery_client_event_to_live_seconds"]],
  ['discovery_client_paths{status="live"}', ["label status of discovery_client_paths"]],
  ['discovery_client_paths{state="alive"}', ['state "alive" of discovery_client_paths']],
  ["sum by (node) (discovery_client_paths)", ["label node"]],
  ["sum by (what) (discovery_client_paths)", ["label what"]],
  ["time() > 1", ["no metric at all"]],
];

Deno.test("unknownNames() finds metrics, labels and values that no scrape has", () => {
  for (const [expression, problems] of cases) assertEquals(unknownNames(expression), problems, expression);
  assertEquals(unknownNames("discovery_client_ready", ["instance", "nqn"]), ["label nqn in a text"]);
});

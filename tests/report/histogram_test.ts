import { AssertionError } from "../../src/base/assert.ts";
import { Histogram } from "../../src/report/histogram.ts";
import { assertEquals, assertThrows } from "../assert.ts";

Deno.test("Histogram counts each duration in every bucket that it fits in", () => {
  const histogram = new Histogram([0.1, 1]);
  for (const ms of [0, 99, 100, 101, 1_000, 60_000, -5]) histogram.observeMs(ms);
  const { name, type, samples } = histogram.family("x_seconds", "Help");
  assertEquals([name, type], ["x_seconds", "histogram"]);
  assertEquals(samples.map(({ suffix, labels, value }) => [`${suffix} ${labels?.le ?? ""}`, value]), [
    ["_bucket 0.1", 4],
    ["_bucket 1", 6],
    ["_bucket +Inf", 7],
    ["_sum ", 61.3],
    ["_count ", 7],
  ]);
});

Deno.test("Histogram refuses bounds that do not ascend", () => {
  assertThrows(() => new Histogram([1, 1]), AssertionError);
});

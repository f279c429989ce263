import { fc } from "../property.ts";
import { assert, assertEquals } from "../assert.ts";
import { formatDurationMs, parseDurationMs } from "../../src/base/duration.ts";

Deno.test("parseDurationMs() reads Go's notation", () => {
  const rows: [text: string, ms: number][] = [
    ["0", 0],
    ["+0", 0],
    ["0s", 0],
    ["5s", 5_000],
    ["+5s", 5_000],
    ["250ms", 250],
    ["1h30m", 5_400_000],
    ["96h", 345_600_000],
    ["1h2m3s4ms", 3_723_004],
    ["1.5s", 1_500],
    [".5s", 500],
    ["1.s", 1_000],
    ["1000us", 1],
    ["1000µs", 1],
    ["1000μs", 1],
    ["1000000ns", 1],
    ["1m1m", 120_000],
  ];
  for (const [text, ms] of rows) assertEquals(parseDurationMs(text), ms, text);
});

Deno.test("parseDurationMs() knows nothing shorter than a nanosecond", () => {
  const rows: [text: string, ms: number][] = [["0.488ns", 0], ["1.2ns", 0.000001], ["1500ns", 0.0015]];
  for (const [text, ms] of rows) assertEquals(parseDurationMs(text), ms, text);
});

Deno.test("parseDurationMs() refuses what is longer than Go's longest duration", () => {
  assertEquals(parseDurationMs("2562047h47m16s"), 9_223_372_036_000);
  // Its short form would read `1e+39h`, which is no duration.
  for (const text of ["2562048h", "999999999999999999999999999999999999997s"]) {
    assertEquals(parseDurationMs(text), null, text);
  }
});

Deno.test("parseDurationMs() refuses everything else", () => {
  const bad = [
    "",
    "5",
    "-5s",
    "s",
    ".s",
    "5 s",
    "5S",
    "1d",
    "1e3s",
    "5s ",
    "1h30",
    "0x5s",
    "++5s",
    "١s",
    `${"1h".repeat(40)}`,
  ];
  for (const text of bad) assertEquals(parseDurationMs(text), null, text);
});

Deno.test("formatDurationMs() is short", () => {
  const rows: [ms: number, text: string][] = [
    [0, "0ms"],
    [250, "250ms"],
    [999.4, "999ms"],
    [1_000, "1s"],
    [1_550, "1.5s"],
    [60_000, "1m"],
    [61_000, "1m1s"],
    [5_400_000, "1h30m"],
    [345_600_000, "96h"],
  ];
  for (const [ms, text] of rows) assertEquals(formatDurationMs(ms), text);
});

Deno.test("property: formatDurationMs() is read back within its rounding of a tenth of a second", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 1e9 }), (ms) => {
    const again = parseDurationMs(formatDurationMs(ms));
    assert(again !== null && again <= ms + 1e-6 && ms - again < 100, `${ms} ${again}`);
  }));
});

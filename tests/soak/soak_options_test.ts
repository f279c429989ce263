/** The words after `deno task soak`, and how its time is dealt out. */
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { planSoak } from "./soak.ts";
import { parseSoakOptions } from "./soak_options.ts";

const parse = (...words: string[]) => parseSoakOptions(words, () => 77);

Deno.test("parseSoakOptions() fills in what is left out", () => {
  assertEquals(parse(), {
    minutes: 30,
    seed: 77,
    nodes: 5,
    subsystems: 8,
    json: false,
    leak: undefined,
  });
  const given = parse("--minutes", "1.5", "--seed", "0", "--nodes=3", "--subsystems=4", "-o", "json");
  assertEquals([given.minutes, given.seed, given.nodes, given.subsystems, given.json], [1.5, 0, 3, 4, true]);
});

Deno.test("parseSoakOptions() refuses what makes no sense, in words", () => {
  assertThrows(() => parse("--minutes", "0"), Error, "--minutes takes a number from 0.5");
  assertThrows(() => parse("--minutes", "ten"), Error, "not ten");
  assertThrows(() => parse("--nodes", "2.5"), Error, "--nodes takes a whole number");
  assertThrows(() => parse("--nodes", "1"), Error, "--nodes takes a number from 2");
  assertThrows(() => parse("-o", "xml"), Error, "-o takes json");
  assertThrows(() => parse("--no-such-option"), Error, "--no-such-option");
  assertThrows(() => parse("word"), Error);
});

Deno.test("planSoak() deals out all of the time, with at least three periods after the warm-up", () => {
  for (const minutes of [0.5, 1, 2, 5, 30, 600]) {
    const { warmUpMs, periods, periodMs, windowMs } = planSoak(minutes);
    assertEquals(Math.round(warmUpMs + periods * periodMs), minutes * 60_000);
    assert(periods >= 3 && windowMs <= 10_000, `${minutes} min`);
  }
  assertEquals([planSoak(30).warmUpMs, planSoak(30).periods], [180_000, 10]);
});

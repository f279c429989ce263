import { AssertionError } from "../../src/base/assert.ts";
import { seededRandom } from "../../src/base/random.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../assert.ts";
import { VirtualClock } from "./virtual_clock.ts";

Deno.test("VirtualClock runs timers by time, then by creation, and stops where it is told", async () => {
  const clock = new VirtualClock({ nowMs: 0 });
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${name}@${clock.nowMs()}`);
  clock.setTimer(20, note("c"));
  clock.setTimer(10, note("a"));
  clock.setTimer(10, note("b"));
  clock.setTimer(21, note("d"));
  await clock.advance(20);
  assertEquals(seen, ["a@10", "b@10", "c@20"]);
  assertEquals(clock.liveTimers(), 1);
  await clock.advance(1);
  assertEquals(seen.at(-1), "d@21");
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("VirtualClock lets long promise chains end before the next timer", async () => {
  const clock = new VirtualClock({ nowMs: 0 });
  const seen: string[] = [];
  clock.setTimer(1, () => {
    (async () => {
      for (let turn = 0; turn < 1_000; turn++) await null;
      seen.push("chain");
    })();
  });
  clock.setTimer(1, () => seen.push("second"));
  await clock.advance(5);
  assertEquals(seen, ["chain", "second"]);
  assertEquals(clock.nowMs(), 5);
});

Deno.test("VirtualClock runs timers that timers and promises set, within the time that passes", async () => {
  const clock = new VirtualClock({ nowMs: 0 });
  const seen: number[] = [];
  const again = async () => {
    await null;
    seen.push(clock.nowMs());
    clock.setTimer(10, again);
  };
  clock.setTimer(0, again);
  await clock.advance(35);
  assertEquals(seen, [0, 10, 20, 30]);
});

Deno.test("VirtualClock counts live timers by owner; cancel is idempotent", async () => {
  const clock = new VirtualClock();
  const own = clock.setTimer(5, () => {});
  clock.ownedBy("network").setTimer(5, () => {});
  assertEquals([clock.liveTimers("agent"), clock.liveTimers("network"), clock.liveTimers()], [1, 1, 2]);
  own.cancel();
  own.cancel();
  assertEquals(clock.liveTimers("agent"), 0);
  await clock.advance(5);
  own.cancel();
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("VirtualClock keeps the order of ten thousand timers, half of them cancelled", async () => {
  const clock = new VirtualClock({ nowMs: 0 });
  const random = seededRandom(7);
  const expected: number[] = [];
  const seen: number[] = [];
  for (let index = 0; index < 10_000; index++) {
    const delayMs = Math.floor(random() * 500);
    const timer = clock.setTimer(delayMs, () => seen.push(delayMs));
    if (index % 2 === 0) timer.cancel();
    else expected.push(delayMs);
  }
  await clock.advance(500);
  assertEquals(seen, expected.sort((a, b) => a - b));
});

Deno.test("VirtualClock.runUntil() stops at the condition and tells the time it took", async () => {
  const clock = new VirtualClock();
  let done = false;
  clock.setTimer(30, () => done = true);
  clock.setTimer(40, () => assert(false, "Ran past the condition"));
  assertEquals(await clock.runUntil(() => done, 100), 30);
  assertEquals(clock.liveTimers(), 1);
  const error = await assertRejects(() => clock.runUntil(() => false, 5), Error, "does not hold after 5 ms");
  assert(error !== null);
});

Deno.test("VirtualClock moves the wall clock alone", async () => {
  const clock = new VirtualClock({ nowMs: 0, wallMs: 1_000 });
  clock.setWallMs(50);
  await clock.advance(10);
  assertEquals([clock.nowMs(), clock.wallMs()], [10, 60]);
});

Deno.test("VirtualClock refuses a delay that a real timer would take for none", () => {
  const clock = new VirtualClock();
  for (const delayMs of [NaN, Infinity, 2 ** 31]) {
    assertThrows(() => clock.setTimer(delayMs, () => {}), AssertionError, "finite");
  }
});

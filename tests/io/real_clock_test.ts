import { RealClock } from "../../src/io/real_clock.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("setTimer() calls back once, after its delay, and not when it was cancelled", async () => {
  const clock = new RealClock();
  const called: string[] = [];
  const startMs = clock.nowMs();
  const cancelled = clock.setTimer(0, () => called.push("cancelled"));
  cancelled.cancel();
  await new Promise<void>((resolve) =>
    void clock.setTimer(2, () => {
      called.push("timer");
      resolve();
    })
  );
  assertEquals(called, ["timer"]);
  assert(clock.nowMs() > startMs);
});

Deno.test("setTimer() does not fire at once on a delay beyond 24 days", async () => {
  const clock = new RealClock();
  let fired = false;
  const timer = clock.setTimer(2 ** 31, () => fired = true);
  await new Promise<void>((resolve) => void clock.setTimer(3, resolve));
  timer.cancel();
  assert(!fired);
});

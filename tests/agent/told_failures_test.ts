import { ToldFailures } from "../../src/agent/told_failures.ts";
import { limits } from "../../src/base/limits.ts";
import { assertEquals } from "../assert.ts";

const hourMs = limits.failureToldAgainMs;

Deno.test("ToldFailures tells the first failure, then none of its kind for an hour, then one with the count", () => {
  const told = new ToldFailures();
  assertEquals(told.take("a", "EIO", 0), {});
  for (let at = 1; at <= 10; at++) assertEquals(told.take("a", "EIO", at * 1_000), null);
  assertEquals(told.take("a", "EIO", hourMs - 1), null);
  assertEquals(told.take("a", "EIO", hourMs), { failures: 13 });
  assertEquals(told.take("a", "EIO", hourMs + 1), null);
  assertEquals(told.take("a", "EIO", 2 * hourMs), { failures: 15 });
});

Deno.test("ToldFailures tells another kind at once, and two that take turns once an hour together", () => {
  const told = new ToldFailures();
  assertEquals(told.take("a", "EIO", 0), {});
  assertEquals(told.take("a", "dial", 1), { failures: 2 });
  assertEquals([told.take("a", "EIO", 2), told.take("a", "dial", 3)], [null, null]);
  assertEquals(told.take("a", "EIO", hourMs + 1), { failures: 5 });
  assertEquals(told.take("a", "dial", hourMs + 2), null);
});

Deno.test("ToldFailures tells no more than a few kinds: a peer may think of endless ones", () => {
  const told = new ToldFailures();
  let lines = 0;
  for (let at = 0; at < 100; at++) if (told.take("a", `kind ${at}`, at) !== null) lines++;
  assertEquals(lines, limits.failureKindsToldMax);
});

Deno.test("ToldFailures starts anew when it went well, and keeps things apart", () => {
  const told = new ToldFailures();
  assertEquals([told.take("a", "EIO", 0), told.take("a", "EIO", 1), told.take("b", "EIO", 2)], [
    {},
    null,
    {},
  ]);
  assertEquals([told.clear("a"), told.clear("a"), told.clear("c")], [2, 0, 0]);
  assertEquals([told.take("a", "EIO", 3), told.take("b", "EIO", 4)], [{}, null]);
});

import { SessionAges } from "../../src/agent/session_ages.ts";
import { newSessionFact, type SessionFact } from "../../src/plan/facts.ts";
import { assertEquals } from "../assert.ts";
import { endpoint, keyOf, list, member } from "../plan/fact_samples.ts";

Deno.test("SessionAges counts from the moment a session is live, or is not, attempts in between left out", () => {
  const ages = new SessionAges();
  const pass = (state: SessionFact["state"], sinceMs: number, nowMs: number) => {
    const session = { ...newSessionFact(endpoint("a"), sinceMs), state };
    ages.record(list(member("a")), new Map([[keyOf("a"), session]]), nowMs);
    return ages.sinceMs(keyOf("a"));
  };
  assertEquals(ages.sinceMs(keyOf("a")), undefined);
  assertEquals(pass("idle", 0, 5), 5);
  assertEquals(pass("opening", 10, 11), 5);
  assertEquals(pass("live", 20, 21), 20);
  assertEquals(pass("live", 20, 30), 20);
  assertEquals(pass("idle", 40, 41), 41);
  assertEquals(pass("opening", 50, 51), 41);
  ages.record(new Map(), new Map(), 60);
  assertEquals(ages.sinceMs(keyOf("a")), undefined);
});

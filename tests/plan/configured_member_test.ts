import { limits } from "../../src/base/limits.ts";
import type { Facts, SessionFact } from "../../src/plan/facts.ts";
import { type Plan, plan } from "../../src/plan/plan.ts";
import { assert, assertEquals } from "../assert.ts";
import {
  dead,
  entry,
  facts,
  keyOf,
  list,
  live,
  member,
  memberNames,
  referral,
  referred,
} from "./fact_samples.ts";

Deno.test("configuredMember() tries retired endpoints again once the cluster is silent for long enough", () => {
  const retired = list(member("a", { retired: true }), member("b"));
  const start: Partial<Facts> = { entries: [entry("a"), entry("b")], list: retired };
  const first = plan(facts({ ...start, sessions: new Map([dead("b", 3)]) }), 1_000);
  assertEquals(memberNames(first.list), "-a b", "still retired at first");
  assert(first.wakeAtMs <= 1_000 + limits.strandedAfterMs, "the moment to try again is planned");
  const later = plan(
    facts({ ...start, list: first.list, sessions: new Map([dead("b", 9)]) }),
    first.wakeAtMs,
  );
  assertEquals(memberNames(later.list), "a b");
});

Deno.test("configuredMember() tries a retired endpoint again when the cluster's entries change", () => {
  const sessions = new Map([live("b", referral("c")), live("c", referral("b"))]);
  const before = list(member("a", { retired: true }), member("b"), referred("c", "b"));
  const first = plan(facts({ entries: [entry("a"), entry("b")], list: before, sessions }), 0);
  assertEquals(memberNames(first.list), "-a b c", "the remembered list keeps it retired");
  const edited = [entry("a", { origin: { file: "f", line: 2 } }), entry("b")];
  assertEquals(memberNames(plan(facts({ entries: edited, list: first.list, sessions }), 1).list), "a b c");
});

Deno.test("configuredMember() tries anew for as long as it takes, whatever failed before the entries changed", () => {
  const failing = (failures: number, atMs: number): [string, SessionFact] => {
    const [key, fact] = dead("a", failures);
    return [key, { ...fact, failure: { code: "dial", message: "Refused", atMs } }];
  };
  const witness = live("b", referral("c"));
  const others = [witness, live("c", referral("b"))];
  const entries = [entry("a"), entry("b")];
  const gone = plan(
    facts({ entries, list: list(member("a"), member("b")), sessions: new Map([failing(2, 0), ...others]) }),
    1,
  );
  assertEquals(memberNames(gone.list), "-a b c");
  const edited = [entry("a", { origin: { file: "f", line: 2 } }), entry("b")];
  const pass = (before: Plan, session: [string, SessionFact], atMs: number) =>
    plan(facts({ entries: edited, list: before.list, sessions: new Map([session, ...others]) }), atMs);
  const tried = pass(gone, failing(2, 0), 10);
  assertEquals([memberNames(tried.list), memberNames(pass(tried, failing(2, 0), 20).list)], [
    "a b c",
    "a b c",
  ]);
  assertEquals(tried.sessions.open.map(({ key }) => key), [keyOf("a")], "at once");
  assertEquals(memberNames(pass(tried, failing(3, 30), 40).list), "-a b c", "and once more it is in vain");
});

Deno.test("configuredMember() has a retired endpoint back as soon as it answers, rightly or wrongly", () => {
  const before = list(member("a", { retired: true }), member("b"), referred("c", "b"));
  const others = [live("b", referral("c")), live("c", referral("b"))];
  const back = (session: [string, SessionFact]) =>
    memberNames(
      plan(
        facts({ entries: [entry("a"), entry("b")], list: before, sessions: new Map([session, ...others]) }),
        9,
      ).list,
    );
  const [key, fact] = dead("a", 5);
  const failed = (
    code: string,
  ): [string, SessionFact] => [key, { ...fact, failure: { code, message: "", atMs: 8 } }];
  assertEquals(back(failed("ETIMEDOUT")), "-a b c");
  assertEquals([back(live("a")), back(failed("invalid-host"))], ["a b c", "a b c"]);
});

Deno.test("configuredMember() retires no configured endpoint that answers, if only wrongly", () => {
  const retired = (code: string) => {
    const [key, fact] = dead("a", 5);
    const failure = { code, message: "It failed", atMs: 0 };
    const sessions = new Map([[key, { ...fact, failure }], live("b", referral("c"))]);
    const before = list(member("a"), member("b"));
    return memberNames(plan(facts({ entries: [entry("a"), entry("b")], list: before, sessions }), 0).list);
  };
  assertEquals([retired("ECONNREFUSED"), retired("dial")], ["-a b c", "-a b c"]);
  assertEquals([retired("pdu-header"), retired("ECONNRESET"), retired("invalid-host")], [
    "a b c",
    "a b c",
    "a b c",
  ]);
});

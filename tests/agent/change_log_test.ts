import { ChangeLog } from "../../src/agent/change_log.ts";
import { limits } from "../../src/base/limits.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { PathRow, PathState } from "../../src/plan/plan_connects.ts";
import type { RefusedRecord } from "../../src/plan/wanted_paths.ts";
import { assertEquals } from "../assert.ts";
import { list, member, referred } from "../plan/fact_samples.ts";
import { wanted } from "../plan/path_samples.ts";
import { MemoryLog } from "../sim/memory_log.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

class Told {
  readonly log = new MemoryLog(new VirtualClock());
  readonly changeLog = new ChangeLog(() => this.log);
  #seen = 0;
  nowMs = 0;

  /** Lines that this pass brought, `level message`. */
  pass(
    part: { list?: Plan["list"]; rows?: PathRow[]; refused?: RefusedRecord[]; dropped?: number },
  ): string[] {
    this.changeLog.record({
      list: part.list ?? new Map(),
      sessions: { open: [], close: [], forget: [], wakeAtMs: Infinity },
      wanted: { paths: new Map(), refused: part.refused ?? [], dropped: part.dropped ?? 0 },
      connects: { rows: part.rows ?? [], connect: [], ask: [], probe: [], wakeAtMs: Infinity },
      renewals: { renew: [], over: [] },
      hostidOwner: null,
      resolve: [],
      wakeAtMs: Infinity,
    }, this.nowMs);
    const lines = this.log.lines.slice(this.#seen);
    this.#seen = this.log.lines.length;
    assertEquals(this.log.violations, []);
    return lines.map(({ level, message }) => `${level} ${message}`);
  }

  /** The lines of a path's way through these states. */
  way(...states: (PathState | "retrying" | "dead")[]): string[] {
    return states.flatMap((state) =>
      this.pass({ rows: [row(state)] }).map((line) => line.replace(/:.*/, ""))
    );
  }
}

/** `retrying`: failed, with its next attempt set. `dead`: unreachable, likewise. */
function row(state: PathState | "retrying" | "dead", reason = "why"): PathRow {
  const it = { wanted: wanted("10.0.1.1"), reason };
  if (state === "retrying") return { ...it, state: "failed", retryAtMs: 5 };
  return state === "dead" ? { ...it, state: "unreachable", retryAtMs: 5 } : { ...it, state };
}

Deno.test("ChangeLog tells of endpoints that come, retire, return and go, once each", () => {
  const told = new Told();
  const lines = (plan: Plan["list"]) => told.pass({ list: plan }).map((line) => line.replace(/:.*/, ""));
  const before = list(member("a"), referred("b", "a"));
  assertEquals(lines(before), ["info Endpoint added", "info Endpoint added"]);
  assertEquals(lines(before), []);
  assertEquals(lines(list(member("a"), referred("b", "a"))), [], "An equal list is no change");
  assertEquals(lines(list(member("a", { retired: true }), referred("b", "a"))), ["info Endpoint retired"]);
  assertEquals(lines(list(member("a"), referred("b", "a"))), ["info Endpoint added"]);
  assertEquals(lines(list(member("a"))), ["info Endpoint removed"]);
  assertEquals(lines(new Map()), ["info Endpoint removed"]);
});

Deno.test("ChangeLog says which cluster and endpoint it means", () => {
  const told = new Told();
  told.pass({ list: list(member("a")) });
  assertEquals(Object.keys(told.log.lines[0]!.fields), ["endpoint", "cluster", "hostnqn"]);
});

Deno.test("ChangeLog tells of a path that goes live once, however it got there", () => {
  const told = new Told();
  assertEquals(told.way("probing", "waiting", "connecting", "connected", "live", "live"), ["info Path live"]);
});

Deno.test("ChangeLog tells of a dead path once, not at every attempt", () => {
  const told = new Told();
  const rounds = [
    "probing",
    "dead",
    "unreachable",
    "dead",
    "probing",
    "dead",
    "unreachable",
    "dead",
  ] as const;
  assertEquals(told.way(...rounds), ["warn Path not live"]);
  assertEquals(told.way("probing", "connecting", "live"), ["info Path live"]);
});

Deno.test("ChangeLog tells when a path is in another trouble than before", () => {
  const told = new Told();
  assertEquals(told.way("dead", "probing", "connecting", "retrying", "probing", "connecting", "retrying"), [
    "warn Path not live",
    "warn Path not live",
  ]);
});

Deno.test("ChangeLog tells when another reason comes to light, each once, and no more than a few", () => {
  const told = new Told();
  const tell = (reason: string) =>
    told.pass({ rows: [row("connecting")] }).concat(told.pass({ rows: [row("retrying", reason)] }));
  assertEquals(tell("EIO"), ["warn Path not live: EIO"]);
  assertEquals(tell("EIO"), []);
  assertEquals(tell("wrong secret"), ["warn Path not live: wrong secret"]);
  assertEquals([...tell("EIO"), ...tell("wrong secret")], []);
  for (let count = 2; count < limits.failureKindsToldMax; count++) assertEquals(tell(`${count}`).length, 1);
  assertEquals(tell("one too many"), []);
  told.way("live");
  assertEquals([...tell("EIO")], ["warn Path lost: why", "warn Path not live: EIO"]);
});

Deno.test("ChangeLog tells of a path that stays dead once an hour, with the attempts, and counts them when it lives", () => {
  const told = new Told();
  const attempt = (at: number) => {
    told.nowMs = at * 30_000;
    return told.pass({ rows: [{ ...row("retrying", "EIO"), retryAtMs: told.nowMs + 30_000 }] });
  };
  const lines = Array.from({ length: 250 }, (_, at) => [...attempt(at), ...attempt(at)]).flat();
  assertEquals(lines, Array<string>(3).fill("warn Path not live: EIO"));
  told.way("live");
  assertEquals(told.log.lines.map(({ fields }) => fields.failures), [undefined, 121, 241, 250]);
  const { fields } = told.log.lines[0]!;
  assertEquals(Object.keys(fields).slice(0, 3), ["path", "cluster", "hostnqn"]);
});

Deno.test("ChangeLog tells of a live path that is lost and comes back", () => {
  const told = new Told();
  told.way("live");
  assertEquals(told.way("recovering", "recovering", "live"), ["warn Path lost", "info Path live"]);
  assertEquals(told.way("connecting", "connected", "live"), ["warn Path lost", "info Path live"]);
  assertEquals(told.way("probing", "dead", "unreachable", "dead"), ["warn Path lost", "warn Path not live"]);
});

Deno.test("ChangeLog takes a controller in its first connect for no loss", () => {
  assertEquals(new Told().way("recovering", "live"), ["info Path not live yet", "info Path live"]);
});

Deno.test("ChangeLog tells once of a path that would be connected, though its address is proven again and again", () => {
  assertEquals(new Told().way("probing", "would-connect", "probing", "would-connect"), [
    "info Path would be connected",
  ]);
});

Deno.test("ChangeLog tells of a path that no log names any more, once", () => {
  const told = new Told();
  told.way("live");
  assertEquals(told.pass({}), ["info Path no longer named by any log: the kernel keeps what it has of it"]);
  assertEquals(told.pass({}), []);
  told.way("probing");
  assertEquals(told.pass({}), [], "Nothing was said of it, nothing is taken back");
});

const refusal = (traddr: string): RefusedRecord => ({
  endpoint: "e",
  subnqn: "s",
  traddr,
  reason: "it is bad",
});

Deno.test("ChangeLog tells of a refused record once, and again when it was gone meanwhile", () => {
  const told = new Told();
  assertEquals(told.pass({ refused: [refusal("x"), refusal("x")] }), ["warn Record refused: it is bad"]);
  assertEquals(told.pass({ refused: [refusal("x")] }), []);
  assertEquals(told.pass({ refused: [] }), []);
  assertEquals(told.pass({ refused: [refusal("x")] }).length, 1);
});

Deno.test("ChangeLog bounds what a hostile log makes it say", () => {
  const told = new Told();
  const refused = Array.from({ length: 10_000 }, (_, at) => refusal(String(at)));
  const lines = told.pass({ refused });
  assertEquals([lines.length, lines.at(-1)], [
    limits.refusedToldMax + 1,
    `warn Records refused: ${10_000 - limits.refusedToldMax} more, told by status`,
  ]);
  assertEquals(told.pass({ refused }), []);
});

Deno.test("ChangeLog tells when paths are left out by the bound", () => {
  const told = new Told();
  assertEquals(told.pass({ dropped: 3 }), [
    `warn Paths left out: 3 beyond the ${limits.pathsMax} that one host may have`,
  ]);
  assertEquals([told.pass({ dropped: 4 }), told.pass({ dropped: 0 })], [[], []]);
});

Deno.test("ChangeLog tells what of a cluster could not be taken in, once", () => {
  const told = new Told();
  const noted = () =>
    new Map([...list(member("a"))].map(([key, state]) => [key, { ...state, notes: ["too deep"] }]));
  assertEquals(told.pass({ list: noted() }).at(-1), "warn Endpoint not used: too deep");
  assertEquals(told.pass({ list: noted() }), []);
});

Deno.test("ChangeLog knows since when a path is live, or is not, attempts in between left out", () => {
  const told = new Told();
  const since = (state: PathState | "retrying" | "dead", nowMs: number) => {
    told.nowMs = nowMs;
    told.pass({ rows: [row(state)] });
    return told.changeLog.sinceMs(wanted("10.0.1.1").key);
  };
  assertEquals(told.changeLog.sinceMs(wanted("10.0.1.1").key), undefined);
  const seen = [since("probing", 5), since("connecting", 6), since("live", 7), since("live", 8)];
  assertEquals(seen, [5, 5, 7, 7]);
  assertEquals([since("recovering", 9), since("retrying", 10), since("live", 11)], [9, 9, 11]);
  told.pass({ rows: [] });
  assertEquals(told.changeLog.sinceMs(wanted("10.0.1.1").key), undefined);
});

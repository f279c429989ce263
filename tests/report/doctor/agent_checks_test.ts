import { type AgentReading, checkAgent } from "../../../src/report/doctor/agent_checks.ts";
import { emptySnapshot } from "../../../src/report/snapshot.ts";
import type { StatusDocument } from "../../../src/report/status_document.ts";
import { assert, assertEquals } from "../../assert.ts";

const socket = "/run/x/control.sock";
const status: StatusDocument = {
  ...emptySnapshot,
  summary: { clusters: 0, endpoints: 0, sessionsLive: 0, pathsWanted: 0, pathsLive: 0 },
  version: "1.0.0",
  pid: 7,
  at: "2026-11-23T00:00:00Z",
  upMs: 1,
  ready: true,
  dryRun: false,
};

function verdicts(
  reading: AgentReading,
  change: { pids?: number[]; isNeeded?: boolean; version?: string } = {},
) {
  return checkAgent(reading, { pids: [], isNeeded: true, version: "1.0.0", ...change });
}

Deno.test("checkAgent() tells an agent that is well, busy, dry or of another version", () => {
  const of = (part: Partial<StatusDocument>) =>
    verdicts({ kind: "status", socket, status: { ...status, ...part } }).map(({ verdict }) => verdict);
  assertEquals(of({}), ["ok"]);
  assertEquals(of({ ready: false }), ["warning"]);
  assertEquals(of({ pathsDropped: 1 }), ["warning"]);
  assertEquals(of({ dryRun: true }), ["ok", "warning"]);
  assertEquals(of({ version: "0.9.0" }), ["ok", "warning"]);
});

Deno.test("checkAgent() tells one that does not run from one that does not answer, and from one that may not be asked", () => {
  const absent: AgentReading = { kind: "absent", socket, problem: "no such socket" };
  assertEquals(verdicts(absent)[0]?.verdict, "failure");
  assertEquals(verdicts(absent, { isNeeded: false })[0]?.verdict, "warning", "nothing is configured");
  const elsewhere = verdicts(absent, { pids: [42] })[0]!;
  assert(elsewhere.message.includes("pid 42") && /predecessor/.test(elsewhere.advice!), elsewhere.message);
  const stuck = verdicts({ kind: "stuck", socket, problem: "No answer within 5000 ms" }, { pids: [42] })[0]!;
  assertEquals(stuck.verdict, "failure");
  assert(stuck.message.includes("(pid 42): No answer"), stuck.message);
  assertEquals(verdicts({ kind: "forbidden", socket })[0]?.verdict, "skipped");
});

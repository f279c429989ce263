/** What the agent says while things happen, for whoever counts. It answers nothing and changes nothing. */
import type { Cluster } from "../model/cluster.ts";
import type { Facts } from "../plan/facts.ts";
import type { Plan } from "../plan/plan.ts";
import type { SessionEvent } from "../protocol/session.ts";

export interface Meter {
  /** A plan is made of these facts, and not performed yet. */
  planned(plan: Plan, facts: Facts, nowMs: number): void;
  /** All of one pass, planning and performing, ms. */
  passed(tookMs: number): void;
  /** Before the facts hear of it; `key` is the endpoint's. */
  sessionEvent(key: string, cluster: Cluster, event: SessionEvent, nowMs: number): void;
  /** A question to an I/O port is over: whether it answers at all (`port`), or takes a Connect (`connect`). */
  asked(question: "port" | "connect", error: Error | null, tookMs: number): void;
  /** The kernel has answered a connect. */
  connected(outcome: { readonly already: boolean } | { readonly error: Error }, tookMs: number): void;
  /** What is wrong with entry files now, line by line. */
  fileErrors(count: number): void;
}

export const noMeter: Meter = {
  planned() {},
  passed() {},
  sessionEvent() {},
  asked() {},
  connected() {},
  fileErrors() {},
};

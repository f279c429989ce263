/**
 * Counts what happens, for the metrics that no fact holds: how often, how long, with what result. Plain numbers; its
 * labels are words of ours and errnos, bounded in number.
 */
import { errorCode } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Cluster } from "../model/cluster.ts";
import type { Facts } from "../plan/facts.ts";
import type { Plan } from "../plan/plan.ts";
import type { SessionEvent } from "../protocol/session.ts";
import { EventToLive } from "./event_to_live.ts";
import { Histogram } from "./histogram.ts";
import type { Meter } from "./meter.ts";
import { counter, gauge, type MetricFamily } from "./metric_family.ts";

/** Seconds. */
const passBounds = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5];
const answerBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];
const connectBounds = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30];

export class Tally implements Meter {
  readonly #passes = new Histogram(passBounds);
  readonly #questions = new Histogram(answerBounds);
  readonly #connects = new Histogram(connectBounds);
  readonly #eventToLive = new EventToLive();
  readonly #sessionFailures = new LabelledCount("code");
  readonly #connectResults = new LabelledCount("result", ["connected", "already"]);
  readonly #answers = new Map<string, number>();
  readonly #retries = { session: 0, probe: 0, connect: 0 };
  #fileErrors = 0;

  planned(plan: Plan, facts: Facts, nowMs: number): void {
    const { open } = plan.sessions;
    const { connect, ask, probe } = plan.connects;
    for (const { key } of open) if (failed(facts.sessions.get(key))) this.#retries.session++;
    for (const { addressKey } of probe) if (failed(facts.probes.get(addressKey))) this.#retries.probe++;
    for (const { key } of [...connect, ...ask]) if (failed(facts.connects.get(key))) this.#retries.connect++;
    this.#eventToLive.planned(plan, nowMs);
  }

  passed(tookMs: number): void {
    this.#passes.observeMs(tookMs);
  }

  sessionEvent(key: string, cluster: Cluster, event: SessionEvent, nowMs: number): void {
    this.#eventToLive.sessionEvent(key, cluster, event.kind, nowMs);
    if (event.kind === "closed" && event.error !== null) this.#sessionFailures.add(errorCode(event.error));
  }

  asked(question: "port" | "connect", error: Error | null, tookMs: number): void {
    this.#questions.observeMs(tookMs);
    const key = `${question} ${error === null ? "answered" : "failed"}`;
    this.#answers.set(key, (this.#answers.get(key) ?? 0) + 1);
  }

  connected(outcome: { readonly already: boolean } | { readonly error: Error }, tookMs: number): void {
    this.#connects.observeMs(tookMs);
    if ("error" in outcome) this.#connectResults.add(errorCode(outcome.error));
    else this.#connectResults.add(outcome.already ? "already" : "connected");
  }

  fileErrors(count: number): void {
    this.#fileErrors = count;
  }

  /** Since the start. */
  families(): MetricFamily[] {
    const { session, probe, connect } = this.#retries;
    return [
      this.#eventToLive.family(),
      this.#sessionFailures.family(
        "discovery_client_session_failures_total",
        "Discovery sessions that failed, or could not be opened, by the reason's code",
      ),
      this.#connectResults.family(
        "discovery_client_connects_total",
        "Connects that the kernel was asked for: connected, connected already, or the errno's name",
      ),
      this.#connects.family(
        "discovery_client_connect_duration_seconds",
        "Time that the kernel took for a connect, the wait for those before it included",
      ),
      counter("discovery_client_retries_total", "Attempts after one that failed, by what is tried", [
        { labels: { what: "session" }, value: session },
        { labels: { what: "probe" }, value: probe },
        { labels: { what: "connect" }, value: connect },
      ]),
      counter(
        "discovery_client_probes_total",
        "Questions to I/O ports, whether they answer (port) or take a Connect (connect)",
        ["port", "connect"].flatMap((question) =>
          ["answered", "failed"].map((result) => ({
            labels: { question, result },
            value: this.#answers.get(`${question} ${result}`) ?? 0,
          }))
        ),
      ),
      this.#questions.family("discovery_client_probe_duration_seconds", "Time that such a question took"),
      this.#passes.family(
        "discovery_client_reconcile_duration_seconds",
        "Time that one pass took, which compares what is wanted with what is there and acts",
      ),
      gauge(
        "discovery_client_file_errors",
        "What is wrong with entry files now, line by line",
        this.#fileErrors,
      ),
    ];
  }
}

function failed(fact: { readonly failures: number } | undefined): boolean {
  return fact !== undefined && fact.failures > 0;
}

/** A counter for each of few words; words beyond the bound are counted as `other`. */
class LabelledCount {
  readonly #label: string;
  readonly #counts: Map<string, number>;

  /** `words` are there from the start, with 0. */
  constructor(label: string, words: readonly string[] = []) {
    this.#label = label;
    this.#counts = new Map(words.map((word) => [word, 0]));
  }

  add(word: string): void {
    const isKnown = this.#counts.has(word) || this.#counts.size < limits.metricCodesMax;
    const key = isKnown ? word : "other";
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  family(name: string, help: string): MetricFamily {
    return counter(
      name,
      help,
      [...this.#counts].map(([word, value]) => ({ labels: { [this.#label]: word }, value })),
    );
  }
}

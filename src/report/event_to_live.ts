/**
 * Measures what the agent is for: the time from an event, by which a discovery controller says that its log has
 * changed, until a path that this log names for the first time is live. Paths that were live when they were named,
 * and those that a log named without an event, are not counted.
 */
import { type Cluster, clusterKey } from "../model/cluster.ts";
import type { Plan } from "../plan/plan.ts";
import type { SessionEvent } from "../protocol/session.ts";
import { Histogram } from "./histogram.ts";
import type { MetricFamily } from "./metric_family.ts";

/** Seconds. */
const bounds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export class EventToLive {
  readonly #histogram = new Histogram(bounds);
  /** Events whose log has not come yet, by endpoint key, ms. */
  readonly #pending = new Map<string, number>();
  /** First event whose log came since the last plan, by cluster key, ms. */
  readonly #fresh = new Map<string, number>();
  /** Paths named after an event and not live yet, with the event's time. */
  readonly #waiting = new Map<string, number>();
  #known: ReadonlyMap<string, unknown> = new Map();

  sessionEvent(key: string, cluster: Cluster, kind: SessionEvent["kind"], nowMs: number): void {
    const eventMs = this.#pending.get(key);
    if (kind === "event" && eventMs === undefined) this.#pending.set(key, nowMs);
    if (kind !== "log" && kind !== "closed") return;
    this.#pending.delete(key);
    if (kind === "closed" || eventMs === undefined) return;
    const first = this.#fresh.get(clusterKey(cluster)) ?? Infinity;
    this.#fresh.set(clusterKey(cluster), Math.min(first, eventMs));
  }

  /** With every plan, before it is performed. */
  planned({ wanted: { paths }, connects: { rows } }: Plan, nowMs: number): void {
    if (this.#fresh.size > 0) {
      for (const [key, { path }] of paths) {
        const eventMs = this.#known.has(key) ? undefined : this.#fresh.get(clusterKey(path.cluster));
        if (eventMs !== undefined) this.#waiting.set(key, eventMs);
      }
    }
    for (const { wanted: { key }, state } of this.#waiting.size > 0 ? rows : []) {
      const eventMs = this.#waiting.get(key);
      if (eventMs === undefined || state !== "live") continue;
      // One that was live when it was named did not wait for us.
      if (this.#known.has(key)) this.#histogram.observeMs(nowMs - eventMs);
      this.#waiting.delete(key);
    }
    for (const key of this.#waiting.keys()) if (!paths.has(key)) this.#waiting.delete(key);
    this.#fresh.clear();
    this.#known = paths;
  }

  family(): MetricFamily {
    return this.#histogram.family(
      "discovery_client_event_to_live_seconds",
      "Time from a discovery event until a path that the log then names for the first time is live",
    );
  }
}

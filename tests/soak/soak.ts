/**
 * The course of a soak: change until all is warm, heal, count, that is the baseline; then change, heal and count again
 * and again. Says nothing about the counts; that is the verdict's.
 */
import { assert } from "../assert.ts";
import type { TargetKind } from "../fabric/quirks.ts";
import { ChangeDraw } from "./change_draw.ts";
import { ChangeRunner } from "./change_runner.ts";
import type { Change } from "./change.ts";
import { countQuietly, type Sample } from "./sample.ts";
import type { SoakHost } from "./soak_host.ts";

/** Until all is well again once the last fault has ended, ms: the longest pauses between attempts, and a little. */
export const healLimitMs = 60_000;
/** Until a change made then is noticed, ms. */
const noticeLimitMs = 10_000;
const kato = 2;

export interface SoakPlan {
  readonly warmUpMs: number;
  readonly periods: number;
  readonly periodMs: number;
  /** How long things are counted, ms. */
  readonly windowMs: number;
}

/** A tenth to warm up, but a minute where there is one to spare; then ten periods, fewer and longer where time is short. */
export function planSoak(minutes: number): SoakPlan {
  const allMs = minutes * 60_000;
  const warmUpMs = Math.max(allMs / 10, Math.min(60_000, allMs / 4));
  const periods = Math.min(10, Math.max(3, Math.floor((allMs - warmUpMs) / 9_000)));
  return {
    warmUpMs,
    periods,
    periodMs: (allMs - warmUpMs) / periods,
    windowMs: Math.min(10_000, allMs / 20),
  };
}

/** Drawn from the seed as well: which kind of target. */
export function hostOptions(seed: number): { kind: TargetKind; kato: number } {
  return { kind: seed % 2 === 0 ? "nvmet" : "spdk", kato };
}

export interface SoakEvents {
  readonly onChange: (change: Change) => void;
  readonly onSample: (sample: Sample) => void;
  readonly onPhase: (phase: string) => void;
}

export class Soak {
  readonly #host: SoakHost;
  readonly #events: SoakEvents;
  readonly #changes: ChangeDraw;
  readonly #runner: ChangeRunner;
  readonly #subsystems: readonly string[];
  readonly #startMs = performance.now();
  readonly samples: Sample[] = [];
  readonly healedMs: number[] = [];

  constructor(host: SoakHost, seed: number, events: SoakEvents) {
    this.#host = host;
    this.#events = events;
    this.#subsystems = [...host.host.fabric.subsystems.keys()];
    this.#changes = new ChangeDraw({
      seed,
      nodes: host.nodes,
      subsystems: this.#subsystems,
      katoMs: kato * 1_000,
    });
    this.#runner = new ChangeRunner(host, seed);
  }

  /** Changes carried out, by kind. */
  get counts(): ReadonlyMap<string, number> {
    return this.#runner.counts;
  }

  async run({ warmUpMs, periods, periodMs, windowMs }: SoakPlan): Promise<void> {
    this.#events.onPhase("warming up");
    await this.#period(warmUpMs, windowMs);
    for (let period = 1; period <= periods; period++) {
      this.#events.onPhase(`period ${period} of ${periods}`);
      await this.#period(periodMs, windowMs);
    }
  }

  async #period(lengthMs: number, windowMs: number): Promise<void> {
    const host = this.#host;
    await this.#runner.run(this.#changes.period(lengthMs), this.#events.onChange);
    const endedMs = performance.now();
    this.#events.onPhase("healing");
    await this.#runner.heal(this.#subsystems);
    await host.untilWell("all is well again", healLimitMs);
    const healedMs = performance.now() - endedMs;
    this.healedMs.push(healedMs);
    const nqn = `nqn.2024-01.org.example:notice-${this.healedMs.length}`;
    await host.noticeChange(nqn, noticeLimitMs);
    await host.untilWell("all is well after the change", healLimitMs);
    this.#events.onPhase("counting");
    const counted = await countQuietly(host, windowMs);
    await host.checkConnects();
    assert((await host.missingPaths()).length === 0, "Paths went away though nothing was broken");
    const sample: Sample = {
      ...counted,
      minutes: (performance.now() - this.#startMs) / 60_000,
      changes: this.#runner.done,
      healedMs,
      paths: host.host.offeredPaths().length,
    };
    this.samples.push(sample);
    this.#events.onSample(sample);
  }
}

/** What those who go to endpoints and to paths for doctor have in common: what they are given, and their steps. */
import type { Controller } from "../model/controller.ts";
import type { World } from "../model/world.ts";
import type { FindingStep } from "../report/doctor/finding.ts";

export interface NetworkOptions {
  readonly world: Pick<World, "clock" | "dialer" | "resolver">;
  readonly katoMs: number;
  readonly auxSuffix: string;
  readonly controllers: readonly Controller[];
  /** The identifier that the agent would use. */
  readonly hostidOf: (hostnqn: string, wanted: string | undefined) => string;
  readonly followReferrals: boolean;
  /** What the running agent says of a path that is not live; null when none runs. */
  readonly agentReasons: ReadonlyMap<string, string> | null;
  /** Something was done. */
  readonly onProgress: (doing: string, done: number, of: number) => void;
}

/** Each step's time counts from the end of the one before. */
export class Steps {
  readonly taken: FindingStep[] = [];
  #lastMs: number;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  add(name: string, ok: boolean, nowMs: number): void {
    this.taken.push({ name, ok, ms: Math.round((nowMs - this.#lastMs) * 10) / 10 });
    this.#lastMs = nowMs;
  }
}

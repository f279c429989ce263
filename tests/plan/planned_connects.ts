/** Plans connects from facts in which all is well but for what a test changes. */
import { type ConnectInput, type ConnectPlan, planConnects } from "../../src/plan/plan_connects.ts";
import type { Policy } from "../../src/plan/facts.ts";
import type { WantedPath } from "../../src/plan/wanted_paths.ts";
import { probe, wanted } from "./path_samples.ts";

export const nowMs = 100_000;
export const policy: Policy = { dryRun: false, connectDefaults: {}, hostid: null };
export const one = wanted("10.0.1.1");

export function planned(change: Partial<ConnectInput>, ...paths: WantedPath[]): ConnectPlan {
  return planConnects({
    paths: new Map((paths.length === 0 ? [one] : paths).map((path) => [path.key, path])),
    probes: new Map(),
    connects: new Map(),
    controllers: { list: [], readAtMs: nowMs - 10 },
    kernel: { present: true, failure: null, options: null },
    policy,
    provenByUse: () => new Set(),
    nowMs,
    ...change,
  });
}

export const provenAll = (...all: WantedPath[]) =>
  new Map(all.map(({ addressKey }) => [addressKey, probe({ provenUntilMs: nowMs + 1 })]));

/** Paths of `count` subsystems at one address. */
export const paths = (traddr: string, count: number): WantedPath[] =>
  Array.from({ length: count }, (_, at) => wanted(traddr, `nqn.2024-01.io.example:${traddr}-${at}`));

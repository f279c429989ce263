/** Goes where the entries lead: every discovery endpoint and its referrals, then the port of every path. */
import { limits } from "../base/limits.ts";
import type { Entry } from "../model/entry.ts";
import { logPaths, type RefusedRecord, type WantedPath } from "../plan/wanted_paths.ts";
import type { EndpointExam, PathExam } from "../report/doctor/network_checks.ts";
import { visitAll } from "./doctor_endpoints.ts";
import { examinePaths } from "./doctor_paths.ts";
import type { NetworkOptions } from "./doctor_steps.ts";

export interface NetworkReading {
  readonly endpoints: readonly EndpointExam[];
  readonly paths: readonly PathExam[];
  readonly refused: readonly RefusedRecord[];
  /** What was not asked, since time or number was at its end; null for nothing. */
  readonly leftOut: string | null;
}

/** Bounded by `limits.doctorMs` and one endpoint's time; never throws for what the network does. */
export async function examineNetwork(
  entries: readonly Entry[],
  options: NetworkOptions,
): Promise<NetworkReading> {
  const deadlineMs = options.world.clock.nowMs() + limits.doctorMs;
  const { visits, skipped } = await visitAll(entries, options, deadlineMs);
  const wanted = new Map<string, WantedPath>();
  const refused: RefusedRecord[] = [];
  for (const { endpoint, log } of visits) {
    if (log === null) continue;
    const named = logPaths(log, endpoint, options.auxSuffix);
    refused.push(...named.refused);
    for (const path of named.paths) if (wanted.size < limits.doctorPathsMax) wanted.set(path.key, path);
  }
  const paths = await examinePaths([...wanted.values()], options, deadlineMs);
  const late = paths.filter((exam) => exam === null).length;
  const left = [
    skipped > 0 ? `${skipped} endpoints` : "",
    late > 0 ? `${late} paths` : "",
  ].filter((part) => part !== "");
  return {
    endpoints: visits.map(({ exam }) => exam),
    paths: paths.filter((exam) => exam !== null),
    refused,
    leftOut: left.length === 0 ? null : left.join(" and "),
  };
}

/** Goes where the entries lead: every discovery endpoint and its referrals, then the port of every path. */
import { limits } from "../base/limits.ts";
import type { Entry } from "../model/entry.ts";
import type { Path } from "../model/path.ts";
import { logPaths, type RefusedRecord, type WantedPath } from "../plan/wanted_paths.ts";
import type { EndpointExam, PathExam } from "../report/doctor/network_checks.ts";
import type { WayReading } from "../report/doctor/way_checks.ts";
import { type Visit, visitAll } from "./doctor_endpoints.ts";
import { examinePaths } from "./doctor_paths.ts";
import { isMeant, type NetworkOptions } from "./doctor_steps.ts";
import { examineWays, type WayGoal } from "./doctor_ways.ts";

export interface NetworkReading {
  readonly endpoints: readonly EndpointExam[];
  readonly paths: readonly PathExam[];
  readonly refused: readonly RefusedRecord[];
  /** All that the logs name, whether it was asked or not. */
  readonly named: readonly Path[];
  /** Every endpoint was asked, and told its log. */
  readonly isComplete: boolean;
  /** Of every address at which a port is open. */
  readonly ways: readonly WayReading[];
  /** What was not asked, since time or number was at its end; null for nothing. */
  readonly leftOut: string | null;
}

/** Bounded by `limits.doctorMs` and one endpoint's time; never throws for what the network does. */
export async function examineNetwork(
  entries: readonly Entry[],
  options: NetworkOptions,
): Promise<NetworkReading> {
  const deadlineMs = options.world.clock.nowMs() + limits.doctorMs;
  const { visits: visited, skipped } = await visitAll(entries, options, deadlineMs);
  const { narrow } = options;
  // Without an endpoint that is meant, the paths are: those of all the logs.
  const visits = narrow === null ? visited : visited.filter(({ endpoint }) => isMeant(narrow, endpoint));
  const wanted = new Map<string, WantedPath>();
  const refused: RefusedRecord[] = [];
  for (const { endpoint, log } of visits.length > 0 ? visits : visited) {
    if (log === null) continue;
    const named = logPaths(log, endpoint, options.auxSuffix);
    if (visits.length > 0) refused.push(...named.refused);
    for (const path of named.paths) {
      const isWanted = visits.length > 0 || narrow === null || isMeant(narrow, path.path);
      if (isWanted && wanted.size < limits.doctorPathsMax) wanted.set(path.key, path);
    }
  }
  const paths = await examinePaths([...wanted.values()], options, deadlineMs);
  const ways = await examineWays(openGoals(visits, [...wanted.values()], paths), {
    clock: options.world.clock,
    sights: options.sights,
    deadlineMs,
    onProgress: options.onProgress,
  });
  const late = paths.filter((exam) => exam === null).length;
  const left = [
    skipped > 0 ? `${skipped} endpoints` : "",
    late > 0 ? `${late} paths` : "",
  ].filter((part) => part !== "");
  return {
    endpoints: visits.map(({ exam }) => exam),
    paths: paths.filter((exam) => exam !== null),
    refused,
    ways,
    named: [...wanted.values()].map(({ path }) => path),
    isComplete: narrow === null && skipped === 0 && visited.every(({ log }) => log !== null),
    leftOut: left.length === 0 ? null : left.join(" and "),
  };
}

function openGoals(
  visits: readonly Visit[],
  wanted: readonly WantedPath[],
  paths: readonly (PathExam | null)[],
): WayGoal[] {
  const isOpen = (exam: EndpointExam | PathExam | null | undefined) =>
    exam?.steps.some(({ name, ok }) => name === "TCP" && ok) === true;
  const goal = (
    { traddr, trsvcid, options: { hostTraddr, hostIface } }: Pick<
      WantedPath["path"],
      "traddr" | "trsvcid" | "options"
    >,
  ): WayGoal => ({ traddr, trsvcid, hostTraddr, hostIface });
  return [
    ...visits.filter(({ exam }) => isOpen(exam)).map(({ endpoint }) => goal(endpoint)),
    ...wanted.filter((_, at) => isOpen(paths[at])).map(({ path }) => goal(path)),
  ];
}

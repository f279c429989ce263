/**
 * A status for people: clusters, their discovery endpoints, their subsystems and the paths of these, aligned, one line
 * each; what is wrong with its reason, and when it is tried again. What is well and many is folded into a count. Pure.
 */
import type { ClusterSnapshot, EndpointSnapshot, PathSnapshot } from "../report/snapshot.ts";
import { isLive, isUnknown, type StatusDocument } from "../report/status_document.ts";
import { ageText, count } from "./age_text.ts";
import { formatOutline, type OutlineLine, type OutlineLook } from "./outline.ts";

export interface StatusTreeOptions extends OutlineLook {
  /** Nothing is folded. */
  readonly isAll: boolean;
}

/** A cluster with more paths than this has those that are live folded into a count. */
const pathsUnfoldedMax = 12;
/** With more endpoints than this, those that are live are folded, cluster by cluster. */
const endpointsUnfoldedMax = 24;
/** With more clusters than this, one where all is well is one line. */
const clustersUnfoldedMax = 8;
/** So many paths that are missing at one address for one reason are one line. */
const sameReasonMin = 3;
/** Paths that are missing, listed one by one in a cluster that is folded. */
const missingListedMax = 20;
/** Refused records and problems of files that are listed. */
const othersListedMax = 10;

export function formatStatusTree(status: StatusDocument, options: StatusTreeOptions): string {
  const lines = [...headLines(status), ...clusterLines(status, options), ...otherLines(status, options)];
  return formatOutline([...lines, { text: "" }, summaryLine(status)], options);
}

function headLines({ version, pid, upMs, ready, dryRun, kernel }: StatusDocument): OutlineLine[] {
  const notes = [dryRun ? "a dry run" : "", ready ? "" : "its first pass is not done yet"];
  const parts = [`discovery-client ${version}`, `process ${pid}`, `up ${ageText(upMs)}`, ...notes].filter((
    part,
  ) => part !== "");
  const lines: OutlineLine[] = [{ text: parts.join(", "), tone: "faint" }];
  if (kernel.present === false) {
    lines.push({
      text: `The kernel connects nothing: ${kernel.error ?? "it has no NVMe fabrics"}`,
      tone: "bad",
    });
  }
  return lines;
}

function clusterLines(status: StatusDocument, { isAll }: StatusTreeOptions): OutlineLine[] {
  const { clusters, paths, summary } = status;
  const pathsOf = Map.groupBy(paths, (path) => `${path.hostnqn} ${path.cluster}`);
  const isManyEndpoints = !isAll && summary.endpoints > endpointsUnfoldedMax;
  const known = clusters.map((cluster) => ({
    cluster,
    paths: pathsOf.get(`${cluster.hostnqn} ${cluster.subsysnqn}`) ?? [],
  }));
  const isFolded = ({ cluster, paths }: typeof known[number]) =>
    !isAll && clusters.length > clustersUnfoldedMax && isWell(cluster, paths);
  // Trouble is nearest to where the eye is: at the end.
  const lines: OutlineLine[] = known.filter(isFolded).map(({ cluster, paths }) =>
    wellCluster(cluster, paths)
  );
  if (lines.length > 0) lines.unshift({ text: "" });
  for (const { cluster, paths } of known.filter((each) => !isFolded(each))) {
    const isMany = !isAll && paths.length > pathsUnfoldedMax;
    lines.push(
      { text: "" },
      { text: cluster.subsysnqn, tone: "strong" },
      { indent: 1, text: `as ${cluster.hostnqn}`, tone: "faint" },
      ...endpointLines(cluster, isManyEndpoints),
      ...isMany ? foldedPathLines(paths) : subsystemLines(paths),
    );
    if (isUnknown(cluster)) {
      lines.push({ indent: 1, text: "Its paths are not known: no log of it could be read yet", tone: "bad" });
    } else if (paths.length === 0) {
      lines.push({
        indent: 1,
        text:
          "Its logs name no path for this host NQN; if there should be volumes, the target does not allow it " +
          "(access list)",
        tone: "uncertain",
      });
    }
  }
  return lines;
}

function isWell(cluster: ClusterSnapshot, paths: readonly PathSnapshot[]): boolean {
  const active = cluster.endpoints.filter(({ retired }) => !retired);
  return cluster.notes.length === 0 && paths.length > 0 && active.every(({ state }) => state === "live") &&
    paths.every(isLive) &&
    !isUnknown(cluster);
}

function wellCluster({ subsysnqn, hostnqn, endpoints }: ClusterSnapshot, paths: readonly PathSnapshot[]) {
  const active = endpoints.filter(({ retired }) => !retired);
  const text =
    `${subsysnqn}: ${count(paths.length, "path")} live, ${count(active.length, "endpoint")} live, ` +
    `as ${hostnqn}`;
  return { text, tone: "good" } as const;
}

function endpointLines({ endpoints, notes }: ClusterSnapshot, isMany: boolean): OutlineLine[] {
  const shown = isMany ? endpoints.filter(({ state, retired }) => state !== "live" && !retired) : endpoints;
  const folded = endpoints.length - shown.length;
  return [
    ...folded > 0
      ? [{ indent: 1, text: `${count(folded, "discovery endpoint")} live or retired`, tone: "good" } as const]
      : [],
    ...shown.length > 0 ? [{ indent: 1, text: "discovery" }] : [],
    ...shown.map(endpointLine),
    ...notes.map((note) => ({ indent: 2, text: note, tone: "bad" } as const)),
  ];
}

function endpointLine(endpoint: EndpointSnapshot): OutlineLine {
  const { address, retired, state, forMs } = endpoint;
  const isUp = state === "live";
  const word = retired && !isUp
    ? "retired"
    : state === "idle"
    ? (endpoint.failures > 0 ? "failed" : "idle")
    : state;
  return {
    indent: 2,
    cells: [address, word, ageText(forMs)],
    text: endpointDetail(endpoint).join("; "),
    tone: isUp ? "good" : retired ? "faint" : word === "failed" ? "bad" : "uncertain",
  };
}

function endpointDetail(endpoint: EndpointSnapshot): string[] {
  const { retired, state, generation, records, logAgeMs, lastEventAgeMs, failures, error } = endpoint;
  const parts: string[] = [];
  if (retired) parts.push(endpoint.reason);
  else if (error !== undefined) parts.push(failures > 1 ? `${error} (${failures} times)` : error);
  if (endpoint.retryInMs !== undefined) parts.push(`next attempt in ${ageText(endpoint.retryInMs)}`);
  if (records !== undefined) {
    const age = state === "live" || logAgeMs === undefined ? "" : `, read ${ageText(logAgeMs)} ago`;
    parts.push(`log ${generation ?? "?"} with ${count(records, "record")}${age}`);
  }
  if (lastEventAgeMs !== undefined) parts.push(`last event ${ageText(lastEventAgeMs)} ago`);
  parts.push(sourceText(endpoint));
  return parts.filter((part) => part !== "");
}

/** `from volumes:1`, `referral of 10.0.0.1:8009 and 2 more`. */
function sourceText({ source, origins, namedBy, hostName }: EndpointSnapshot): string {
  const name = hostName === undefined ? "" : ` (${hostName})`;
  const [first, ...more] = source === "referral"
    ? namedBy
    : origins.map(({ file, line }) => line === 0 ? file : `${file}:${line}`);
  if (first === undefined) return source === "referral" ? "referral" : "";
  const others = more.length === 0 ? "" : ` and ${more.length} more`;
  return `${source === "referral" ? "referral of" : "from"} ${first}${others}${name}`;
}

function subsystemLines(paths: readonly PathSnapshot[]): OutlineLine[] {
  return [...Map.groupBy(paths, ({ subsysnqn }) => subsysnqn)].flatMap(([subsysnqn, its]) => [
    { indent: 1, text: subsysnqn },
    ...its.map(pathLine),
  ]);
}

function pathLine(path: PathSnapshot): OutlineLine {
  const { address, state, forMs } = path;
  return {
    indent: 2,
    cells: [address, state, forMs === undefined ? "" : ageText(forMs)],
    text: pathDetail(path),
    tone: toneOf(path),
  };
}

function toneOf({ state }: PathSnapshot): OutlineLine["tone"] {
  if (state === "live") return "good";
  return state === "failed" || state === "unreachable" ? "bad" : "uncertain";
}

function pathDetail({ state, device = "", reason, retryInMs }: PathSnapshot): string {
  if (state === "live") return device;
  const next = retryInMs === undefined || retryInMs === 0 ? "" : `; next attempt in ${ageText(retryInMs)}`;
  return `${device === "" ? "" : `${device}: `}${reason}${next}`;
}

/** Those that are live as a count; those that are missing by address and reason where they are many of a kind. */
function foldedPathLines(paths: readonly PathSnapshot[]): OutlineLine[] {
  const live = paths.filter(isLive);
  const subsystems = new Set(paths.map(({ subsysnqn }) => subsysnqn)).size;
  const lines: OutlineLine[] = [];
  if (live.length > 0) {
    const whole = live.length === paths.length ? ` of ${count(subsystems, "subsystem")}` : "";
    lines.push({ indent: 1, text: `${count(live.length, "path")} live${whole}`, tone: "good" });
  }
  const missing = paths.filter((path) => !isLive(path));
  const kinds = Map.groupBy(missing, ({ address, state, reason }) => `${address} ${state} ${reason}`);
  const single: PathSnapshot[] = [];
  const many: OutlineLine[] = [];
  for (const same of kinds.values()) {
    if (same.length < sameReasonMin) single.push(...same);
    else many.push(manyLine(same));
  }
  if (many.length > 0) lines.push({ indent: 1, text: "missing" }, ...many);
  lines.push(...subsystemLines(single.slice(0, missingListedMax)));
  const more = single.length - missingListedMax;
  if (more > 0) lines.push({ indent: 1, text: `${count(more, "path")} more not live; --all shows them` });
  return lines;
}

function manyLine(paths: readonly PathSnapshot[]): OutlineLine {
  const longestMs = Math.max(...paths.map(({ forMs }) => forMs ?? 0));
  const line = pathLine({ ...paths[0]!, forMs: longestMs });
  return { ...line, text: `${count(paths.length, "path")}: ${line.text}` };
}

function otherLines({ refused, fileProblems, pathsDropped }: StatusDocument, { isAll }: StatusTreeOptions) {
  const records = [
    ...new Set(
      refused.map(({ endpoint, subnqn, traddr, reason }) =>
        `${subnqn} at ${traddr}, named by ${endpoint}: ${reason}`
      ),
    ),
  ];
  return [
    ...listLines("records that are not connected", records, isAll),
    ...listLines("wrong in entry files", fileProblems, isAll),
    ...pathsDropped === 0
      ? []
      : [{ text: `${count(pathsDropped, "path")} left out: there are too many`, tone: "bad" } as const],
  ];
}

function listLines(title: string, texts: readonly string[], isAll: boolean): OutlineLine[] {
  if (texts.length === 0) return [];
  const shown = isAll ? texts : texts.slice(0, othersListedMax);
  const more = texts.length - shown.length;
  return [
    { text: "" },
    { text: title, tone: "strong" },
    ...shown.map((text) => ({ indent: 1, text, tone: "uncertain" } as const)),
    ...more > 0 ? [{ indent: 1, text: `${more} more; --all shows them` }] : [],
  ];
}

/** `3 of 4 paths live, 2 of 3 endpoints in session, 1 cluster: 1 path missing`. */
function summaryLine({ ready, clusters, paths, pathsDropped, summary }: StatusDocument): OutlineLine {
  const { pathsWanted, pathsLive, sessionsLive, endpoints } = summary;
  const missing = paths.filter((path) => !isLive(path)).length + pathsDropped;
  const unknown = clusters.filter(isUnknown).length;
  const counts = `${pathsLive} of ${count(pathsWanted, "path")} live, ${sessionsLive} of ` +
    `${count(endpoints, "endpoint")} in session, ${count(clusters.length, "cluster")}`;
  const troubles = [
    missing > 0 ? `${count(missing, "path")} missing` : "",
    unknown > 0 ? `the paths of ${count(unknown, "cluster")} not known` : "",
    ready ? "" : "not ready",
  ].filter((text) => text !== "");
  return troubles.length === 0
    ? { text: counts, tone: "good" }
    : { text: `${counts}: ${troubles.join(", ")}`, tone: "bad" };
}

/**
 * The state of everything in one sentence, and why, in words: what the page says largest. Pure. These functions run in
 * the browser, as text (see `fabric_page.ts`): they use nothing but each other and their arguments.
 */
import type { ClusterSnapshot, PathSnapshot } from "../snapshot.ts";
import type { StatusDocument } from "../status_document.ts";

/** `good`: all is live. `warn`: something is missing, and every volume has a path left. `gone`: nothing is known. */
export type Tone = "good" | "busy" | "warn" | "bad" | "gone";

export interface Verdict {
  readonly tone: Tone;
  readonly title: string;
  /** Why, most important first. */
  readonly reasons: readonly string[];
}

/** `1 path`, `2 paths`. */
export function counted(amount: number, noun: string): string {
  return `${amount.toLocaleString("en")} ${noun}${amount === 1 ? "" : "s"}`;
}

/** `40 s`, `3 min`, `5 h 12 min`, `9 d 4 h`. */
export function ageWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A path that is being tried again after a failure is as missing as it was. */
export function pathTone({ state, code }: PathSnapshot): Tone {
  if (state === "live") return "good";
  if (state === "would-connect") return "busy";
  if (state === "failed" || state === "unreachable" || state === "recovering") return "bad";
  return code === undefined ? "busy" : "bad";
}

/** Without what differs from one attempt to the next. */
export function steadyReason({ reason }: PathSnapshot): string {
  return reason.replace(/; attempt \d+.*$/, "");
}

/** None of its logs could be read yet, so that nobody knows its paths. */
export function isUnknownCluster({ endpoints }: ClusterSnapshot): boolean {
  return endpoints.every(({ retired, records }) => retired || records === undefined);
}

/** Volumes without any path: what their users wait for. */
export function subsystemsCutOff(paths: readonly PathSnapshot[]): string[] {
  const left = new Map<string, boolean>();
  for (const { hostnqn, subsysnqn, state } of paths) {
    const key = `${hostnqn} ${subsysnqn}`;
    left.set(key, left.get(key) === true || state === "live");
  }
  return [...left].filter(([, isLeft]) => !isLeft).map(([key]) => key);
}

/** Of several paths at once: without the address, which is told beside it. */
export function sharedReason(path: PathSnapshot): string {
  return steadyReason(path).replaceAll(path.address, "").replace(/  +/g, " ").trim();
}

/** `16 paths at 10.0.0.2 cannot be reached: …`, `9 paths at 3 addresses: …`; most first. */
export function missingReasons(missing: readonly PathSnapshot[], most: number): string[] {
  const kinds = new Map<string, PathSnapshot[]>();
  for (const path of missing) {
    const kind = sharedReason(path);
    const its = kinds.get(kind);
    if (its === undefined) kinds.set(kind, [path]);
    else its.push(path);
  }
  const sorted = [...kinds].sort(([, a], [, b]) => b.length - a.length);
  const lines = sorted.slice(0, most).map(([kind, its]) => {
    const hosts = new Set(its.map(({ address }) => address.replace(/:\d+$/, "")));
    const where = hosts.size === 1 ? [...hosts][0] : `${hosts.size} addresses`;
    const joint = kind.startsWith("cannot ") ? " " : ": ";
    return `${counted(its.length, "path")} at ${where}${joint}${kind}`;
  });
  const rest = sorted.slice(most).reduce((sum, [, its]) => sum + its.length, 0);
  return rest === 0
    ? lines
    : [...lines, `${counted(rest, "more path")} for ${sorted.length - most} more reasons`];
}

/** What takes nothing away now, but would hide the next change, or is wrong in files. */
export function smallTroubles({ clusters, refused, fileProblems }: StatusDocument): string[] {
  const wanted = clusters.flatMap(({ endpoints }) => endpoints.filter(({ retired }) => !retired));
  const down = wanted.filter(({ state }) => state !== "live");
  const lines: string[] = [];
  if (down.length > 0) {
    const [first] = down;
    const address = first?.address ?? "";
    const error = first?.error ?? "not connected yet";
    const which = down.length > 1 ? "" : error.includes(address) ? `: ${error}` : `: ${address}, ${error}`;
    lines.push(`${down.length} of ${counted(wanted.length, "discovery endpoint")} not in session${which}`);
  }
  for (const note of clusters.flatMap(({ notes }) => notes).slice(0, 2)) lines.push(`Not used: ${note}`);
  if (fileProblems.length > 0) {
    lines.push(`${counted(fileProblems.length, "problem")} in entry files: ${fileProblems[0]}`);
  }
  if (refused.length > 0) {
    lines.push(
      `${counted(refused.length, "record")} refused, such as of ${refused[0]?.subnqn}: ${refused[0]?.reason}`,
    );
  }
  return lines;
}

export function verdictOf(status: StatusDocument): Verdict {
  const { ready, dryRun, kernel, clusters, paths, pathsDropped } = status;
  const small = smallTroubles(status);
  if (!ready) return { tone: "busy", title: "Starting", reasons: ["The first pass is not done yet"] };
  if (clusters.length === 0) {
    return { tone: "warn", title: "No cluster configured", reasons: ["No entry file names one", ...small] };
  }
  if (dryRun) {
    const would = paths.filter(({ state }) => state === "would-connect").length;
    const title = `Dry run: ${counted(would, "path")} would be connected`;
    return { tone: "busy", title, reasons: [`${counted(paths.length, "path")} named by logs`, ...small] };
  }
  const reasons: string[] = [];
  if (kernel.present === false) {
    reasons.push(`The kernel connects nothing: ${kernel.error ?? "it has no NVMe over Fabrics"}`);
  }
  const missing = paths.filter(({ state }) => state !== "live");
  const cutOff = subsystemsCutOff(paths);
  if (cutOff.length > 0) {
    const [only = ""] = cutOff;
    const which = cutOff.length === 1 ? `: ${only.slice(only.indexOf(" ") + 1)}` : "";
    reasons.push(`${counted(cutOff.length, "subsystem")} without any path${which}`);
  }
  reasons.push(...missingReasons(missing, 3));
  if (pathsDropped > 0) reasons.push(`${counted(pathsDropped, "path")} left out: there are too many`);
  const unknown = clusters.filter(isUnknownCluster);
  for (const { subsysnqn, endpoints } of unknown.slice(0, 3)) {
    const why = endpoints.find(({ error }) => error !== undefined)?.error ?? "no log of it could be read yet";
    reasons.push(`The paths of ${subsysnqn} are not known: ${why}`);
  }
  const lost = missing.length + pathsDropped;
  const all = paths.length + pathsDropped;
  if (lost > 0) {
    const isNew = missing.every((path) => pathTone(path) === "busy") && pathsDropped === 0;
    const tone = isNew ? "busy" : cutOff.length > 0 || kernel.present === false ? "bad" : "warn";
    const verb = isNew ? "being connected" : "missing";
    const title = all === 1
      ? `The one path is ${verb}`
      : lost === all
      ? `All ${counted(all, "path")} ${verb}`
      : `${lost.toLocaleString("en")} of ${counted(all, "path")} ${verb}`;
    return { tone, title, reasons: [...reasons, ...small] };
  }
  if (unknown.length > 0) {
    const title = `The paths of ${counted(unknown.length, "cluster")} are not known`;
    return {
      tone: "bad",
      title,
      reasons: [...reasons, ...small.slice(unknown.length === clusters.length ? 1 : 0)],
    };
  }
  const none = paths.length === 0;
  const title = none
    ? "No volumes: the logs name no paths"
    : paths.length === 1
    ? "The one path is live"
    : `All ${counted(paths.length, "path")} live`;
  return { tone: none && small.length > 0 ? "warn" : "good", title, reasons: [...reasons, ...small] };
}

/** Says what changed from one plan to the next: one line a change, silence when all is as it was. */
import { limits } from "../base/limits.ts";
import type { Log } from "../model/world.ts";
import type { Path } from "../model/path.ts";
import type { EndpointList, Member } from "../plan/facts.ts";
import type { Plan } from "../plan/plan.ts";
import type { PathRow } from "../plan/plan_connects.ts";
import type { EventLog } from "./event_log.ts";
import { endpointKeys, pathKeys } from "./log_keys.ts";
import { type Telling, ToldFailures } from "./told_failures.ts";

export class ChangeLog {
  readonly #endpointLog: Log;
  readonly #pathLog: Log;
  readonly #recordLog: Log;
  #list: EndpointList = new Map();
  #paths = new Map<string, Said>();
  /** By path key; since the path was last live. */
  readonly #failures = new ToldFailures();
  #refused = new Set<string>();
  #notes = new Set<string>();
  #dropped = 0;

  constructor(log: EventLog) {
    this.#endpointLog = log("endpoint");
    this.#pathLog = log("path");
    this.#recordLog = log("record");
  }

  /** Since when a path is live, or is not; undefined where no plan has it. */
  sinceMs(pathKey: string): number | undefined {
    return this.#paths.get(pathKey)?.sinceMs;
  }

  record(plan: Plan, nowMs: number): void {
    this.#recordList(plan.list);
    this.#recordPaths(plan.connects.rows, nowMs);
    this.#recordRefused(plan);
    this.#recordDropped(plan.wanted.dropped);
    this.#list = plan.list;
  }

  #recordList(list: EndpointList): void {
    if (list === this.#list) return;
    const old = this.#changedMembers(list);
    for (const [key, cluster] of list) {
      if (this.#list.get(key)?.members === cluster.members) continue;
      for (const member of cluster.members) {
        const known = old.get(member.key)?.member;
        old.delete(member.key);
        if (known !== undefined && known.retired === member.retired) continue;
        const fields = endpointKeys(member.endpoint);
        this.#endpointLog.info(
          `${member.retired ? "Endpoint retired" : "Endpoint added"}: ${member.reason}`,
          fields,
        );
      }
    }
    for (const { member, why } of old.values()) this.#tellGone(member.endpoint, why);
    this.#recordNotes(list);
  }

  /** Members of clusters that are not what they were. One of a cluster without a name may find itself in another. */
  #changedMembers(list: EndpointList): Map<string, { readonly member: Member; readonly why: string }> {
    const changed = [...this.#list].filter(([key, { members }]) => list.get(key)?.members !== members);
    return new Map(changed.flatMap(([key, { members }]) => {
      const why = list.has(key) ? "no longer named" : "no file names its cluster any more";
      return members.map((member) => [member.key, { member, why }] as const);
    }));
  }

  #tellGone(
    endpoint: { traddr: string; trsvcid: number; cluster: { subsysnqn: string; hostnqn: string } },
    why: string,
  ): void {
    this.#endpointLog.info(`Endpoint removed: ${why}`, endpointKeys(endpoint));
  }

  #recordNotes(list: EndpointList): void {
    const notes = new Set([...list.values()].flatMap((cluster) => cluster.notes));
    for (const note of notes) {
      if (!this.#notes.has(note)) this.#endpointLog.warn(`Endpoint not used: ${note}`);
    }
    this.#notes = notes;
  }

  #recordPaths(rows: readonly PathRow[], nowMs: number): void {
    const paths = new Map<string, Said>();
    for (const row of rows) {
      const { key, path } = row.wanted;
      const before = this.#paths.get(key) ?? nothingSaid;
      const phase = nextPhase(row, before.phase);
      const trouble = troubleOf(row);
      const isLive = row.state === "live";
      const sinceMs = isLive === before.isLive ? before.sinceMs : nowMs;
      paths.set(key, { phase, path, trouble, isLive, sinceMs });
      this.#recordPath(row, before, phase, nowMs);
    }
    for (const [key, { phase, path }] of this.#paths) {
      if (paths.has(key)) continue;
      this.#failures.clear(key);
      if (phase === "") continue;
      const message = "Path no longer named by any log: the kernel keeps what it has of it";
      this.#pathLog.info(message, pathKeys(path));
    }
    this.#paths = paths;
  }

  /** A path in trouble has a row for each attempt that failed; every other phase is told when it begins. */
  #recordPath(row: PathRow, before: Omit<Said, "path">, phase: Phase, nowMs: number): void {
    const { key } = row.wanted;
    const trouble = troubleOf(row);
    if (trouble !== null) {
      if (isSameAttempt(trouble, before.trouble)) return;
      const telling = this.#failures.take(key, `${phase} ${trouble.reason}`, nowMs);
      if (telling !== null) this.#tellPath(row, phase, before.phase, telling);
    } else if (phase !== before.phase) {
      const failures = phase === "live" ? this.#failures.clear(key) : 0;
      this.#tellPath(row, phase, before.phase, failures === 0 ? {} : { failures });
    }
  }

  #tellPath(row: PathRow, phase: Phase, before: Phase, telling: Telling): void {
    const fields = { ...pathKeys(row.wanted.path), device: row.device, ...telling };
    if (phase === "live") this.#pathLog.info(`Path live: ${row.reason}`, fields);
    else if (phase === "lost" || (phase === "recovering" && before === "live")) {
      this.#pathLog.warn(`Path lost: ${row.reason}`, fields);
    } else if (phase === "recovering") this.#pathLog.info(`Path not live yet: ${row.reason}`, fields);
    else if (phase === "would-connect") this.#pathLog.info("Path would be connected", fields);
    else this.#pathLog.warn(`Path not live: ${row.reason}`, fields);
  }

  #recordDropped(dropped: number): void {
    if (dropped > 0 && this.#dropped === 0) {
      this.#pathLog.warn(`Paths left out: ${dropped} beyond the ${limits.pathsMax} that one host may have`);
    }
    this.#dropped = dropped;
  }

  #recordRefused(plan: Plan): void {
    const refused = new Set<string>();
    let told = 0;
    for (const { endpoint, subnqn, traddr, reason } of plan.wanted.refused) {
      const key = `${endpoint} ${subnqn} ${traddr} ${reason}`;
      if (refused.has(key)) continue;
      refused.add(key);
      if (this.#refused.has(key) || ++told > limits.refusedToldMax) continue;
      this.#recordLog.warn(`Record refused: ${reason}`, { endpoint, subsysnqn: subnqn, traddr });
    }
    const untold = told - limits.refusedToldMax;
    if (untold > 0) this.#recordLog.warn(`Records refused: ${untold} more, told by status`);
    this.#refused = refused;
  }
}

/** What was said last of a path; empty for nothing yet. */
type Phase = "" | "live" | "recovering" | "lost" | "would-connect" | "failed" | "unreachable";

interface Said {
  readonly phase: Phase;
  readonly path: Path;
  /** The attempt that failed last, while it waits for the next. */
  readonly trouble: Trouble | null;
  /** Null when it was not there. */
  readonly isLive: boolean | null;
  /** Since when it is live, or is not. */
  readonly sinceMs: number;
}

const nothingSaid: Omit<Said, "path"> = { phase: "", trouble: null, isLive: null, sinceMs: 0 };

interface Trouble {
  readonly reason: string;
  readonly retryAtMs: number;
}

/** Null for a row that is not about a failed attempt. */
function troubleOf({ state, reason, retryAtMs }: PathRow): Trouble | null {
  return (state === "failed" || state === "unreachable") && retryAtMs !== undefined
    ? { reason, retryAtMs }
    : null;
}

function isSameAttempt(trouble: Trouble, before: Trouble | null): boolean {
  return before !== null && before.retryAtMs === trouble.retryAtMs && before.reason === trouble.reason;
}

/** What is worth a line when it changes. An attempt under way is not: it says nothing new about a path in trouble. */
function nextPhase(row: PathRow, before: Phase): Phase {
  switch (row.state) {
    case "live":
    case "recovering":
    case "would-connect":
      return row.state;
    case "failed":
    case "unreachable":
      if (row.retryAtMs !== undefined) return row.state;
  }
  return before === "live" || before === "recovering" ? "lost" : before;
}

/** Says what changed from one plan to the next: one line a change, silence when all is as it was. */
import { limits } from "../base/limits.ts";
import { clusterLabel } from "../model/cluster.ts";
import { endpointLabel } from "../model/endpoint.ts";
import type { Log } from "../model/world.ts";
import { type Path, pathLabel } from "../model/path.ts";
import type { EndpointList, Member } from "../plan/facts.ts";
import type { Plan } from "../plan/plan.ts";
import type { PathRow } from "../plan/plan_connects.ts";

export class ChangeLog {
  readonly #log: Log;
  #list: EndpointList = new Map();
  #paths = new Map<string, Said>();
  #refused = new Set<string>();
  #notes = new Set<string>();
  #dropped = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  record(plan: Plan): void {
    this.#recordList(plan.list);
    this.#recordPaths(plan.connects.rows);
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
        const fields = {
          endpoint: endpointLabel(member.endpoint),
          cluster: clusterLabel(member.endpoint.cluster),
        };
        this.#log.info(`${member.retired ? "Endpoint retired" : "Endpoint added"}: ${member.reason}`, fields);
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
    const fields = { endpoint: endpointLabel(endpoint), cluster: clusterLabel(endpoint.cluster) };
    this.#log.info(`Endpoint removed: ${why}`, fields);
  }

  #recordNotes(list: EndpointList): void {
    const notes = new Set([...list.values()].flatMap((cluster) => cluster.notes));
    for (const note of notes) if (!this.#notes.has(note)) this.#log.warn(`Endpoint not used: ${note}`);
    this.#notes = notes;
  }

  #recordPaths(rows: readonly PathRow[]): void {
    const paths = new Map<string, Said>();
    for (const row of rows) {
      const { key, path } = row.wanted;
      const { phase: before, troubles: known } = this.#paths.get(key) ?? nothingSaid;
      const phase = nextPhase(row, before);
      const troubles = withTrouble(row, phase, known);
      paths.set(key, { phase, path, troubles });
      if (phase !== before || troubles.length > known.length) this.#tellPath(row, phase, before);
    }
    for (const [key, { phase, path }] of this.#paths) {
      if (paths.has(key) || phase === "") continue;
      const fields = { path: pathLabel(path), hostnqn: path.hostnqn };
      this.#log.info("Path no longer named by any log: the kernel keeps what it has of it", fields);
    }
    this.#paths = paths;
  }

  #tellPath(row: PathRow, phase: Phase, before: Phase): void {
    const fields = { path: pathLabel(row.wanted.path), device: row.device, hostnqn: row.wanted.path.hostnqn };
    if (phase === "live") this.#log.info(`Path live: ${row.reason}`, fields);
    else if (phase === "lost" || (phase === "recovering" && before === "live")) {
      this.#log.warn(`Path lost: ${row.reason}`, fields);
    } else if (phase === "recovering") this.#log.info(`Path not live yet: ${row.reason}`, fields);
    else if (phase === "would-connect") this.#log.info("Path would be connected", fields);
    else this.#log.warn(`Path not live: ${row.reason}`, fields);
  }

  #recordDropped(dropped: number): void {
    if (dropped > 0 && this.#dropped === 0) {
      this.#log.warn(`Paths left out: ${dropped} beyond the ${limits.pathsMax} that one host may have`);
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
      this.#log.warn(`Record refused: ${reason}`, { endpoint, subsysnqn: subnqn, traddr });
    }
    const untold = told - limits.refusedToldMax;
    if (untold > 0) this.#log.warn(`Records refused: ${untold} more, told by status`);
    this.#refused = refused;
  }
}

/** What was said last of a path; empty for nothing yet. */
type Phase = "" | "live" | "recovering" | "lost" | "would-connect" | "failed" | "unreachable";

interface Said {
  readonly phase: Phase;
  readonly path: Path;
  /** Reasons told since it was last live. */
  readonly troubles: readonly string[];
}

const nothingSaid: Omit<Said, "path"> = { phase: "", troubles: [] };

/** What comes to light after the first failure is news too, the first few times. */
function withTrouble(row: PathRow, phase: Phase, known: readonly string[]): readonly string[] {
  if (phase === "live") return nothingSaid.troubles;
  const isTrouble = (phase === "failed" || phase === "unreachable") && row.state === phase &&
    row.retryAtMs !== undefined;
  if (!isTrouble || known.includes(row.reason) || known.length >= limits.pathTroublesToldMax) return known;
  return [...known, row.reason];
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

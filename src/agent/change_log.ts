/** Says what changed from one plan to the next: one line a change, silence when all is as it was. */
import { clusterLabel } from "../model/cluster.ts";
import { endpointLabel } from "../model/endpoint.ts";
import type { Log } from "../model/world.ts";
import { pathLabel } from "../model/path.ts";
import type { EndpointList } from "../plan/facts.ts";
import type { Plan } from "../plan/plan.ts";
import type { PathRow } from "../plan/plan_connects.ts";

export class ChangeLog {
  readonly #log: Log;
  #list: EndpointList = new Map();
  #paths = new Map<string, string>();
  #refused = new Set<string>();
  #notes = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  record(plan: Plan): void {
    this.#recordList(plan.list);
    this.#recordPaths(plan.connects.rows);
    this.#recordRefused(plan);
    this.#list = plan.list;
  }

  #recordList(list: EndpointList): void {
    if (list === this.#list) return;
    for (const [key, cluster] of list) {
      const before = this.#list.get(key);
      if (before?.members === cluster.members) continue;
      const old = new Map((before?.members ?? []).map((member) => [member.key, member]));
      for (const member of cluster.members) {
        const known = old.get(member.key);
        old.delete(member.key);
        if (known !== undefined && known.retired === member.retired) continue;
        const fields = {
          endpoint: endpointLabel(member.endpoint),
          cluster: clusterLabel(member.endpoint.cluster),
        };
        this.#log.info(`${member.retired ? "Endpoint retired" : "Endpoint added"}: ${member.reason}`, fields);
      }
      for (const member of old.values()) this.#tellGone(member.endpoint, "no longer named");
    }
    for (const [key, cluster] of this.#list) {
      if (list.has(key)) continue;
      for (const member of cluster.members) {
        this.#tellGone(member.endpoint, "no file names its cluster any more");
      }
    }
    this.#recordNotes(list);
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
    const paths = new Map<string, string>();
    for (const row of rows) {
      const said = phase(row);
      paths.set(row.wanted.key, said);
      const before = this.#paths.get(row.wanted.key);
      if (before !== said && said !== "") this.#tellPath(row, before);
    }
    this.#paths = paths;
  }

  #tellPath(row: PathRow, before: string | undefined): void {
    const fields = { path: pathLabel(row.wanted.path), device: row.device, hostnqn: row.wanted.path.hostnqn };
    if (row.state === "live") this.#log.info(`Path live: ${row.reason}`, fields);
    else if (row.state === "recovering") {
      if (before === "live") this.#log.warn(`Path lost: ${row.reason}`, fields);
      else this.#log.info(`Path not live yet: ${row.reason}`, fields);
    } else if (row.state === "would-connect") this.#log.info("Path would be connected", fields);
    else if (before !== undefined || row.state !== "waiting") {
      this.#log.warn(`Path not live: ${row.reason}`, fields);
    }
  }

  #recordRefused(plan: Plan): void {
    const refused = new Set<string>();
    for (const { endpoint, subnqn, traddr, reason } of plan.wanted.refused) {
      const text = `Record refused: ${reason}`;
      const key = `${endpoint} ${subnqn} ${traddr} ${reason}`;
      if (refused.has(key)) continue;
      refused.add(key);
      if (!this.#refused.has(key)) this.#log.warn(text, { endpoint, subsysnqn: subnqn, traddr });
    }
    this.#refused = refused;
  }
}

/** What is worth a line when it changes: on the way there is not. */
function phase(row: PathRow): string {
  switch (row.state) {
    case "live":
    case "recovering":
    case "would-connect":
      return row.state;
    case "failed":
    case "unreachable":
      return row.retryAtMs === undefined ? "" : "broken";
    default:
      return "";
  }
}

/** Since when each endpoint of the list has a live session, or has none: attempts in between do not count. */
import type { EndpointList, SessionFact } from "../plan/facts.ts";

interface Age {
  readonly isLive: boolean;
  readonly sinceMs: number;
}

export class SessionAges {
  #ages: ReadonlyMap<string, Age> = new Map();

  /** With every pass. */
  record(list: EndpointList, sessions: ReadonlyMap<string, SessionFact>, nowMs: number): void {
    const ages = new Map<string, Age>();
    for (const { members } of list.values()) {
      for (const { key } of members) {
        const session = sessions.get(key);
        const isLive = session?.state === "live";
        const before = this.#ages.get(key);
        if (before?.isLive === isLive) ages.set(key, before);
        else ages.set(key, { isLive, sinceMs: isLive ? session.sinceMs : nowMs });
      }
    }
    this.#ages = ages;
  }

  /** By endpoint key; undefined for one that is not on the list. */
  sinceMs(key: string): number | undefined {
    return this.#ages.get(key)?.sinceMs;
  }
}

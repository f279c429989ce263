/**
 * Says what happens to discovery sessions: one line a change. A failure that repeats is told once, and a session that
 * comes up only to fail again is no change: it is told when it has read its log.
 */
import { errorCode, errorText } from "../base/errors.ts";
import { type Endpoint, endpointLabel } from "../model/endpoint.ts";
import type { Log, LogFields } from "../model/world.ts";
import type { Failure } from "../plan/facts.ts";
import type { SessionEvent } from "../protocol/session.ts";

type ReadyEvent = Extract<SessionEvent, { kind: "ready" }>;

export class SessionLog {
  readonly #log: Log;
  /** Sessions that came up after a failure, and have not read their log yet; by endpoint key. */
  readonly #unproven = new Map<string, ReadyEvent>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** `failure` is what the endpoint failed with last, null once a log was read since. */
  record(key: string, endpoint: Endpoint, event: SessionEvent, failure: Failure | null): void {
    const fields = { endpoint: endpointLabel(endpoint), hostnqn: endpoint.cluster.hostnqn };
    switch (event.kind) {
      case "ready":
        if (failure === null) this.#tellUp(event, fields);
        else this.#unproven.set(key, event);
        break;
      case "event":
        this.#log.debug("The discovery log changed", fields);
        break;
      case "log": {
        const ready = this.#unproven.get(key);
        if (ready !== undefined) this.#tellUp(ready, fields);
        this.#unproven.delete(key);
        const { records, genctr } = event.log;
        const count = `${records.length} ${records.length === 1 ? "record" : "records"}`;
        this.#log.info(`Discovery log read: ${count}`, { ...fields, generation: String(genctr) });
        break;
      }
      case "closed":
        this.#unproven.delete(key);
        if (event.error !== null) this.#tellFailed(event.error, failure, fields);
    }
  }

  #tellUp({ identify, eventsConfigured }: ReadyEvent, fields: LogFields): void {
    this.#log.info("Discovery session is up", { ...fields, subnqn: identify.subnqn });
    if (!eventsConfigured) {
      this.#log.warn("The controller takes no event configuration: its log is polled", fields);
    }
  }

  /** Told by its code, as code branches: the words may hold numbers that differ each time. */
  #tellFailed(error: Error, before: Failure | null, fields: LogFields): void {
    const code = errorCode(error);
    const message = `Discovery session failed: ${errorText(error)}`;
    if (code === before?.code) this.#log.debug(message, { ...fields, code });
    else this.#log.warn(message, { ...fields, code });
  }
}

/**
 * Says what happens to discovery sessions: one line a change. A failure that repeats is told once and then rarely, and a
 * session that comes up only to fail again is no change: it is told when it has read its log.
 */
import { errorCode, errorText } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { Log, LogFields } from "../model/world.ts";
import type { SessionFact } from "../plan/facts.ts";
import { type DiscoveryRecord, isSameRecord } from "../nvme/discovery_log.ts";
import type { DiscoveryLog } from "../protocol/log_reader.ts";
import type { SessionEvent } from "../protocol/session.ts";
import { logDifference } from "../report/log_difference.ts";
import type { EventLog } from "./event_log.ts";
import { endpointKeys } from "./log_keys.ts";
import { ToldFailures } from "./told_failures.ts";

type ReadyEvent = Extract<SessionEvent, { kind: "ready" }>;

export class SessionLog {
  readonly #log: Log;
  readonly #targetLog: Log;
  readonly #recordLog: Log;
  readonly #clock: Pick<Clock, "nowMs">;
  /** By endpoint key; since the log was last read. */
  readonly #failures = new ToldFailures();
  /** Sessions that came up after a failure, and have not read their log yet; by endpoint key. */
  readonly #unproven = new Map<string, ReadyEvent>();
  /** The log last told in the present session, by endpoint key: the generation counts changes that we cannot see too. */
  readonly #told = new Map<string, DiscoveryLog>();

  constructor(log: EventLog, clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
    this.#log = log("session");
    this.#targetLog = log("event");
    this.#recordLog = log("log");
  }

  /** `before` is the endpoint's session before the event; its failure is null once a log was read since. */
  record(
    key: string,
    endpoint: Endpoint,
    event: SessionEvent,
    before: Pick<SessionFact, "failure" | "log"> | undefined,
  ): void {
    const failure = before?.failure ?? null;
    const fields = endpointKeys(endpoint);
    switch (event.kind) {
      case "ready":
        if (failure === null) this.#tellUp(event, fields);
        else this.#unproven.set(key, event);
        break;
      case "event":
        this.#targetLog.debug("The discovery log changed", fields);
        break;
      case "log": {
        const ready = this.#unproven.get(key);
        const failures = this.#failures.clear(key);
        if (ready !== undefined) this.#tellUp(ready, failures === 0 ? fields : { ...fields, failures });
        this.#unproven.delete(key);
        this.#tellLog(key, event.log, before?.log ?? null, fields);
        break;
      }
      case "closed":
        this.#unproven.delete(key);
        this.#told.delete(key);
        if (event.error !== null) this.#tellFailed(key, event.error, fields);
    }
  }

  /** The endpoint is no more. */
  forget(key: string): void {
    this.#failures.clear(key);
  }

  #tellUp({ identify, eventsConfigured }: ReadyEvent, fields: LogFields): void {
    this.#log.info("Discovery session is up", { ...fields, subnqn: identify.subnqn });
    if (!eventsConfigured) {
      this.#log.warn("The controller takes no event configuration: its log is polled", fields);
    }
  }

  /** `before` is the endpoint's last good log, of whatever session. */
  #tellLog(key: string, log: DiscoveryLog, before: DiscoveryLog | null, fields: LogFields): void {
    const { records, genctr } = log;
    const told = this.#told.get(key);
    this.#told.set(key, log);
    const message = `Discovery log read: ${records.length} ${records.length === 1 ? "record" : "records"}`;
    const isNew = told === undefined || !sameRecords(told.records, records);
    const changes = before === null || !isNew ? "" : logDifference(before.records, records);
    this.#recordLog[isNew ? "info" : "debug"](message, {
      ...fields,
      generation: String(genctr),
      // What the target wrote is in it: a value is shown as it is, a message must be a sentence.
      ...changes === "" ? {} : { changes },
    });
  }

  /** Told by its code, as code branches: the words may hold numbers that differ each time. */
  #tellFailed(key: string, error: Error, fields: LogFields): void {
    const code = errorCode(error);
    const message = `Discovery session failed: ${errorText(error)}`;
    const telling = this.#failures.take(key, code, this.#clock.nowMs());
    if (telling === null) this.#log.debug(message, { ...fields, code });
    else this.#log.warn(message, { ...fields, code, ...telling });
  }
}

/** In their order: another one is told too, though it changes nothing. */
function sameRecords(a: readonly DiscoveryRecord[], b: readonly DiscoveryRecord[]): boolean {
  return a.length === b.length && a.every((record, at) => isSameRecord(record, b[at]!));
}

/**
 * A log whose lines are events too: whoever says what happens says it once, and both who reads the log and who watches
 * hear of it. Watchers get the lines that the log's level hides as well.
 */
import type { Log, LogFields } from "../model/world.ts";
import type { AgentEvent, EventKind, EventSink } from "../report/event_feed.ts";

/** Makes the log for one kind of event. */
export type EventLog = (kind: EventKind) => Log;

export function eventLog(log: Log, events: EventSink): EventLog {
  return (kind) => {
    const teller = (level: AgentEvent["level"]) => (message: string, fields: LogFields = {}) => {
      log[level](message, fields);
      events.happened({ kind, level, message, fields });
    };
    return { debug: teller("debug"), info: teller("info"), warn: teller("warn"), error: teller("error") };
  };
}

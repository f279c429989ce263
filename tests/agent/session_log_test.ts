import { SessionLog } from "../../src/agent/session_log.ts";
import { NvmeStatusError, ProtocolError, TransportError } from "../../src/base/errors.ts";
import type { DiscoveryRecord } from "../../src/nvme/discovery_log.ts";
import type { IdentifyController } from "../../src/nvme/identify.ts";
import { type Failure } from "../../src/plan/facts.ts";
import { toFailure } from "../../src/plan/retry.ts";
import type { DiscoveryLog } from "../../src/protocol/log_reader.ts";
import type { SessionEvent } from "../../src/protocol/session.ts";
import { assertEquals } from "../assert.ts";
import { endpoint, keyOf } from "../plan/fact_samples.ts";
import { MemoryLog } from "../sim/memory_log.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const ready = (eventsConfigured = true): SessionEvent => ({
  kind: "ready",
  identify: { subnqn: "nqn.2014-08.org.nvmexpress.discovery" } as IdentifyController,
  eventsConfigured,
});
const logRead: SessionEvent = { kind: "log", log: { genctr: 7n, records: [] } };
const digest = (value: number) => new ProtocolError("header-digest", `Header digest is ${value}`);

/** The lines of `warn` and `info` that these events of one endpoint bring. */
function lines(...events: SessionEvent[]): string[] {
  const clock = new VirtualClock();
  const log = new MemoryLog(clock);
  const sessions = new SessionLog(() => log, clock);
  let failure: Failure | null = null;
  let last: DiscoveryLog | null = null;
  for (const event of events) {
    sessions.record(keyOf("a"), endpoint("a"), event, { failure, log: last });
    // What the fact store makes of it.
    if (event.kind === "log") {
      failure = null;
      last = event.log;
    }
    if (event.kind === "closed" && event.error !== null) failure = toFailure(event.error, 0);
  }
  return log.lines.filter(({ level }) => level !== "debug").map(({ message }) => message);
}

const closed = (error: Error | null): SessionEvent => ({ kind: "closed", error });
const up = "Discovery session is up";
const read = "Discovery log read: 0 records";

Deno.test("SessionLog tells of a session that comes up and of its log", () => {
  assertEquals(lines(ready(), logRead, closed(null)), [up, read]);
});

Deno.test("SessionLog tells a failure once, whatever numbers its words hold, and the next kind of failure", () => {
  assertEquals(
    lines(closed(digest(1)), closed(digest(2)), closed(new TransportError("ECONNREFUSED", "Refused"))),
    ["Discovery session failed: Header digest is 1", "Discovery session failed: Refused"],
  );
});

Deno.test("SessionLog tells nothing of sessions that come up only to fail as before", () => {
  assertEquals(
    lines(ready(), closed(digest(1)), ready(), closed(digest(1)), ready(), closed(digest(1))),
    [up, "Discovery session failed: Header digest is 1"],
  );
});

Deno.test("SessionLog tells a log again when its records changed, and in a new session, not for its generation", () => {
  const record: DiscoveryRecord = {
    trtype: 3,
    adrfam: 1,
    subtype: 2,
    treq: 0,
    portid: 1,
    cntlid: 0xffff,
    asqsz: 32,
    eflags: 0,
    sectype: 0,
    trsvcid: "4420",
    subnqn: "nqn.2024-01.io.example:s1",
    traddr: "10.0.0.1",
  };
  const logOf = (genctr: bigint, ...records: DiscoveryRecord[]): SessionEvent => ({
    kind: "log",
    log: { genctr, records },
  });
  const one = "Discovery log read: 1 record";
  assertEquals(lines(ready(), logOf(1n, record), logOf(2n, { ...record })), [up, one]);
  assertEquals(lines(ready(), logOf(1n, record), logOf(2n, { ...record, trsvcid: "4421" })), [up, one, one]);
  assertEquals(lines(ready(), logOf(1n, record), logOf(2n, { ...record, problem: "x" })), [up, one, one]);
  assertEquals(
    lines(ready(), logOf(1n, record), logOf(2n, record, { ...record, traddr: "10.0.0.2" })),
    [up, one, "Discovery log read: 2 records"],
  );
  assertEquals(lines(ready(), logOf(1n, record), closed(null), ready(), logOf(1n, record)), [
    up,
    one,
    up,
    one,
  ]);
});

Deno.test("SessionLog tells that a session is up again once it has read its log, and how it hears of changes", () => {
  assertEquals(lines(closed(digest(1)), ready(false), logRead), [
    "Discovery session failed: Header digest is 1",
    up,
    "The controller takes no event configuration: its log is polled",
    read,
  ]);
});

Deno.test("SessionLog tells each loss of a session that works in between", () => {
  const refusal = new NvmeStatusError("invalid-host", "Not allowed", { status: 0x184, dnr: true, crd: 0 });
  const failed = "Discovery session failed: Not allowed";
  assertEquals(
    lines(ready(), logRead, closed(refusal), ready(), logRead, closed(refusal)),
    [up, read, failed, up, read, failed],
  );
});

Deno.test("SessionLog tells a failure that lasts again after an hour, and how often it failed when it is over", async () => {
  const clock = new VirtualClock();
  const log = new MemoryLog(clock);
  const sessions = new SessionLog(() => log, clock);
  const before = { failure: toFailure(digest(0), 0), log: null };
  const record = (event: SessionEvent) => sessions.record(keyOf("a"), endpoint("a"), event, before);
  for (let attempt = 0; attempt < 122; attempt++) {
    record(closed(digest(attempt)));
    await clock.advance(30_000);
  }
  record(ready());
  record(logRead);
  const told = log.lines.filter(({ level }) => level !== "debug");
  assertEquals(told.map(({ message, fields }) => [message, fields.failures]), [
    ["Discovery session failed: Header digest is 0", undefined],
    ["Discovery session failed: Header digest is 120", 121],
    [up, 122],
    [read, undefined],
  ]);
  const { subsysnqn: cluster, hostnqn } = endpoint("a").cluster;
  for (const { fields } of told) {
    assertEquals([fields.cluster, fields.hostnqn, fields.endpoint], [cluster, hostnqn, "10.0.0.1:8009"]);
  }
});

Deno.test("SessionLog says what changed in a log, also since the session before", () => {
  const log = new MemoryLog(new VirtualClock());
  const kinds: string[] = [];
  const sessions = new SessionLog((kind) => {
    kinds.push(kind);
    return log;
  }, new VirtualClock());
  const record = {
    subtype: 2,
    trtype: 3,
    subnqn: "nqn.a",
    traddr: "10.0.0.1",
    trsvcid: "4420",
  } as DiscoveryRecord;
  const before: DiscoveryLog = { genctr: 1n, records: [record] };
  const after: DiscoveryLog = { genctr: 2n, records: [record, { ...record, traddr: "10.0.0.2" }] };
  sessions.record(keyOf("a"), endpoint("a"), { kind: "log", log: before }, { failure: null, log: null });
  sessions.record(keyOf("a"), endpoint("a"), closed(null), { failure: null, log: before });
  sessions.record(keyOf("a"), endpoint("a"), { kind: "log", log: after }, { failure: null, log: before });
  assertEquals(log.lines.map(({ fields }) => fields.changes), [undefined, "came: nqn.a at 10.0.0.2:4420"]);
  assertEquals(kinds, ["session", "event", "log"]);
});

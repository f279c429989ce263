/** Ways to break the session with a discovery controller: events, log reads, timeouts, the matching of answers. */
import { type Mutation, neverWell } from "./mutation.ts";

const session = "src/protocol/session.ts";
const queue = "src/protocol/admin_queue.ts";
const reader = "src/protocol/log_reader.ts";

export const protocolMutations: readonly Mutation[] = [
  {
    name: "event-request-not-repeated",
    what: "After an event the request for the next one is not posted again",
    file: session,
    from: "        this.#requestEvent(at);\n",
    to: "",
    rules: neverWell,
  },
  {
    name: "event-starts-no-read",
    what: "An event comes and the log is not read",
    file: session,
    from: "        this.#reader?.requestRead(at);\n",
    to: "",
    rules: neverWell,
  },
  {
    name: "event-never-unmasked",
    what: "The last read of a log keeps the event, so that the controller reports no other",
    file: reader,
    from: "this.#read(nowMs, 0, headerBytes, false,",
    to: "this.#read(nowMs, 0, headerBytes, true,",
    rules: neverWell,
  },
  {
    name: "generation-change-ignored",
    what: "A log that changed while it was read is taken as it came",
    file: reader,
    from: "if (after.genctr !== header.genctr || after.numrec !== header.numrec) return this.#restart(at);",
    to: "",
    rules: ["log-as-served", "paths-stay"],
  },
  {
    name: "refused-read-is-empty-log",
    what: "A Get Log Page that the controller refuses counts as an empty log",
    file: reader,
    from:
      "if (completion.status !== statusDiscoveryRestart) throw statusError(`Cannot ${action}`, completion);",
    to:
      "if (completion.status !== statusDiscoveryRestart) return this.#onLog({ genctr: 0n, records: [] }, at);",
    rules: ["log-as-served", "paths-stay"],
  },
  {
    name: "long-log-cut",
    what: "Only the first chunk of a long log is read",
    file: reader,
    from: "if (bytes === 0) return this.#readHeaderAgain(nowMs, header, records);",
    to:
      "if (bytes === 0 || length > 0) return this.#readHeaderAgain(nowMs, { ...header, numrec: length / recordBytes }, records);",
    rules: [...neverWell, "log-as-served"],
  },
  {
    name: "oldest-command-completed",
    what: "A completion ends the oldest command, whatever its command id",
    file: queue,
    from: `    const done = this.#outstanding.get(completion.cid);
    if (done === undefined) throw unknownCid("CapsuleResp", completion.cid, 20);
    this.#outstanding.delete(completion.cid);`,
    to: `    const [cid, done] = [...this.#outstanding][0] ?? [];
    if (done === undefined || cid === undefined) throw unknownCid("CapsuleResp", completion.cid, 20);
    this.#outstanding.delete(cid);`,
    rules: [...neverWell, "no-bug"],
  },
  {
    name: "unknown-command-is-bug",
    what: "An answer to no command of ours is taken for a bug of ours",
    file: queue,
    from: 'if (waiting === undefined) throw unknownCid("C2HData", pdu.cccid, 8);',
    to: 'assert(waiting !== undefined, "Every answer has its command");',
    rules: ["no-bug"],
  },
  {
    name: "icresp-never-times-out",
    what: "A session waits for ever for the first word of a port that says nothing",
    file: queue,
    from: "if (!this.established) return this.#icrespDeadlineMs;",
    to: "if (!this.established) return Infinity;",
    rules: neverWell,
  },
  {
    name: "probe-never-times-out",
    what: "A probe waits for ever for the first word of a port that says nothing",
    file: "src/protocol/probe.ts",
    from: "return this.#result === null ? this.#deadlineMs : Infinity;",
    to: "return Infinity;",
    rules: neverWell,
  },
  {
    name: "keep-alive-not-sent",
    what: "No keep alive is ever sent",
    file: session,
    from: "    this.#keepAliveAtMs = keepAliveTimeMs(this.#connectMs, this.#options.katoMs);\n",
    to: "",
    rules: [...neverWell, "quiet"],
  },
  {
    name: "keep-alive-sent-once",
    what: "The second keep alive is never sent",
    file: session,
    from:
      "        this.#keepAliveSent = false;\n        if (this.#keepAliveLate && !this.#stopping) this.#keepAliveAtMs = at;\n",
    to: "",
    rules: [...neverWell, "quiet"],
  },
  {
    name: "keep-alive-without-pause",
    what: "Keep alives are due a hundred thousand times a second",
    file: session,
    from: "return Math.max(atMs, lastMs + katoMs / 4);",
    to: "return Math.min(atMs, lastMs + 0.01);",
    rules: ["time-moves"],
  },
];

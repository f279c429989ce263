/**
 * The probe and the trial of a Connect, and the transport below them: any bytes, any cut, any time. They end once, in
 * time, and say no more.
 */
import { AgentError } from "../../../src/base/errors.ts";
import { limits } from "../../../src/base/limits.ts";
import { ConnectTrial } from "../../../src/protocol/connect_trial.ts";
import { Probe } from "../../../src/protocol/probe.ts";
import { check } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawDigests, drawPdu, wireBytes } from "../draw_pdu.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { concat, cutUp, mutateBytes } from "../mutate.ts";

const host = {
  hostnqn: "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff",
  hostid: new Uint8Array(16).fill(1),
  subnqn: "nqn.2024-01.io.example:s1",
  katoMs: 10_000,
};
/** At once: ICReq, a Connect (header, SQE, 1,024 bytes of data), and a TermReq with what it is about. */
const bytesOutMax = 128 + (8 + 64 + 1_024) + 152;

function tryInput(choices: Choices): void {
  const digests = drawDigests(choices);
  const pdus = Array.from(
    { length: choices.between(1, 3) },
    () => wireBytes(drawPdu(choices, "host"), digests),
  );
  const stream = choices.once(6) ? choices.bytes(choices.below(300)) : mutateBytes(choices, concat(pdus));
  choices.note("stream", stream);
  const probe = choices.once(2)
    ? new ConnectTrial(0, host)
    : new Probe(0, { openPortSuffices: choices.once(50) });
  let nowMs = 0;
  let { result } = probe;
  const step = (action: () => void) => {
    action();
    check(result === null || probe.result === result, "The result changes");
    result = probe.result;
    check(result !== null || probe.nextTimeoutMs() > nowMs, "It waits for the past");
    check(result === null || result.ok || result.error instanceof AgentError, () => `Ends with ${result}`);
    const out = probe.takeBytes();
    check(out === null || out.length <= bytesOutMax, () => `${out?.length} bytes go out`);
    check(probe.takeBytes() === null, "Bytes without end");
  };
  for (const chunk of cutUp(choices, stream)) {
    if (choices.once(20)) step(() => probe.handleTimeout(nowMs += choices.edgy(10_000)));
    if (choices.once(40)) step(() => probe.handleClose(null));
    step(() => probe.handleBytes(nowMs, chunk));
  }
  step(() => probe.handleTimeout(nowMs = Math.max(nowMs, limits.icrespTimeoutMs)));
  // The trial has another wait behind the first.
  step(() => probe.handleTimeout(nowMs += limits.commandTimeoutMs));
  check(probe.result !== null && probe.nextTimeoutMs() === Infinity, "It never ends");
}

export const probe: FuzzTarget = { name: "probe", tryInput };

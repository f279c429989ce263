import { NvmeStatusError, ProtocolError, TimeoutError, TransportError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { decodeConnectData } from "../../src/nvme/command.ts";
import { parseHostId } from "../../src/nvme/nqn.ts";
import { ConnectTrial } from "../../src/protocol/connect_trial.ts";
import { assert, assertEquals } from "../assert.ts";
import { response, ScriptedController } from "./scripted_controller.ts";

const host = {
  hostnqn: "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff",
  hostid: parseHostId("00112233-4455-6677-8899-aabbccddeeff")!,
  subnqn: "nqn.2024-01.io.example:s1",
  katoMs: 10_000,
};

function setUp(): { trial: ConnectTrial; controller: ScriptedController } {
  const trial = new ConnectTrial(1_000_000, host);
  return { trial, controller: new ScriptedController(trial) };
}

function errorOf({ result }: ConnectTrial): Error {
  assert(result !== null && !result.ok, "Expected a failed trial");
  return result.error;
}

Deno.test("ConnectTrial asks for an admin queue of the subsystem as this host, and is over with the answer", () => {
  for (const chunkBytes of [1, Infinity]) {
    const { trial, controller } = setUp();
    controller.chunkBytes = chunkBytes;
    controller.pump();
    assertEquals(trial.result, { ok: true, refusal: null });
    const [seen, ...others] = controller.seen;
    assertEquals(others, []);
    const { hostnqn, subnqn, hostid } = decodeConnectData(seen!.data);
    assertEquals([hostnqn, subnqn, hostid], [host.hostnqn, host.subnqn, host.hostid]);
    assertEquals([seen!.command.cdw10, seen!.command.cdw12], [0, host.katoMs]);
    assertEquals([trial.takeBytes(), trial.nextTimeoutMs()], [null, Infinity]);
  }
});

Deno.test("ConnectTrial takes a demand to authenticate for an answer", () => {
  const { trial, controller } = setUp();
  controller.answer("connect", ({ command: { cid } }) => [response({ cid, dw0: 7 | (1 << 17) })]);
  controller.pump();
  assert(trial.result?.ok === true && trial.result.refusal instanceof ProtocolError);
  const { code, message } = trial.result.refusal;
  assertEquals([code, message.includes("DH-CHAP authentication")], ["authentication-required", true]);
});

Deno.test("ConnectTrial tells a refusal by its name", () => {
  const { trial, controller } = setUp();
  controller.answer("connect", ({ command: { cid } }) => [response({ cid, status: 0x184, dnr: true })]);
  controller.pump();
  assert(trial.result?.ok === true && trial.result.refusal instanceof NvmeStatusError);
  const { status, message } = trial.result.refusal;
  assertEquals([status, message], [
    0x184,
    "The target refuses our own Connect: Connect Invalid Host: the subsystem does not allow this host NQN",
  ]);
});

Deno.test("ConnectTrial fails in time when nobody answers ICReq, or Connect", () => {
  const mute = setUp();
  mute.controller.icResp = null;
  const deaf = setUp();
  deaf.controller.answer("connect", () => null);
  for (
    const [{ trial, controller }, ms, code] of [
      [mute, limits.icrespTimeoutMs, "icresp"],
      [deaf, limits.commandTimeoutMs, "command"],
    ] as const
  ) {
    controller.pump();
    controller.advance(ms - 1);
    assertEquals(trial.result, null);
    controller.advance(1);
    const error = errorOf(trial);
    assert(error instanceof TimeoutError);
    assertEquals([error.code, trial.nextTimeoutMs()], [code, Infinity]);
  }
  assertEquals(deaf.controller.count("connect"), 1);
});

Deno.test("ConnectTrial fails when the peer closes, or breaks the protocol, and keeps its first result", () => {
  const closed = setUp();
  closed.trial.handleClose(null);
  assert(errorOf(closed.trial) instanceof TransportError);
  const late = setUp();
  late.controller.answer("connect", () => null);
  late.controller.pump();
  late.trial.handleClose(null);
  assert(
    errorOf(late.trial).message.includes("instead of an answer to Connect"),
    errorOf(late.trial).message,
  );
  const foreign = setUp();
  foreign.trial.handleBytes(1_000_001, new TextEncoder().encode("SSH-2.0-OpenSSH_9.2\r\n"));
  const error = errorOf(foreign.trial);
  assert(error instanceof ProtocolError);
  foreign.trial.handleClose(null);
  foreign.trial.handleTimeout(2e9);
  assertEquals(errorOf(foreign.trial), error);
});

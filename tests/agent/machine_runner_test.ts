import { type Machine, MachineRunner } from "../../src/agent/machine_runner.ts";
import { limits } from "../../src/base/limits.ts";
import { TransportError } from "../../src/base/errors.ts";
import { assert, assertEquals } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { ScriptedDialer } from "./scripted_connection.ts";

/** Notes what happens to it; says what the test tells it to. */
class NotingMachine implements Machine {
  readonly seen: string[] = [];
  outgoing: Uint8Array[] = [];
  timeoutMs = Infinity;
  over = false;

  handleBytes(_nowMs: number, chunk: Uint8Array): void {
    this.seen.push(`bytes ${[...chunk]}`);
  }

  handleClose(error: Error | null): void {
    this.seen.push(`close ${error?.message ?? "orderly"}`);
    this.over = true;
  }

  handleTimeout(nowMs: number): void {
    this.seen.push(`timeout ${nowMs}`);
    if (nowMs >= this.timeoutMs) this.timeoutMs = Infinity;
  }

  nextTimeoutMs(): number {
    return this.timeoutMs;
  }

  takeBytes(): Uint8Array | null {
    return this.outgoing.shift() ?? null;
  }
}

function setUp() {
  const clock = new VirtualClock({ nowMs: 1_000 });
  const dialer = new ScriptedDialer();
  const machine = new NotingMachine();
  const failures: string[] = [];
  const hooks = { onStep: () => {} };
  let steps = 0;
  const runner: MachineRunner<NotingMachine> = new MachineRunner<NotingMachine>({
    world: { clock, dialer },
    target: { traddr: "10.0.0.1", trsvcid: 8009, timeoutMs: 10 },
    makeMachine: () => machine,
    onStep: () => {
      steps++;
      hooks.onStep();
      return !machine.over;
    },
    onDialFailed: (error) => failures.push(error.message),
  });
  const connected = async () => {
    const connection = dialer.accept();
    await clock.settle();
    return connection;
  };
  return { clock, dialer, machine, failures, hooks, runner, connected, steps: () => steps };
}

Deno.test("MachineRunner writes what the machine says first, and hands it what comes", async () => {
  const { machine, connected, clock, dialer } = setUp();
  machine.outgoing = [Uint8Array.of(1)];
  const connection = await connected();
  assertEquals(dialer.targets[0], { traddr: "10.0.0.1", trsvcid: 8009, timeoutMs: 10 });
  connection.deliver(Uint8Array.of(7, 8));
  await clock.settle();
  connection.deliver(Uint8Array.of(9));
  await clock.settle();
  assertEquals([connection.written, machine.seen], [[Uint8Array.of(1)], ["bytes 7,8", "bytes 9"]]);
});

Deno.test("MachineRunner never overlaps writes, and goes on when the first is through", async () => {
  const { machine, connected, clock, runner } = setUp();
  machine.outgoing = [Uint8Array.of(1)];
  const started = connected();
  const connection = await started;
  connection.holdWrites = true;
  machine.outgoing = [Uint8Array.of(2), Uint8Array.of(3)];
  runner.poke();
  runner.poke();
  assertEquals(connection.written.length, 2);
  connection.releaseWrites();
  await clock.settle();
  assertEquals(connection.written, [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]);
});

Deno.test("MachineRunner keeps the machine's timer, also when it moves earlier or later", async () => {
  const { machine, connected, clock, runner } = setUp();
  machine.timeoutMs = 1_500;
  await connected();
  machine.timeoutMs = 1_200;
  runner.poke();
  await clock.advance(200);
  assertEquals(machine.seen, ["timeout 1200"]);
  machine.timeoutMs = 1_300;
  runner.poke();
  machine.timeoutMs = 1_900;
  runner.poke();
  await clock.advance(1_000);
  // The early one finds nothing due; the machine judges by the time it is told.
  assertEquals(machine.seen, ["timeout 1200", "timeout 1300", "timeout 1900"]);
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("MachineRunner tells of a dial that failed, and of nothing else", async () => {
  const { dialer, failures, clock, steps } = setUp();
  dialer.refuse(new TransportError("ECONNREFUSED", "Refused"));
  await clock.settle();
  assertEquals([failures, steps(), clock.liveTimers()], [["Refused"], 0, 0]);
});

Deno.test("MachineRunner hands over the peer's end, the read error and the write error", async () => {
  const ended = setUp();
  (await ended.connected()).deliver(null);
  await ended.clock.settle();
  assertEquals([ended.machine.seen, ended.dialer.connection.closes > 0], [["close orderly"], true]);

  const broken = setUp();
  (await broken.connected()).fail(new TransportError("ECONNRESET", "Reset"));
  await broken.clock.settle();
  assertEquals([broken.machine.seen, broken.dialer.connection.closes > 0], [["close Reset"], true]);

  const stuck = setUp();
  const connection = await stuck.connected();
  connection.holdWrites = true;
  stuck.machine.outgoing = [Uint8Array.of(1)];
  stuck.runner.poke();
  connection.releaseWrites(new TransportError("EPIPE", "Broken pipe"));
  await stuck.clock.settle();
  assertEquals([stuck.machine.seen, connection.closes > 0], [["close Broken pipe"], true]);
});

Deno.test("MachineRunner writes last words, waits a little for the peer's close, then closes", async () => {
  const { machine, connected, clock, runner } = setUp();
  const connection = await connected();
  machine.over = true;
  machine.outgoing = [Uint8Array.of(9)];
  runner.poke();
  await clock.settle();
  assertEquals([connection.written, connection.closes], [[Uint8Array.of(9)], 0]);
  connection.deliver(Uint8Array.of(1));
  await clock.advance(limits.termReqLingerMs - 1);
  assertEquals([connection.closes, machine.seen], [0, []], "What comes now is dropped");
  await clock.advance(1);
  assertEquals([connection.closes > 0, clock.liveTimers()], [true, 0]);
});

Deno.test("MachineRunner waits no longer when the peer closes after the last words", async () => {
  const { machine, connected, clock, runner } = setUp();
  const connection = await connected();
  machine.over = true;
  machine.outgoing = [Uint8Array.of(9)];
  runner.poke();
  await clock.settle();
  connection.deliver(null);
  await clock.settle();
  assertEquals([connection.closes > 0, clock.liveTimers(), machine.seen], [true, 0, []]);
});

Deno.test("MachineRunner closes at once without last words, or when it cannot say them", async () => {
  const silent = setUp();
  await silent.connected();
  silent.machine.over = true;
  silent.runner.poke();
  assertEquals(silent.dialer.connection.closes, 1);

  const stuck = setUp();
  const connection = await stuck.connected();
  connection.holdWrites = true;
  stuck.machine.outgoing = [Uint8Array.of(1), Uint8Array.of(2)];
  stuck.runner.poke();
  stuck.machine.over = true;
  stuck.runner.poke();
  assertEquals([connection.closes, connection.written.length], [1, 1]);
});

Deno.test("MachineRunner.abandon() drops everything at any time, and nothing is called after it", async () => {
  const dialing = setUp();
  dialing.runner.abandon();
  await dialing.clock.settle();
  assertEquals([dialing.dialer.aborted, dialing.failures, dialing.steps()], [true, [], 0]);

  const late = setUp();
  late.dialer.accept();
  late.runner.abandon();
  await late.clock.settle();
  assertEquals([late.dialer.connection.closes > 0, late.steps()], [true, 0]);

  const live = setUp();
  live.machine.timeoutMs = 2_000;
  await live.connected();
  const before = live.steps();
  live.runner.abandon();
  await live.clock.advance(5_000);
  assertEquals([live.steps(), live.machine.seen, live.clock.liveTimers()], [before, [], 0]);
});

Deno.test("MachineRunner can be abandoned by the one it tells", async () => {
  const { machine, connected, clock, runner, hooks } = setUp();
  const connection = await connected();
  hooks.onStep = () => runner.abandon();
  machine.over = true;
  machine.outgoing = [Uint8Array.of(9)];
  runner.poke();
  await clock.settle();
  assertEquals([connection.written, clock.liveTimers(), connection.closes > 0], [[], 0, true]);
});

Deno.test("MachineRunner can be poked by the one it tells: the last words are said once", async () => {
  const { machine, connected, clock, runner, hooks } = setUp();
  const connection = await connected();
  machine.over = true;
  machine.outgoing = [Uint8Array.of(9)];
  let depth = 0;
  hooks.onStep = () => {
    if (depth++ === 0) runner.poke();
  };
  runner.poke();
  await clock.settle();
  assertEquals([connection.written, connection.closes], [[Uint8Array.of(9)], 0]);
  await clock.advance(limits.termReqLingerMs);
  assert(connection.closes > 0);
});

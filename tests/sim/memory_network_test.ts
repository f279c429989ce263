import { TimeoutError, TransportError } from "../../src/base/errors.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { Connection } from "../../src/model/world.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { ByteMachine } from "./memory_connection.ts";
import { MemoryNetwork } from "./memory_network.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** Sends back what it gets; says "late" 100 ms after the start; ends when it reads a zero byte. */
class EchoMachine implements ByteMachine {
  closed = false;
  onWake: (() => void) | null = null;
  readonly seen: string[] = [];
  #out: Uint8Array[] = [];
  #lateAtMs: number;

  constructor(nowMs: number) {
    this.#lateAtMs = nowMs + 100;
  }

  handleBytes(_nowMs: number, chunk: Uint8Array): void {
    this.seen.push(text(chunk));
    this.#out.push(chunk.slice());
    if (chunk.includes(0)) this.closed = true;
  }

  handleTimeout(): void {
    this.#lateAtMs = Infinity;
    this.say("late");
  }

  handleClose(error: Error | null): void {
    this.seen.push(error === null ? "fin" : "reset");
    this.closed = true;
  }

  say(words: string): void {
    this.#out.push(bytes(words));
    this.onWake?.();
  }

  takeBytes(): Uint8Array | null {
    return this.#out.shift() ?? null;
  }

  nextTimeoutMs(): number {
    return this.#lateAtMs;
  }
}

const bytes = (words: string) => new TextEncoder().encode(words);
const text = (chunk: Uint8Array) => new TextDecoder().decode(chunk);
const target = { traddr: "10.0.0.1", trsvcid: 8009, timeoutMs: 4_000 };

function setUp() {
  const clock = new VirtualClock({ nowMs: 0 });
  const network = new MemoryNetwork({ clock, random: seededRandom(3), latencyMs: 1 });
  const machines: EchoMachine[] = [];
  network.listen("10.0.0.1", 8009, ({ nowMs }) => {
    machines.push(new EchoMachine(nowMs));
    return machines.at(-1)!;
  });
  return { clock, network, machines };
}

/** Runs virtual time until the promise ends. */
async function within<T>(clock: VirtualClock, ms: number, promise: Promise<T>): Promise<T> {
  let done = false;
  const mark = () => void (done = true);
  promise.then(mark, mark);
  await clock.runUntil(() => done, ms);
  return promise;
}

/** Everything the host reads, one string a read, until the end. */
function readAll(connection: Connection): { reads: string[]; end: string | null } {
  const state = { reads: [] as string[], end: null as string | null };
  const buffer = new Uint8Array(64);
  (async () => {
    try {
      for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
        state.reads.push(text(buffer.subarray(0, count)));
      }
      state.end = "fin";
    } catch (error) {
      state.end = (error as TransportError).code;
    }
  })();
  return state;
}

Deno.test("MemoryNetwork carries bytes both ways, machine's timers and wake-ups included", async () => {
  const { clock, network, machines } = setUp();
  const connection = await within(clock, 2, network.dial(target));
  assertEquals(clock.nowMs(), 2);
  const host = readAll(connection);
  await connection.write(bytes("hello"));
  await clock.advance(2);
  assertEquals(host.reads, ["hello"]);
  machines[0]!.say("event");
  await clock.advance(200);
  assertEquals(host.reads, ["hello", "event", "late"]);
  connection.close();
  await clock.advance(1);
  assertEquals(machines[0]!.seen, ["hello", "fin"]);
  assertEquals([host.end, network.openSockets, clock.liveTimers()], ["aborted", 0, 0]);
});

Deno.test("MemoryNetwork cuts into pieces and keeps their order", async () => {
  const { clock, network, machines } = setUp();
  network.setFault("10.0.0.1", { pieceBytesMax: 3, jitterMs: 5 });
  const connection = await within(clock, 10, network.dial(target));
  const host = readAll(connection);
  await connection.write(bytes("abcdefghij"));
  await connection.write(bytes("klmnop"));
  await clock.advance(30);
  assertEquals(host.reads.join(""), "abcdefghijklmnop");
  assert(host.reads.length >= 6 && machines[0]!.seen.every((piece) => piece.length <= 3));
});

Deno.test("MemoryNetwork: a dial into a black hole ends at its timeout, or at the retransmission after it heals", async () => {
  const { clock, network } = setUp();
  network.setFault("10.0.0.1", { swallow: "both" });
  await assertRejects(() => within(clock, 4_000, network.dial(target)), TimeoutError, "10.0.0.1:8009");
  assertEquals(clock.nowMs(), 4_000);
  const dial = network.dial(target);
  await clock.advance(1_500);
  network.healAll();
  (await within(clock, 3_000, dial)).close();
  assertEquals(clock.nowMs(), 4_000 + 3_002);
});

Deno.test("MemoryNetwork refuses, fails with an errno, aborts, and runs out of sockets", async () => {
  const { clock, network } = setUp();
  const codeOf = async (promise: Promise<unknown>) =>
    (await assertRejects(() => within(clock, 5_000, promise), TransportError)).code;
  assertEquals(await codeOf(network.dial({ ...target, trsvcid: 4420 })), "ECONNREFUSED");
  network.setFault("10.0.0.1:8009", { dialError: "EHOSTUNREACH" });
  assertEquals(await codeOf(network.dial(target)), "EHOSTUNREACH");
  network.setFault("10.0.0.1:8009", { swallow: "toHost" });
  const abort = new AbortController();
  const dial = network.dial(target, abort.signal);
  assertEquals(network.openSockets, 1);
  abort.abort();
  assertEquals(await codeOf(dial), "aborted");
  network.socketsMax = 0;
  assertEquals(await codeOf(network.dial(target)), "EMFILE");
  assertEquals([network.openSockets, clock.liveTimers()], [0, 0]);
});

Deno.test("MemoryNetwork: a blocked direction holds its bytes and gives them when it opens", async () => {
  const { clock, network, machines } = setUp();
  const connection = await within(clock, 2, network.dial(target));
  const host = readAll(connection);
  network.setFault("10.0.0.1", { swallow: "toHost" });
  await connection.write(bytes("ping"));
  await clock.advance(1_000);
  assertEquals([machines[0]!.seen, host.reads], [["ping"], []]);
  network.setFault("10.0.0.1", null);
  await clock.advance(1);
  assertEquals(host.reads, ["ping", "late"]);
});

Deno.test("MemoryNetwork: a write waits when the peer takes nothing and the send buffer is full", async () => {
  const { clock, network } = setUp();
  const connection = await within(clock, 2, network.dial(target));
  network.setFault("10.0.0.1", { swallow: "toController" });
  let written = false;
  connection.write(new Uint8Array(100_000).fill(1)).then(() => written = true);
  await clock.advance(5_000);
  assertEquals(written, false);
  network.healAll();
  await clock.advance(1);
  assertEquals(written, true);
});

Deno.test("MemoryNetwork: reset, orderly end, half close, and silence", async () => {
  const { clock, network, machines } = setUp();
  const open = async () => {
    const connection = await within(clock, 2, network.dial(target));
    return { connection, host: readAll(connection), machine: machines.at(-1)! };
  };
  const first = await open();
  network.reset("10.0.0.1");
  await clock.advance(1);
  assertEquals([first.host.end, first.machine.seen], ["ECONNRESET", ["reset"]]);
  await assertRejects(() => first.connection.write(bytes("x")), TransportError, "reset");
  const second = await open();
  network.end("10.0.0.1:8009");
  await clock.advance(1);
  assertEquals([second.host.end, second.machine.seen], ["fin", ["fin"]]);
  const third = await open();
  network.halfClose("10.0.0.1");
  await clock.advance(1);
  await third.connection.write(bytes("still here"));
  await clock.advance(1);
  assertEquals([third.host.end, third.machine.seen], ["fin", ["still here"]]);
  network.setFault("10.0.0.1", { mute: true });
  const fourth = await within(clock, 2, network.dial(target));
  const host = readAll(fourth);
  await fourth.write(bytes("anyone"));
  await clock.advance(60_000);
  assertEquals([host.reads, host.end], [[], null]);
  assertEquals(network.connectionsTo("10.0.0.1"), 4);
  for (const { connection } of [first, second, third]) connection.close();
  fourth.close();
  network.healAll();
  await clock.advance(1);
  assertEquals([network.openSockets, first.machine.seen, second.machine.seen], [0, ["reset"], ["fin"]]);
  assertEquals(third.machine.seen, ["still here", "fin"]);
});

Deno.test("MemoryNetwork resets a connection after so many bytes, in the middle of what comes", async () => {
  const { clock, network, machines } = setUp();
  const connection = await within(clock, 2, network.dial(target));
  const host = readAll(connection);
  await connection.write(bytes("before"));
  await clock.advance(2);
  network.setFault("10.0.0.1:8009", { resetAfterBytes: 5 });
  await connection.write(bytes("abc"));
  await connection.write(bytes("defg"));
  await clock.advance(2);
  assertEquals([host.reads, host.end], [["before", "abc", "de"], "ECONNRESET"]);
  assertEquals(machines[0]!.seen, ["before", "abc", "defg", "reset"]);
  connection.close();
  const next = await within(clock, 2, network.dial(target));
  const nextHost = readAll(next);
  await next.write(bytes("1234567"));
  await clock.advance(2);
  assertEquals([nextHost.reads, nextHost.end], [["12345"], "ECONNRESET"]);
  next.close();
  network.setFault("10.0.0.1:8009", null);
  const healed = await within(clock, 2, network.dial(target));
  const healedHost = readAll(healed);
  await healed.write(bytes("1234567"));
  await clock.advance(2);
  healed.close();
  await clock.advance(1);
  assertEquals([healedHost.reads, network.openSockets, clock.liveTimers()], [["1234567"], 0, 0]);
});

Deno.test("MemoryNetwork stalls a connection after so many bytes, both ways, until the fault ends", async () => {
  const { clock, network, machines } = setUp();
  network.setFault("10.0.0.1", { stallAfterBytes: 3 });
  const connection = await within(clock, 2, network.dial(target));
  const host = readAll(connection);
  await connection.write(bytes("abcdef"));
  await clock.advance(10);
  await connection.write(bytes("ghi"));
  await clock.advance(60_000);
  assertEquals([host.reads, host.end, machines[0]!.seen], [["abc"], null, ["abcdef"]]);
  network.healAll();
  await clock.advance(5);
  assertEquals([host.reads.join(""), machines[0]!.seen], ["abcdeflateghi", ["abcdef", "ghi"]]);
});

Deno.test("MemoryNetwork counts dials by address and port, and those under way", async () => {
  const { clock, network } = setUp();
  const first = network.dial(target);
  const second = network.dial({ ...target, traddr: "fd00:0::1" });
  assertEquals(network.dialing, 2);
  await assertRejects(() => within(clock, 5, second), TransportError);
  (await within(clock, 5, first)).close();
  (await within(clock, 5, network.dial(target))).close();
  assertEquals([...network.counts.dialsTo], [["10.0.0.1:8009", 2], ["[fd00::1]:8009", 1]]);
  assertEquals(network.dialing, 0);
});

Deno.test("MemoryNetwork: spellings of an address are one; names resolve or fail", async () => {
  const { clock, network } = setUp();
  network.listen("fd00:0:0::1", 8009, ({ nowMs }) => new EchoMachine(nowMs));
  const connection = await within(clock, 2, network.dial({ ...target, traddr: "fd00::1" }));
  assertEquals([connection.localAddress, network.connectionsTo("[fd00::0:1]:8009")], ["fd00::200", 1]);
  network.setName("Node1.", ["10.0.0.1", "FD00::1"]);
  assertEquals(await within(clock, 5, network.resolve("node1")), ["10.0.0.1", "fd00::1"]);
  await assertRejects(() => within(clock, 5, network.resolve("node2")), TransportError, "node2");
});

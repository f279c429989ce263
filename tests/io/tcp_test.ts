import { TimeoutError, TransportError } from "../../src/base/errors.ts";
import type { Clock } from "../../src/base/clock.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { type Connect, type SourceOptions, TcpDialer } from "../../src/io/tcp.ts";
import type { Connection } from "../../src/model/world.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

const clock = new RealClock();
const target = { traddr: "127.0.0.1", trsvcid: 8009, timeoutMs: 10_000 };

/** A listener, our connection to it, and its end of that connection. */
async function withConnection(
  action: (ours: Connection, theirs: Deno.TcpConn) => Promise<void>,
  listenOn = "127.0.0.1",
  dialTo = listenOn,
): Promise<void> {
  const listener = Deno.listen({ hostname: listenOn, port: 0 });
  const [theirs, ours] = await Promise.all([
    listener.accept(),
    new TcpDialer(clock).dial({ ...target, traddr: dialTo, trsvcid: listener.addr.port }),
  ]);
  try {
    await action(ours, theirs);
  } finally {
    ours.close();
    try {
      theirs.close();
    } catch {
      // The test closed it.
    }
    listener.close();
  }
}

/** A port of loopback where nobody listens. */
function closedPort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

Deno.test("TcpDialer.dial() connects, and bytes go both ways", async () => {
  await withConnection(async (ours, theirs) => {
    assertEquals(ours.localAddress, "127.0.0.1");
    await ours.write(new Uint8Array([1, 2, 3]));
    const buffer = new Uint8Array(8);
    assertEquals(await theirs.read(buffer), 3);
    await theirs.write(new Uint8Array([9]));
    assertEquals(await ours.read(buffer), 1);
    assertEquals([...buffer.subarray(0, 3)], [9, 2, 3]);
  });
});

for (const address of ["::1", "::1%lo", "::1%1", "0:0:0:0:0:0:0:1"]) {
  Deno.test(`TcpDialer.dial() connects to ${address}`, async () => {
    await withConnection((ours) => Promise.resolve(assertEquals(ours.localAddress, "::1")), "::1", address);
  });
}

Deno.test("TcpDialer.dial() takes an IPv4-mapped address for the IPv4 one", async () => {
  await withConnection(
    (ours) => Promise.resolve(assertEquals(ours.localAddress, "127.0.0.1")),
    "127.0.0.1",
    "::ffff:127.0.0.1",
  );
});

Deno.test("TcpDialer.dial() names the interface that does not exist", async () => {
  const dialing = () => new TcpDialer(clock).dial({ ...target, traddr: "fe80::1%nosuch0" });
  assertEquals(
    (await assertRejects(dialing, TransportError, "there is no interface nosuch0")).code,
    "ENODEV",
  );
});

Deno.test("TcpDialer.dial() names the errno of a refusal", async () => {
  const port = closedPort();
  const dialing = () => new TcpDialer(clock).dial({ ...target, trsvcid: port });
  const error = await assertRejects(
    dialing,
    TransportError,
    `Cannot connect to 127.0.0.1:${port}: ECONNREFUSED`,
  );
  assertEquals(error.code, "ECONNREFUSED");
});

Deno.test("TcpDialer.dial() refuses what is no address", async () => {
  const dialing = () => new TcpDialer(clock).dial({ ...target, traddr: "localhost" });
  assertEquals((await assertRejects(dialing, TransportError)).code, "EINVAL");
});

/** A network that swallows packets, whatever its connect is told. */
function deafConnect(): { connect: Connect; signals: AbortSignal[]; answer: (socket: unknown) => void } {
  const signals: AbortSignal[] = [];
  const { promise, resolve } = Promise.withResolvers<never>();
  const connect: Connect = ({ signal }) => {
    signals.push(signal);
    return promise;
  };
  return { connect, signals, answer: resolve as (socket: unknown) => void };
}

function manualClock(): { clock: Clock; fire: () => void; delays: number[]; cancelled: () => number } {
  const delays: number[] = [];
  let callback = () => {};
  let cancels = 0;
  const clock: Clock = {
    nowMs: () => 0,
    wallMs: () => 0,
    setTimer(delayMs, action) {
      delays.push(delayMs);
      callback = action;
      return { cancel: () => void cancels++ };
    },
  };
  return { clock, fire: () => callback(), delays, cancelled: () => cancels };
}

Deno.test("TcpDialer.dial() ends at the deadline, and closes a socket that comes after it", async () => {
  const time = manualClock();
  const network = deafConnect();
  const dialing = new TcpDialer(time.clock, network.connect).dial({ ...target, timeoutMs: 1_234 });
  const failing = assertRejects(() => dialing, TimeoutError, "no answer in 1234 ms");
  await Promise.resolve();
  assertEquals(time.delays, [1_234]);
  time.fire();
  assertEquals((await failing).code, "dial");
  assert(network.signals[0]?.aborted);
  const closed = Promise.withResolvers<void>();
  network.answer({ close: () => closed.resolve() });
  await closed.promise;
});

Deno.test("TcpDialer.dial() ends when it is aborted, and takes its timer back", async () => {
  const time = manualClock();
  const network = deafConnect();
  const abort = new AbortController();
  const failing = assertRejects(
    () => new TcpDialer(time.clock, network.connect).dial(target, abort.signal),
    TransportError,
  );
  await Promise.resolve();
  assertEquals(network.signals.length, 1);
  abort.abort();
  assertEquals((await failing).code, "aborted");
  assertEquals(time.cancelled(), 1);
  const again = () => new TcpDialer(time.clock, network.connect).dial(target, abort.signal);
  assertEquals((await assertRejects(again, TransportError)).code, "aborted");
  assertEquals(network.signals.length, 1, "A dial aborted beforehand connects nothing");
});

Deno.test("Connection.read() gives null at the peer's orderly end", async () => {
  await withConnection(async (ours, theirs) => {
    theirs.close();
    assertEquals(await ours.read(new Uint8Array(4)), null);
  });
});

Deno.test("Connection.close() ends a pending read, twice over", async () => {
  await withConnection(async (ours) => {
    const failing = assertRejects(() => ours.read(new Uint8Array(4)), TransportError);
    ours.close();
    ours.close();
    assertEquals((await failing).code, "aborted");
    await assertRejects(() => ours.read(new Uint8Array(4)), TransportError);
    await assertRejects(() => ours.write(new Uint8Array(4)), TransportError);
  });
});

Deno.test("Connection.write() writes all bytes, however many", async () => {
  await withConnection(async (ours, theirs) => {
    const bytes = new Uint8Array(4 * 1024 * 1024).map((_, at) => at & 0xff);
    const writing = ours.write(bytes);
    const buffer = new Uint8Array(64 * 1024);
    let seen = 0;
    while (seen < bytes.length) {
      const count = await theirs.read(buffer);
      assert(count !== null);
      for (let at = 0; at < count; at++) assert(buffer[at] === ((seen + at) & 0xff));
      seen += count;
    }
    await writing;
    assertEquals(seen, bytes.length);
  });
});

Deno.test("Connection.close() ends a write that the peer does not take", async () => {
  await withConnection(async (ours, theirs) => {
    const failing = assertRejects(() => ours.write(new Uint8Array(64 * 1024 * 1024)), TransportError);
    ours.close();
    assertEquals((await failing).code, "aborted");
    theirs.close();
  });
});

Deno.test("Connection.write() names the errno when the peer has reset", async () => {
  await withConnection(async (ours, theirs) => {
    // Unread bytes make the kernel answer a close with a reset.
    await ours.write(new Uint8Array(16));
    assertEquals(await theirs.read(new Uint8Array(1)), 1);
    theirs.close();
    const error = await assertRejects(async () => {
      while (await ours.read(new Uint8Array(4)) !== null);
      for (;;) await ours.write(new Uint8Array(1024));
    }, TransportError);
    assert(["ECONNRESET", "EPIPE"].includes(error.code), error.code);
  });
});

const anyPort = { hostname: "127.0.0.1", port: 0 };

/** Whether this runtime binds: Deno does from 2.9 on. */
const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
const binds = major > 2 || (major === 2 && minor >= 9);

/** Dials a listener of loopback by a source; the peer's word for where it came from, and the warnings. */
async function dialFrom(
  source: { hostTraddr?: string; hostIface?: string },
  options: SourceOptions = {},
): Promise<{ seenAs: string; warnings: string[]; localAddress: string }> {
  const warnings: string[] = [];
  const listener = Deno.listen(anyPort);
  const dialer = new TcpDialer(clock, undefined, {
    ...options,
    onProblem: ({ message }) => warnings.push(message),
  });
  try {
    const dial = () => dialer.dial({ ...target, ...source, trsvcid: listener.addr.port });
    const [theirs, ours] = await Promise.all([listener.accept(), dial()]);
    const [theirsAgain, oursAgain] = await Promise.all([listener.accept(), dial()]);
    const seenAs = theirs.remoteAddr.hostname;
    const { localAddress } = ours;
    for (const each of [theirs, ours, theirsAgain, oursAgain]) each.close();
    return { seenAs, warnings, localAddress };
  } finally {
    listener.close();
  }
}

Deno.test("TcpDialer.dial() leaves by the source address where the runtime can bind, and else warns once", async () => {
  const { seenAs, warnings, localAddress } = await dialFrom({ hostTraddr: "127.0.0.2" });
  const expected = binds ? "127.0.0.2" : "127.0.0.1";
  assertEquals([seenAs, localAddress, warnings.length], [expected, expected, binds ? 0 : 1]);
});

Deno.test("TcpDialer.dial() leaves by an address of the interface, the nearest to the other side", async () => {
  const interfaces = () => [
    { name: "eth7", address: "10.9.9.9" },
    { name: "eth7", address: "::1" },
    { name: "eth7", address: "127.0.0.3" },
    { name: "eth8", address: "127.0.0.1" },
  ];
  const { seenAs, warnings } = await dialFrom({ hostIface: "eth7" }, { interfaces });
  assertEquals([seenAs, warnings.length], binds ? ["127.0.0.3", 0] : ["127.0.0.1", 1]);
});

Deno.test("TcpDialer.dial() leaves by an interface of this machine", async () => {
  assertEquals(await dialFrom({ hostIface: "lo" }), {
    seenAs: "127.0.0.1",
    localAddress: "127.0.0.1",
    warnings: [],
  });
});

Deno.test("TcpDialer.dial() warns once when the runtime goes its own way", async () => {
  const warnings: string[] = [];
  const ignoring: Connect = ({ localAddress, ...options }) => {
    assertEquals(localAddress, "127.0.0.2");
    return Deno.connect(options);
  };
  const dialer = new TcpDialer(clock, ignoring, { onProblem: ({ message }) => warnings.push(message) });
  const listener = Deno.listen(anyPort);
  const goal = { ...target, trsvcid: listener.addr.port, hostTraddr: "127.0.0.2" };
  for (let round = 0; round < 3; round++) {
    const [theirs, ours] = await Promise.all([listener.accept(), dialer.dial(goal)]);
    theirs.close();
    ours.close();
  }
  listener.close();
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.startsWith("A connection leaves by 127.0.0.1 and not by 127.0.0.2: "), warnings[0]);
});

Deno.test("TcpDialer.dial() says what is wrong with a source", async () => {
  const rows: [source: { hostTraddr?: string; hostIface?: string }, code: string, part: string][] = [
    [{ hostTraddr: "::1" }, "EAFNOSUPPORT", "its address is IPv4, and the source ::1 is not"],
    [{ hostIface: "nosuch0" }, "ENODEV", "there is no interface nosuch0"],
  ];
  if (binds) {
    rows.push([{ hostTraddr: "192.0.2.99" }, "EADDRNOTAVAIL", "192.0.2.99 is no address of this host"]);
  }
  for (const [source, code, part] of rows) {
    const dialing = () => new TcpDialer(clock).dial({ ...target, ...source, trsvcid: closedPort() });
    assertEquals((await assertRejects(dialing, TransportError, part)).code, code);
  }
  const refused = () =>
    new TcpDialer(clock).dial({ ...target, hostTraddr: "127.0.0.2", trsvcid: closedPort() });
  assertEquals((await assertRejects(refused, TransportError)).code, "ECONNREFUSED");
});

Deno.test("A connection from a source address reads, writes, and ends as any other", async () => {
  const listener = Deno.listen(anyPort);
  const goal = { ...target, trsvcid: listener.addr.port, hostTraddr: "127.0.0.2" };
  const dial = async () => {
    const [theirs, ours] = await Promise.all([listener.accept(), new TcpDialer(clock).dial(goal)]);
    return { theirs, ours };
  };
  const { theirs, ours } = await dial();
  // Many bytes, both ways, in reads of uneven sizes.
  const bytes = new Uint8Array(1024 * 1024).map((_, at) => at & 0xff);
  const sending = ours.write(bytes);
  await readAll(bytes, (buffer) => theirs.read(buffer));
  await sending;
  const answering = (async () => {
    for (let at = 0; at < bytes.length;) at += await theirs.write(bytes.subarray(at));
    theirs.closeWrite();
  })();
  await readAll(bytes, (buffer) => ours.read(buffer));
  await answering;
  assertEquals(await ours.read(new Uint8Array(4)), null, "The peer's orderly end");
  await ours.write(new Uint8Array([5]));
  assertEquals(await theirs.read(new Uint8Array(4)), 1, "Our direction is still open");
  ours.close();
  assertEquals(await theirs.read(new Uint8Array(4)), null);
  theirs.close();

  const second = await dial();
  const failing = assertRejects(() => second.ours.read(new Uint8Array(4)), TransportError);
  second.ours.close();
  assertEquals((await failing).code, "aborted");
  second.theirs.close();

  const third = await dial();
  // Unread bytes make the kernel answer a close with a reset.
  await third.ours.write(new Uint8Array(16));
  assertEquals(await third.theirs.read(new Uint8Array(1)), 1);
  third.theirs.close();
  const error = await assertRejects(async () => {
    while (await third.ours.read(new Uint8Array(4)) !== null);
    for (;;) await third.ours.write(new Uint8Array(1024));
  }, TransportError);
  // Before 2.9 the runtime says that its socket is gone.
  assert(["ECONNRESET", "EPIPE", ...binds ? [] : ["EBADF"]].includes(error.code), error.code);
  third.ours.close();
  listener.close();
});

async function readAll(
  expected: Uint8Array,
  read: (buffer: Uint8Array) => Promise<number | null>,
): Promise<void> {
  const buffer = new Uint8Array(9_973);
  for (let seen = 0; seen < expected.length;) {
    const count = await read(buffer.subarray(0, Math.min(buffer.length, expected.length - seen)));
    assert(count !== null && count > 0);
    for (let at = 0; at < count; at++) assert(buffer[at] === expected[seen + at]);
    seen += count;
  }
}

Deno.test("TcpDialer.dial() from a source address ends when it is aborted", async () => {
  const abort = new AbortController();
  const dialing = new TcpDialer(clock).dial({ ...target, hostTraddr: "127.0.0.2" }, abort.signal);
  const failing = assertRejects(() => dialing, TransportError);
  abort.abort();
  assertEquals((await failing).code, "aborted");
});

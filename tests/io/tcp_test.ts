import { TimeoutError, TransportError } from "../../src/base/errors.ts";
import type { Clock } from "../../src/base/clock.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { type Connect, TcpDialer } from "../../src/io/tcp.ts";
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

/** Connections of a script, recorded into memory, on a clock that stands still. */
import type { TraceRequest } from "../../src/agent/recording.ts";
import { Trace } from "../../src/agent/trace.ts";
import { ConfigError, KernelError, TransportError } from "../../src/base/errors.ts";
import type { TraceSink } from "../../src/model/trace_sink.ts";
import type { Connection, Dialer, DialTarget } from "../../src/model/world.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { concat, hexOf } from "../nvme/wire.ts";
import { fc } from "../property.ts";
import { readSegment, readStreams, readTrace } from "../report/pcapng_reader.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

class MemorySink implements TraceSink {
  readonly blocks: Uint8Array[] = [];
  closes = 0;
  isFull = false;
  readonly fail: (error: Error) => void;

  constructor(onFailure: (error: Error) => void) {
    this.fail = onFailure;
  }

  offer(block: Uint8Array): boolean {
    assert(this.closes === 0, "A block after the end");
    if (!this.isFull) this.blocks.push(block);
    return !this.isFull;
  }

  close(last: Uint8Array): Promise<void> {
    this.closes++;
    this.blocks.push(last);
    return Promise.resolve();
  }

  get file(): Uint8Array {
    return concat(...this.blocks);
  }
}

/** Reads what the test has put there, takes every write. */
class EasyConnection implements Connection {
  readonly localAddress: string;
  readonly localPort?: number;
  readonly arriving: (Uint8Array | null | Error)[] = [];
  closes = 0;

  constructor(localAddress: string, localPort?: number) {
    this.localAddress = localAddress;
    this.localPort = localPort;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    const next = this.arriving.shift() ?? null;
    if (next instanceof Error) return Promise.reject(next);
    if (next !== null) buffer.set(next);
    return Promise.resolve(next?.length ?? null);
  }

  write(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.closes++;
  }
}

class Bench {
  readonly clock = new VirtualClock({ wallMs: Date.UTC(2026, 7, 1, 12) });
  readonly told: string[] = [];
  readonly sinks: MemorySink[] = [];
  inner = new EasyConnection("10.0.0.9", 40_000);
  openError: Error | null = null;
  readonly trace = new Trace({
    clock: this.clock,
    log: { info: (message) => void this.told.push(message), warn: (message) => void this.told.push(message) },
    open: (_path, onFailure) => {
      if (this.openError !== null) return Promise.reject(this.openError);
      const sink = new MemorySink(onFailure);
      this.sinks.push(sink);
      return Promise.resolve(sink);
    },
  });
  readonly dialer: Dialer = this.trace.tap({ dial: () => Promise.resolve(this.inner) });

  start(request: Partial<TraceRequest> = {}): Promise<unknown> {
    return this.trace.start({ path: "/t.pcapng", bytesMax: 1_000_000, endpoints: [], ...request });
  }

  dial(target: Partial<DialTarget> = {}): Promise<Connection> {
    return this.dialer.dial({ traddr: "10.0.0.1", trsvcid: 8009, timeoutMs: 1_000, ...target });
  }

  /** Of the recording with this number. */
  read(number = 0) {
    const sink = this.sinks[number];
    assert(sink !== undefined, `There is no recording ${number}`);
    return readTrace(sink.file);
  }

  streams(number = 0) {
    return readStreams(this.read(number).packets.map(({ bytes }) => bytes));
  }

  flags(number = 0): string[] {
    return this.read(number).packets.map(({ bytes }) => readSegment(bytes).flags);
  }
}

async function receive(connection: Connection, inner: EasyConnection, bytes: Uint8Array | null) {
  inner.arriving.push(bytes);
  return await connection.read(new Uint8Array(70_000));
}

const ping = new Uint8Array([1, 2, 3]);
const pong = new Uint8Array([9, 8]);

Deno.test("Trace records a connection from its handshake to both ends", async () => {
  const bench = new Bench();
  await bench.start();
  const connection = await bench.dial();
  assertEquals([connection.localAddress, connection.localPort], ["10.0.0.9", 40_000]);
  await connection.write(ping);
  bench.clock.advance(0);
  assertEquals(await receive(connection, bench.inner, pong), 2);
  assertEquals(await receive(connection, bench.inner, null), null);
  connection.close();
  assertEquals(bench.inner.closes, 1);
  const totals = await bench.trace.stop();
  assertEquals([totals?.connections, totals?.packets, totals?.dropped], [1, 9, 0]);
  assertEquals(totals?.bytes, bench.sinks[0]!.file.length);
  assertEquals(bench.flags(), ["S", "SA", "A", "PA", "PA", "FA", "A", "FA", "A"]);
  const streams = bench.streams();
  assertEquals([...streams.keys()], ["10.0.0.9 40000 > 10.0.0.1 8009", "10.0.0.1 8009 > 10.0.0.9 40000"]);
  assertEquals([...streams.values()].map(({ bytes }) => hexOf(bytes)), [hexOf(ping), hexOf(pong)]);
  const { program, comment, end, packets } = bench.read();
  assert(/^discovery-client \d/.test(program) && comment.startsWith(program), program);
  assertEquals(end, { received: 9, dropped: 0, comment: "1 connections, 9 packets; nothing was left out" });
  assertEquals(packets.map(({ timeUs }) => timeUs), new Array(9).fill(Date.UTC(2026, 7, 1, 12) * 1_000));
  assertEquals([bench.told, bench.sinks[0]!.closes], [[], 1]);
});

Deno.test("Trace: what was carried comes back, however it was cut and over either family", async () => {
  const step = fc.record({ isOut: fc.boolean(), bytes: fc.uint8Array({ minLength: 1, maxLength: 600 }) });
  const cases = fc.record({ isV6: fc.boolean(), steps: fc.array(step, { maxLength: 12 }) });
  await fc.assert(
    fc.asyncProperty(cases, async ({ isV6, steps }) => {
      const bench = new Bench();
      if (isV6) bench.inner = new EasyConnection("2001:db8::9", 1);
      await bench.start();
      const connection = await bench.dial(isV6 ? { traddr: "2001:db8::1" } : {});
      for (const { isOut, bytes } of steps) {
        if (isOut) await connection.write(bytes);
        else await receive(connection, bench.inner, bytes);
      }
      await bench.trace.stop();
      const sent = (isOut: boolean) =>
        hexOf(concat(...steps.filter((one) => one.isOut === isOut).map(({ bytes }) => bytes)));
      assertEquals([...bench.streams().values()].map(({ bytes }) => hexOf(bytes)), [sent(true), sent(false)]);
    }),
    { numRuns: 50 },
  );
});

Deno.test("Trace keeps nothing while it is off, and passes everything on", async () => {
  const bench = new Bench();
  const connection = await bench.dial();
  await connection.write(ping);
  assertEquals(await receive(connection, bench.inner, pong), 2);
  assertEquals([bench.trace.totals, await bench.trace.stop(), bench.sinks.length], [null, null, 0]);
});

Deno.test("Trace records a connection that was open before, with what a read brings that waited already", async () => {
  const bench = new Bench();
  const connection = await bench.dial();
  let arrive = (_count: number) => {};
  const buffer = new Uint8Array(8);
  bench.inner.read = (into) => {
    into.set(pong);
    return new Promise((resolve) => arrive = resolve);
  };
  const reading = connection.read(buffer);
  await bench.start();
  arrive(2);
  assertEquals(await reading, 2);
  await connection.write(ping);
  await bench.trace.stop();
  assertEquals(bench.flags(), ["PA", "PA"]);
  assertEquals([...bench.streams().values()].map(({ bytes }) => hexOf(bytes)), [hexOf(pong), hexOf(ping)]);
});

Deno.test("Trace can be started again: each file is whole by itself", async () => {
  const bench = new Bench();
  await bench.start();
  const connection = await bench.dial();
  await bench.trace.stop();
  await connection.write(ping);
  await bench.start();
  await connection.write(pong);
  await bench.trace.stop();
  assertEquals([bench.flags(0), bench.flags(1)], [["S", "SA", "A"], ["PA"]]);
});

Deno.test("Trace.start() refuses a second recording, and leaves the first alone", async () => {
  const bench = new Bench();
  await Promise.all([
    bench.start(),
    assertRejects(() => bench.start(), ConfigError, "Cannot start a trace to /t.pcapng: one is running"),
  ]);
  await assertRejects(() => bench.start(), ConfigError, "one to /t.pcapng is running already");
  await bench.dial();
  await bench.trace.stop();
  assertEquals([bench.sinks.length, bench.flags().length], [1, 3]);
});

Deno.test("Trace.start() tells that the file cannot be opened, and can be tried again", async () => {
  const bench = new Bench();
  bench.openError = new KernelError("EACCES", "Cannot write the trace to /t.pcapng: permission denied");
  await assertRejects(() => bench.start(), KernelError, "permission denied");
  assertEquals(bench.trace.totals, null);
  bench.openError = null;
  await bench.start();
  assertEquals(bench.trace.totals?.connections, 0);
});

Deno.test("Trace records the endpoints chosen alone, compared as addresses", async () => {
  const chosen = [{ traddr: "10.0.0.2" }, { traddr: "10.0.0.3", trsvcid: 8010 }, { traddr: "0:0::1" }];
  const rows: [traddr: string, trsvcid: number, isRecorded: boolean][] = [
    ["10.0.0.2", 8009, true],
    ["::ffff:10.0.0.2", 1, true],
    ["10.0.0.3", 8010, true],
    ["10.0.0.3", 8009, false],
    ["10.0.0.1", 8009, false],
    ["::1", 4420, true],
  ];
  for (const [traddr, trsvcid, isRecorded] of rows) {
    const bench = new Bench();
    bench.inner = new EasyConnection(traddr === "::1" ? "::1" : "10.0.0.9");
    await bench.start({ endpoints: chosen });
    const connection = await bench.dial({ traddr, trsvcid });
    await connection.write(ping);
    await bench.trace.stop();
    assertEquals(bench.flags().length, isRecorded ? 4 : 0, `${traddr} ${trsvcid}`);
  }
});

Deno.test("Trace tells connections apart whose port is not known", async () => {
  const bench = new Bench();
  bench.inner = new EasyConnection("10.0.0.9");
  await bench.start();
  for (let count = 0; count < 3; count++) await (await bench.dial()).write(ping);
  await bench.trace.stop();
  assertEquals(bench.streams().size, 6);
});

Deno.test("Trace notes a reset, and not that a connection was closed here", async () => {
  for (
    const [code, flags] of [["ECONNRESET", ["S", "SA", "A", "RA"]], ["aborted", ["S", "SA", "A"]]] as const
  ) {
    const bench = new Bench();
    await bench.start();
    const connection = await bench.dial();
    bench.inner.arriving.push(new TransportError(code, "Cannot read"));
    await assertRejects(() => connection.read(new Uint8Array(8)), TransportError, "Cannot read");
    await bench.trace.stop();
    assertEquals(bench.flags(), [...flags]);
  }
});

Deno.test("Trace ends at its limit, once, with a whole file that is no larger", async () => {
  const bench = new Bench();
  await bench.start({ bytesMax: 20_000 });
  const [one, other] = [await bench.dial(), await bench.dial()];
  for (let count = 0; count < 30; count++) {
    await one.write(new Uint8Array(1_000));
    await other.write(ping);
  }
  assertEquals(bench.told, ["The trace to /t.pcapng has reached its limit of 20000 bytes, and ends"]);
  assertEquals([bench.trace.totals, bench.sinks[0]!.closes], [null, 1]);
  const { end, packets } = bench.read();
  assertEquals([end?.received, end?.dropped], [packets.length, 0]);
  const { length } = bench.sinks[0]!.file;
  assert(length <= 20_000 && length > 18_000, `${length} bytes`);
});

Deno.test("Trace counts what the file does not take, and its end tells it", async () => {
  const bench = new Bench();
  await bench.start();
  const connection = await bench.dial();
  bench.sinks[0]!.isFull = true;
  await connection.write(ping);
  await connection.write(ping);
  bench.sinks[0]!.isFull = false;
  await connection.write(pong);
  const totals = await bench.trace.stop();
  assertEquals([totals?.packets, totals?.dropped], [4, 2]);
  const { end, packets } = bench.read();
  assertEquals([end?.received, end?.dropped], [6, 2]);
  assert(end?.comment.includes("2 packets were left out: whoever took them was too slow"), end?.comment);
  // The numbers go on, so that a reader sees the gap as well.
  const last = readSegment(packets.at(-1)!.bytes);
  const first = readSegment(packets[0]!.bytes);
  assertEquals((last.sequence - first.sequence) >>> 0, 1 + 2 * ping.length);
});

Deno.test("Trace: a file that fails ends it with one warning, and the session goes on", async () => {
  const bench = new Bench();
  await bench.start();
  const connection = await bench.dial();
  bench.sinks[0]!.fail(new KernelError("ENOSPC", "Cannot write the trace to /t.pcapng: no space left"));
  await connection.write(ping);
  assertEquals(await receive(connection, bench.inner, pong), 2);
  assertEquals(bench.told, [
    "Cannot write the trace to /t.pcapng: no space left; the trace ends here, all else goes on",
  ]);
  assertEquals([bench.trace.totals, bench.sinks[0]!.closes], [null, 1]);
  await bench.start();
  await connection.write(ping);
  assertEquals(await bench.trace.stop().then((totals) => totals?.packets), 1);
});

Deno.test("Trace takes its times from the monotonic clock, and follows a wall clock that is set", async () => {
  const bench = new Bench();
  await bench.start();
  const connection = await bench.dial();
  const startMs = bench.clock.wallMs();
  // Half a second of slewing is no leap.
  bench.clock.setWallMs(startMs + 500);
  await connection.write(ping);
  bench.clock.setWallMs(startMs - 3_600_000);
  await connection.write(ping);
  await bench.trace.stop();
  const times = bench.read().packets.map(({ timeUs }) => timeUs / 1_000 - startMs);
  assertEquals(times, [0, 0, 0, 0, -3_600_000]);
});

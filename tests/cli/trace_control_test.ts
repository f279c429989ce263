import { Trace } from "../../src/agent/trace.ts";
import { ConfigError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { traceControl } from "../../src/cli/trace_control.ts";
import type { Connection, Dialer } from "../../src/model/world.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { readTrace } from "../report/pcapng_reader.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

class Bench {
  readonly clock = new VirtualClock();
  readonly told: string[] = [];
  readonly #log = {
    info: (message: string) => void this.told.push(message),
    warn: (message: string) => void this.told.push(message),
  };
  readonly trace = new Trace({
    ...{ clock: this.clock, log: this.#log },
    open: () => Promise.resolve({ offer: () => true, close: () => Promise.resolve() }),
  });
  readonly control = traceControl(this.trace, this.clock, this.#log);
  readonly dialer: Dialer = this.trace.tap({
    dial: () =>
      Promise.resolve({
        ...{ localAddress: "10.0.0.9", localPort: 40_000, close() {} },
        write: () => Promise.resolve(),
        read: () => Promise.resolve(null),
      }),
  });

  record(query = "", signal = new AbortController().signal): Promise<AsyncIterable<Uint8Array>> {
    return this.control.record(new URLSearchParams(query), signal);
  }

  dial(traddr = "10.0.0.1", trsvcid = 8009): Promise<Connection> {
    return this.dialer.dial({ traddr, trsvcid, timeoutMs: 1_000 });
  }
}

async function bytesOf(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Uint8Array.from((await Array.fromAsync(parts)).flatMap((part) => [...part]));
}

Deno.test("a recording on the control socket lasts as long as was asked, and is whole", async () => {
  const bench = new Bench();
  const parts = await bench.record("duration=30s&endpoint=10.0.0.1:8009&limit=1");
  await (await bench.dial()).write(new Uint8Array([1, 2, 3]));
  await (await bench.dial("10.0.0.2")).write(new Uint8Array([4]));
  const whole = bytesOf(parts);
  await bench.clock.advance(29_999);
  assert(bench.trace.totals !== null, "It goes on");
  await bench.clock.advance(1);
  const { packets, end } = readTrace(await whole);
  assertEquals(
    [packets.length, end?.received, end?.dropped],
    [4, 4, 0],
    "A handshake of three, and one write",
  );
  assertEquals(bench.trace.totals, null);
  assertEquals(bench.clock.liveTimers(), 0);
  assertEquals(bench.told.at(-1), "The recording on the control socket has ended: 4 packets, 1 connections");
});

Deno.test("a recording on the control socket ends with whoever asked for it, begun or not", async () => {
  for (const isBegun of [false, true]) {
    const bench = new Bench();
    const gone = new AbortController();
    const parts = (await bench.record("duration=1h", gone.signal))[Symbol.asyncIterator]();
    if (isBegun) await parts.next();
    assert(bench.trace.totals !== null, "Precondition: it goes on");
    gone.abort();
    assertEquals((await parts.next()).done, true);
    assertEquals(bench.trace.totals, null, `${isBegun}`);
    await bench.clock.settle();
    assertEquals(bench.clock.liveTimers(), 0, `${isBegun}`);
    await bench.record();
  }
});

Deno.test("a slow reader loses packets, and is told how many", async () => {
  const bench = new Bench();
  const parts = await bench.record("duration=1s&limit=1000");
  const connection = await bench.dial();
  const writes = 2 * limits.traceQueueBytesMax / limits.traceSegmentBytesMax;
  for (let at = 0; at < writes; at++) await connection.write(new Uint8Array(limits.traceSegmentBytesMax));
  const whole = bytesOf(parts);
  await bench.clock.advance(1_000);
  const { packets, end } = readTrace(await whole);
  assert(end!.dropped! > writes / 3, `${end?.dropped}`);
  assertEquals(packets.length + end!.dropped!, writes + 3);
  assert(bench.told.at(-1)!.includes(`${end?.dropped} packets left out`), bench.told.join("\n"));
});

Deno.test("there is one recording at a time, and it is named", async () => {
  const bench = new Bench();
  const gone = new AbortController();
  await bench.record("", gone.signal);
  const other = await assertRejects(() => bench.record(), ConfigError);
  assertEquals(other.code, "running");
  const says = "one to the control socket is running already; end the command that reads it";
  assert(other.message.includes(says), other.message);
  gone.abort();
  await bench.trace.start({ path: "/t.pcapng", bytesMax: 1e6, endpoints: [] });
  const file = await assertRejects(
    () => bench.record(),
    ConfigError,
    "one to /t.pcapng is running already; read that file, or start the agent without --trace",
  );
  assertEquals(file.code, "running");
});

Deno.test("a recording on the control socket that ends late leaves the next one alone", async () => {
  const bench = new Bench();
  const gone = new AbortController();
  const parts = (await bench.record("", gone.signal))[Symbol.asyncIterator]();
  const stopping = bench.trace.stop();
  await bench.trace.start({ path: "/t.pcapng", bytesMax: 1e6, endpoints: [] });
  gone.abort();
  await stopping;
  await parts.next();
  assertEquals(bench.trace.totals?.path, "/t.pcapng");
});

for (
  const [query, says] of [
    ["endpoint=node1", 'Cannot use endpoint "node1": expected an IP address'],
    ["limit=0", 'Cannot use limit "0": expected megabytes from 1 to'],
    ["duration=soon", 'Cannot use duration "soon": expected a duration such as 30s, at most 24h'],
    ["duration=25h", 'Cannot use duration "25h"'],
    ["file=/etc/passwd", 'Cannot use "file": there is endpoint, limit, duration'],
  ] as const
) {
  Deno.test(`a recording on the control socket is refused with ${query}`, async () => {
    const bench = new Bench();
    const error = await assertRejects(() => bench.record(query), ConfigError);
    assert(error.message.startsWith(says), error.message);
    assertEquals([error.code, bench.trace.totals], ["usage", null]);
  });
}

Deno.test("a reader that takes nothing until the end is still told what it has lost", async () => {
  const bench = new Bench();
  const parts = (await bench.record("duration=1s&limit=1000"))[Symbol.asyncIterator]();
  const begun = await parts.next();
  const connection = await bench.dial();
  let writes = 0;
  // The small ones fill what the large ones leave.
  for (const length of [limits.traceSegmentBytesMax, 1]) {
    const { dropped } = bench.trace.totals!;
    for (; bench.trace.totals!.dropped === dropped; writes++) await connection.write(new Uint8Array(length));
  }
  assertEquals(bench.trace.totals!.dropped, 2, "Precondition: its queue is full");
  await bench.clock.advance(1_000);
  assertEquals(bench.trace.totals, null, "Precondition: it has ended");
  const rest = await bytesOf({ [Symbol.asyncIterator]: () => parts });
  const { packets, end } = readTrace(Uint8Array.from([...begun.value!, ...rest]));
  assertEquals(packets.length + (end?.dropped ?? NaN), writes + 3);
});

Deno.test("a recording on the control socket that nobody ever reads leaves nothing behind", async () => {
  const bench = new Bench();
  const gone = new AbortController();
  await bench.record("duration=1h", gone.signal);
  assertEquals(bench.clock.liveTimers(), 1, "Precondition: it is to end by itself");
  gone.abort();
  await bench.clock.settle();
  assertEquals([bench.trace.totals, bench.clock.liveTimers()], [null, 0]);
  assert(
    bench.told.at(-1)!.startsWith("The recording on the control socket has ended"),
    bench.told.join("\n"),
  );
});

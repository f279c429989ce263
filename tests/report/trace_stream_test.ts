import { limits } from "../../src/base/limits.ts";
import { TraceStream } from "../../src/report/trace_stream.ts";
import { assert, assertEquals } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const block = (length: number, value = 7) => new Uint8Array(length).fill(value);

Deno.test("TraceStream gives whole blocks in their order, also those that come while it is read", async () => {
  const clock = new VirtualClock();
  const stream = new TraceStream(clock);
  assert(stream.offer(block(8, 1)) && stream.offer(block(12, 2)));
  const parts = stream[Symbol.asyncIterator]();
  assertEquals((await parts.next()).value, new Uint8Array([...block(8, 1), ...block(12, 2)]));
  const next = parts.next();
  assert(stream.offer(block(4, 3)));
  assertEquals((await next).value, block(4, 3));
  const last = parts.next();
  const closed = stream.close(block(8, 4));
  assertEquals((await last).value, block(8, 4));
  assertEquals((await parts.next()).done, true);
  await closed;
  assert(!stream.offer(block(4)), "It is over");
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("TraceStream takes no more than its bound, with what the reader is busy with", async () => {
  const stream = new TraceStream(new VirtualClock());
  const half = limits.traceQueueBytesMax / 2;
  assert(stream.offer(block(half)) && stream.offer(block(half)));
  assert(!stream.offer(block(4)), "Full");
  const parts = stream[Symbol.asyncIterator]();
  assertEquals((await parts.next()).value?.length, half, "A block is not cut, however large");
  assert(!stream.offer(block(4)), "The reader has not done with it");
  await parts.next();
  assert(stream.offer(block(4)), "Now it has");
});

Deno.test("TraceStream.close() takes its last block, though no more was taken", async () => {
  const stream = new TraceStream(new VirtualClock());
  assert(stream.offer(block(limits.traceQueueBytesMax)) && !stream.offer(block(4)), "Precondition: full");
  const closed = stream.close(block(8, 9));
  const parts = await Array.fromAsync(stream);
  assertEquals(parts.at(-1), block(8, 9));
  await closed;
});

Deno.test("TraceStream joins blocks to parts of a bounded size", async () => {
  const stream = new TraceStream(new VirtualClock());
  const third = limits.traceWriteBytes / 2 - 4;
  for (let at = 0; at < 3; at++) stream.offer(block(third));
  const parts = stream[Symbol.asyncIterator]();
  assertEquals((await parts.next()).value?.length, 2 * third);
  assertEquals((await parts.next()).value?.length, third);
});

Deno.test("TraceStream.close() does not wait for a reader that takes nothing", async () => {
  const clock = new VirtualClock();
  const stream = new TraceStream(clock);
  stream.offer(block(4));
  let isClosed = false;
  const closing = stream.close(block(4)).then(() => isClosed = true);
  await clock.advance(limits.traceCloseMs - 1);
  assertEquals(isClosed, false);
  await clock.advance(1);
  await closing;
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("TraceStream is over when its reader leaves, or is left", async () => {
  for (const leave of ["return", "abandon"] as const) {
    const clock = new VirtualClock();
    const stream = new TraceStream(clock);
    stream.offer(block(4));
    const parts = stream[Symbol.asyncIterator]();
    await parts.next();
    if (leave === "return") await parts.return?.(undefined);
    else stream.abandon();
    assert(!stream.offer(block(4)), leave);
    assertEquals((await parts.next()).done, true);
    await stream.close(block(4));
    assertEquals(clock.liveTimers(), 0);
  }
});

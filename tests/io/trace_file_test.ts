import { KernelError, TimeoutError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { TraceFile, type TraceHandle } from "../../src/io/trace_file.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { eventually } from "./eventually.ts";

async function withPath(action: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await action(`${directory}/t.pcapng`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function noFailure(error: Error): void {
  throw error;
}

function block(length: number, fill = 1): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

/** A file that a test holds and breaks. */
/** A last block, where it does not matter. */
const none = new Uint8Array();

class FaultyHandle implements TraceHandle {
  written: number[] = [];
  cutAt: number | null = null;
  closes = 0;
  /** Bytes that one write takes. */
  writeBytesMax = Infinity;
  /** Bytes that there is room for. */
  room = Infinity;
  held: Promise<void> | null = null;

  async write(bytes: Uint8Array): Promise<number> {
    await this.held;
    const count = Math.min(bytes.length, this.writeBytesMax, this.room - this.written.length);
    if (count === 0) throw Object.assign(new Error("No space left"), { code: "ENOSPC" });
    for (const byte of bytes.subarray(0, count)) this.written.push(byte);
    return count;
  }

  truncate(length?: number): Promise<void> {
    this.cutAt = length ?? 0;
    return Promise.resolve();
  }

  close(): void {
    this.closes++;
  }
}

function openFaulty(handle: FaultyHandle) {
  const clock = new VirtualClock();
  const failures: Error[] = [];
  const file = new TraceFile({ path: "/t", clock, handle, onFailure: (error) => failures.push(error) });
  return { clock, failures, file };
}

Deno.test("TraceFile writes what is offered, for its owner alone", async () => {
  await withPath(async (path) => {
    const file = await TraceFile.open(path, new RealClock(), noFailure);
    for (let fill = 1; fill <= 5; fill++) assert(file.offer(block(100_000, fill)), "It has room");
    await file.close(none);
    await file.close(none);
    assert(!file.offer(block(1)), "It is closed");
    const bytes = await Deno.readFile(path);
    assertEquals([bytes.length, bytes[0], bytes[99_999], bytes[100_000], bytes[499_999]], [
      500_000,
      1,
      1,
      2,
      5,
    ]);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  });
});

Deno.test("TraceFile takes the place of a file that others could read", async () => {
  await withPath(async (path) => {
    await Deno.writeTextFile(path, "what was there", { mode: 0o644 });
    const file = await TraceFile.open(path, new RealClock(), noFailure);
    file.offer(block(3));
    await file.close(none);
    assertEquals([...await Deno.readFile(path)], [1, 1, 1]);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  });
});

Deno.test("TraceFile.open() tells why it cannot", async () => {
  const open = () => TraceFile.open("/nonexistent/t.pcapng", new RealClock(), noFailure);
  await assertRejects(open, KernelError, "Cannot write the trace to /nonexistent/t.pcapng: ");
});

Deno.test("TraceFile tells once that a device is full, and ends", async () => {
  const failures: Error[] = [];
  const file = await TraceFile.open("/dev/full", new RealClock(), (error) => failures.push(error));
  assert(file.offer(block(100)), "It does not know yet");
  await eventually("a failure", () => failures.length > 0);
  assert(!file.offer(block(100)), "It has failed");
  await file.close(none);
  assertEquals(failures.length, 1);
  assert(failures[0]!.message.startsWith("Cannot write the trace to /dev/full: "), failures[0]!.message);
  assertEquals((failures[0] as KernelError).code, "ENOSPC");
});

Deno.test("TraceFile goes on after writes that took a part", async () => {
  const handle = new FaultyHandle();
  handle.writeBytesMax = 7;
  const { file, failures } = openFaulty(handle);
  file.offer(block(10, 1));
  file.offer(block(10, 2));
  await file.close(none);
  assertEquals(handle.written, [...block(10, 1), ...block(10, 2)]);
  assertEquals([failures.length, handle.cutAt, handle.closes], [0, null, 1]);
});

Deno.test("TraceFile cuts a full disk's file after the last whole write", async () => {
  const handle = new FaultyHandle();
  handle.room = 25;
  handle.writeBytesMax = 7;
  const { file, failures } = openFaulty(handle);
  file.offer(block(10));
  await eventually("ten bytes", () => handle.written.length === 10);
  file.offer(block(20));
  await eventually("a failure", () => failures.length > 0);
  assertEquals([handle.cutAt, failures.length], [10, 1]);
  await file.close(none);
  assertEquals(handle.closes, 1);
});

Deno.test("TraceFile holds a bounded amount for a slow disk, and takes more when it has caught up", async () => {
  const handle = new FaultyHandle();
  let release = () => {};
  handle.held = new Promise((resolve) => release = resolve);
  const { file, failures } = openFaulty(handle);
  const quarter = limits.traceQueueBytesMax / 4;
  const taken = [1, 2, 3, 4, 5].map(() => file.offer(block(quarter)));
  assertEquals(taken, [true, true, true, true, false]);
  handle.held = null;
  release();
  await eventually("room", () => file.offer(block(quarter)));
  await file.close(none);
  assertEquals(failures, []);
});

Deno.test("TraceFile.close() writes the last block, though no more was taken", async () => {
  const handle = new FaultyHandle();
  let release = () => {};
  handle.held = new Promise((resolve) => release = resolve);
  const { file, failures } = openFaulty(handle);
  assert(file.offer(block(limits.traceQueueBytesMax, 1)) && !file.offer(block(1, 2)), "Precondition: full");
  const closing = file.close(block(3, 9));
  handle.held = null;
  release();
  await closing;
  assertEquals([handle.written.length, ...handle.written.slice(-4)], [
    limits.traceQueueBytesMax + 3,
    1,
    9,
    9,
    9,
  ]);
  assertEquals(failures, []);
});

Deno.test("TraceFile.close() waits for a disk that hangs no longer than a while", async () => {
  const handle = new FaultyHandle();
  handle.held = new Promise(() => {});
  const { clock, file, failures } = openFaulty(handle);
  file.offer(block(10));
  let isClosed = false;
  const closing = file.close(none).then(() => isClosed = true);
  await clock.advance(limits.traceCloseMs - 1);
  assert(!isClosed, "It still waits");
  await clock.advance(1);
  await closing;
  assertEquals([handle.closes, failures.length], [1, 1]);
  assert(failures[0] instanceof TimeoutError);
  assertEquals(failures[0].message, "Cannot write the trace to /t: 10 bytes were not taken in 2000 ms");
});

async function withPipe(action: (path: string) => Promise<void>): Promise<void> {
  await withPath(async (path) => {
    assertEquals((await new Deno.Command("mkfifo", { args: [path] }).output()).code, 0);
    await action(path);
  });
}

Deno.test("TraceFile.open() gives up a pipe that nobody reads, after a while", async () => {
  await withPipe(async (path) => {
    const clock = new VirtualClock();
    let failure: unknown = null;
    const opening = TraceFile.open(path, clock, noFailure).catch((error) => failure = error);
    await eventually("it waits", () => clock.liveTimers() === 1);
    await clock.advance(limits.tracePipeWaitMs - 1);
    assertEquals(failure, null, "It waits still");
    await clock.advance(limits.tracePipePollMs);
    await opening;
    assert(failure instanceof TimeoutError, String(failure));
    assertEquals(failure.message, `Cannot write the trace to ${path}: nobody reads this pipe`);
    assertEquals(clock.liveTimers(), 0);
  });
});

Deno.test("TraceFile writes to a pipe whose reader comes late, to its end", async () => {
  await withPipe(async (path) => {
    const clock = new VirtualClock();
    const opening = TraceFile.open(path, clock, noFailure);
    await eventually("it waits", () => clock.liveTimers() === 1);
    const reading = Deno.readFile(path);
    await eventually("it is open", async () => {
      await clock.advance(limits.tracePipePollMs);
      return clock.liveTimers() === 0;
    });
    const file = await opening;
    file.offer(block(4, 7));
    await file.close(block(2, 9));
    assertEquals([...await reading], [7, 7, 7, 7, 9, 9]);
  });
});

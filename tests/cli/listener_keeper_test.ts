import { AgentError, TransportError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { seededRandom } from "../../src/base/random.ts";
import { ListenerKeeper } from "../../src/cli/listener_keeper.ts";
import { HttpServer } from "../../src/io/http_server.ts";
import { textResponse } from "../../src/model/http.ts";
import { assert, assertEquals } from "../assert.ts";
import { eventually } from "../io/eventually.ts";
import { MemoryLog } from "../sim/memory_log.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

class Bench {
  readonly clock = new VirtualClock();
  readonly log = new MemoryLog(this.clock);
  /** What the next attempts fail with. */
  error: AgentError | null = null;
  attempts = 0;
  open = 0;
  onGone: (error: Error) => void = () => {};
  readonly endpoint = new ListenerKeeper({
    clock: this.clock,
    random: seededRandom(1),
    log: this.log,
    what: "debug endpoint",
    place: "127.0.0.1:6060",
    listen: (onGone) => {
      this.attempts++;
      if (this.error !== null) throw this.error;
      this.onGone = onGone;
      this.open++;
      return { close: () => void this.open-- };
    },
  });

  told(level: string): string[] {
    return this.log.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}

const inUse = new TransportError("EADDRINUSE", "Cannot listen on 127.0.0.1:6060: EADDRINUSE");

Deno.test("ListenerKeeper says nothing above debug when all is well, and closes what it opened", () => {
  const bench = new Bench();
  bench.endpoint.start();
  assertEquals([bench.open, bench.told("info"), bench.told("warn")], [1, [], []]);
  bench.endpoint.close();
  assertEquals([bench.open, bench.clock.liveTimers()], [0, 0]);
});

Deno.test("ListenerKeeper tells a port in use once, tries again with backoff, and has it when it is free", async () => {
  const bench = new Bench();
  bench.error = inUse;
  bench.endpoint.start();
  await bench.clock.advance(600_000);
  const { attempts } = bench;
  // 1, 2, 4, 8, 16 s, then one in 30 s, all jittered.
  assert(attempts >= 19 && attempts <= 30, `${attempts} attempts`);
  assertEquals(bench.told("warn").length, 1);
  assert(bench.told("warn")[0]!.includes("127.0.0.1:6060") && bench.told("warn")[0]!.includes("EADDRINUSE"));
  bench.error = null;
  await bench.clock.advance(limits.debugRetryMsMax * 1.25);
  assertEquals([bench.open, bench.attempts], [1, attempts + 1]);
  assertEquals(bench.told("info").length, 1);
  assertEquals(bench.log.violations, []);
});

Deno.test("ListenerKeeper tells another reason anew", async () => {
  const bench = new Bench();
  bench.error = inUse;
  bench.endpoint.start();
  bench.error = new TransportError("EADDRNOTAVAIL", "Cannot listen on 10.9.9.9:6060: EADDRNOTAVAIL");
  await bench.clock.advance(60_000);
  assertEquals(bench.told("warn").length, 2);
});

Deno.test("ListenerKeeper opens again what ended by itself, and not after it was closed", async () => {
  const bench = new Bench();
  bench.endpoint.start();
  bench.open = 0;
  bench.onGone(new TransportError("EBADF", "Cannot accept connections: EBADF"));
  assertEquals(bench.told("warn").length, 1);
  await bench.clock.advance(limits.debugRetryMsBase * 2);
  assertEquals(bench.open, 1);
  bench.error = inUse;
  bench.onGone(inUse);
  bench.endpoint.close();
  bench.error = null;
  await bench.clock.advance(600_000);
  assertEquals([bench.attempts, bench.clock.liveTimers()], [2, 0]);
});

Deno.test("ListenerKeeper has a port of this host as soon as another program leaves it", async () => {
  const clock = new VirtualClock();
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = other.addr;
  const log = new MemoryLog(clock);
  const endpoint = new ListenerKeeper({
    clock,
    random: seededRandom(1),
    log,
    what: "debug endpoint",
    place: `127.0.0.1:${port}`,
    listen: (onGone) =>
      new HttpServer({
        clock,
        host: "127.0.0.1",
        port,
        onGone,
        handle: () => textResponse(200, "ours"),
        onProblem() {},
      }),
  });
  try {
    endpoint.start();
    assertEquals(log.lines.map(({ level }) => level), ["warn"]);
    other.close();
    await eventually("opened", async () => {
      await clock.advance(limits.debugRetryMsMax);
      return log.lines.some(({ level }) => level === "info");
    });
    assertEquals(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "ours\n");
  } finally {
    endpoint.close();
  }
});

Deno.test("ListenerKeeper opens what takes a moment to open, and closes it when it is too late", async () => {
  const clock = new VirtualClock();
  const log = new MemoryLog(clock);
  let closed = 0;
  let opened: ((server: { close(): void }) => void) | undefined;
  const endpoint = new ListenerKeeper({
    clock,
    random: seededRandom(1),
    log,
    what: "control socket",
    place: "/run/x.sock",
    listen: () => new Promise((resolve) => opened = resolve),
  });
  const started = endpoint.start();
  endpoint.close();
  opened?.({ close: () => void closed++ });
  await started;
  assertEquals(closed, 1);
  assertEquals(log.lines, []);
});

/** A reader of events that takes nothing, on a real socket: it costs no more than its bound, and is let go. */
import { limits } from "../../src/base/limits.ts";
import { openControlSocket } from "../../src/io/control_socket.ts";
import { HttpServer } from "../../src/io/http_server.ts";
import { ControlSite } from "../../src/report/control_site.ts";
import { EventFeed } from "../../src/report/event_feed.ts";
import { assert, assertEquals } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";
import { healthy } from "../cli/status_samples.ts";
import { eventually } from "../io/eventually.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

Deno.test("a reader of events that takes nothing is let go, its connection too, and others go on", async () => {
  await withDirectory(async (root) => {
    const clock = new VirtualClock();
    const feed = new EventFeed(clock);
    const site = new ControlSite({
      feed,
      status: () => healthy,
      rescan: () => {},
      version: () => ({}),
      logLevel: { level: () => "info", setLevel: () => {} },
      trace: { record: () => Promise.reject(new Error("Not asked for")) },
    });
    const path = `${root}/control.sock`;
    const socket = await openControlSocket({ clock, path, group: "", onProblem: () => {}, onLost: () => {} });
    const handle = (request: Parameters<typeof site.handle>[0]) => site.handle(request);
    const server = new HttpServer({ clock, socket, handle, onProblem: () => {}, onGone: () => {} });
    const request = new TextEncoder().encode("GET /v1/watch HTTP/1.1\r\n\r\n");
    using stuck = await Deno.connect({ transport: "unix", path });
    await stuck.write(request);
    await eventually("it is read", () => feed.readers === 1);
    using quick = await Deno.connect({ transport: "unix", path });
    await quick.write(request);
    await eventually("both are", () => feed.readers === 2);
    let lines = 0;
    const taking = (async () => {
      const buffer = new Uint8Array(65_536);
      for (let count = await quick.read(buffer); count !== null; count = await quick.read(buffer)) {
        for (const byte of buffer.subarray(0, count)) if (byte === 10) lines++;
      }
    })();
    const event = { kind: "path", level: "info", message: "x".repeat(1_000), fields: {} } as const;
    let told = 0;
    await eventually("the one that takes nothing is let go", () => {
      for (let at = 0; at < 100; at++) feed.happened(event);
      told += 100;
      return feed.readers === 1;
    });
    assert(told > limits.eventsWaitingMax, "Precondition: more than may wait");
    assertEquals(server.connections, 2, "It has not taken the notice");
    // The head is seven lines, the first of the body is empty, then comes every event.
    await eventually("the other has all", () => lines === 8 + told);
    await clock.advance(limits.httpWriteTimeoutMs);
    await eventually("its connection is closed", () => server.connections === 1);
    assertEquals(feed.readers, 1);
    server.close();
    await taking.catch(() => {});
    feed.close();
    assertEquals(clock.liveTimers(), 0);
  });
});

import { ConfigError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import type { HttpRequest, HttpResponse } from "../../src/model/http.ts";
import { ControlSite, type TraceControl } from "../../src/report/control_site.ts";
import { EventFeed } from "../../src/report/event_feed.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { healthy } from "../cli/status_samples.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

class Bench {
  readonly clock = new VirtualClock();
  readonly feed = new EventFeed(this.clock);
  level = "info";
  rescans = 0;
  record: TraceControl["record"] = () => Promise.reject(new Error("A bug"));
  readonly site = new ControlSite({
    feed: this.feed,
    status: () => healthy,
    rescan: () => void this.rescans++,
    version: () => ({ version: "1.2.3", pid: 7 }),
    trace: { record: (query, signal) => this.record(query, signal) },
    logLevel: {
      level: () => this.level,
      setLevel: (text) => {
        if (text === "bug") throw new Error("A bug");
        if (text === "loud") throw new ConfigError("log-level", "Cannot log at loud");
        this.level = text;
      },
    },
  });

  async ask(method: string, path: string, body?: string, signal = new AbortController().signal) {
    const [way = "", query = ""] = path.split("?");
    const request: HttpRequest = {
      method,
      path: way,
      query: new URLSearchParams(query),
      headers: new Map(),
      peer: "",
      signal,
      ...body === undefined ? {} : { body: new TextEncoder().encode(body) },
    };
    return await this.site.handle(request);
  }
}

function json({ status, body }: HttpResponse): [status: number, value: unknown] {
  assert(typeof body === "string" && body.endsWith("\n"));
  return [status, JSON.parse(body)];
}

Deno.test("ControlSite answers status, version and the level as JSON", async () => {
  const bench = new Bench();
  assertEquals(json(await bench.ask("GET", "/v1/status")), [200, JSON.parse(JSON.stringify(healthy))]);
  assertEquals(json(await bench.ask("GET", "/v1/version")), [200, { version: "1.2.3", pid: 7 }]);
  assertEquals(json(await bench.ask("GET", "/v1/log-level")), [200, { level: "info" }]);
});

Deno.test("ControlSite tells the last events to who comes late", async () => {
  const bench = new Bench();
  assertEquals(json(await bench.ask("GET", "/v1/recent")), [200, { events: [] }]);
  bench.feed.happened({ kind: "path", level: "info", message: "Live", fields: { path: "a" } });
  const [status, answer] = json(await bench.ask("GET", "/v1/recent"));
  const { events: [event] } = answer as { events: Record<string, unknown>[] };
  assertEquals([status, event?.kind, event?.message, event?.path], [200, "path", "Live", "a"]);
});

Deno.test("ControlSite rescans when it is posted, and not when it is read", async () => {
  const bench = new Bench();
  assertEquals(json(await bench.ask("POST", "/v1/rescan")), [200, { rescan: "started" }]);
  assertEquals((await bench.ask("GET", "/v1/rescan")).status, 405);
  assertEquals(bench.rescans, 1);
});

Deno.test("ControlSite sets the level from body or query, and says what it cannot read", async () => {
  const bench = new Bench();
  const put = (path: string, body?: string) => bench.ask("PUT", path, body);
  assertEquals(json(await put("/v1/log-level", '{"level":"debug"}')), [200, {
    level: "debug",
    before: "info",
  }]);
  assertEquals(json(await put("/v1/log-level?level=warn")), [200, { level: "warn", before: "debug" }]);
  const unreadable = 'Cannot read the level: expected {"level": "debug"}';
  for (const body of [undefined, "", "null", "[]", "{}", '{"level":7}', "\x00\xff"]) {
    assertEquals(json(await put("/v1/log-level", body)), [400, { error: unreadable }]);
  }
  assertEquals(json(await put("/v1/log-level", '{"level":"loud"}')), [400, { error: "Cannot log at loud" }]);
  assertEquals(bench.level, "warn");
  await assertRejects(() => put("/v1/log-level", '{"level":"bug"}'), Error);
});

Deno.test("ControlSite hands a recording on as it comes, and says why there is none", async () => {
  const bench = new Bench();
  const gone = new AbortController();
  const asked: unknown[] = [];
  bench.record = (query, signal) => {
    asked.push([...query], signal === gone.signal);
    return Promise.resolve((async function* () {
      yield await Promise.resolve(new Uint8Array([1, 2]));
    })());
  };
  const answer = await bench.ask("GET", "/v1/trace?endpoint=10.0.0.1&limit=7", undefined, gone.signal);
  assertEquals([answer.status, answer.type], [200, "application/x-pcapng"]);
  assertEquals(asked, [[["endpoint", "10.0.0.1"], ["limit", "7"]], true]);
  assertEquals(await Array.fromAsync(answer.body as AsyncIterable<Uint8Array>), [new Uint8Array([1, 2])]);
  for (const [code, status] of [["running", 409], ["usage", 400]] as const) {
    bench.record = () => Promise.reject(new ConfigError(code, "Cannot"));
    assertEquals(json(await bench.ask("GET", "/v1/trace")), [status, { error: "Cannot" }]);
  }
  bench.record = () => Promise.reject(new Error("A bug"));
  await assertRejects(() => bench.ask("GET", "/v1/trace"), Error, "A bug");
  assertEquals((await bench.ask("POST", "/v1/trace")).status, 405);
});

Deno.test("ControlSite says what there is where nothing is, and what a page takes", async () => {
  const bench = new Bench();
  const [status, value] = json(await bench.ask("GET", "/v1/nothing"));
  assertEquals(status, 404);
  for (const path of ["/v1/status", "/v1/watch", "/v1/rescan", "/v1/log-level", "/v1/version"]) {
    assert(JSON.stringify(value).includes(path), path);
  }
  const refused = await bench.ask("DELETE", "/v1/log-level");
  assertEquals([refused.status, refused.headers?.Allow], [405, "GET, PUT"]);
  assertEquals((await bench.ask("constructor", "/v1/status")).status, 405);
  assertEquals((await bench.ask("HEAD", "/v1/status")).status, 405);
});

Deno.test("ControlSite streams events as lines of JSON, empty ones while nothing happens, until the reader goes", async () => {
  const bench = new Bench();
  const gone = new AbortController();
  const { status, body } = await bench.ask("GET", "/v1/watch", undefined, gone.signal);
  assertEquals(status, 200);
  const parts = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const next = async () => new TextDecoder().decode((await parts.next()).value);
  assertEquals(await next(), "\n");
  bench.feed.happened({
    kind: "path",
    level: "warn",
    message: "Path lost",
    fields: { device: "nvme0", ms: 5 },
  });
  assertEquals(JSON.parse(await next()), {
    time: new Date(bench.clock.wallMs()).toISOString(),
    kind: "path",
    level: "warn",
    message: "Path lost",
    device: "nvme0",
    ms: 5,
  });
  const quiet = next();
  await bench.clock.advance(limits.eventsQuietMs);
  assertEquals(await quiet, "\n");
  const end = parts.next();
  gone.abort();
  assertEquals((await end).done, true);
  assertEquals(bench.feed.readers, 0);
});

Deno.test("ControlSite tells a reader that is too slow, and refuses those beyond the bound", async () => {
  const bench = new Bench();
  const slow = await bench.ask("GET", "/v1/watch");
  const event = { kind: "path", level: "info", message: "Path live", fields: {} } as const;
  for (let at = 0; at <= limits.eventsWaitingMax; at++) bench.feed.happened(event);
  const lines: string[] = [];
  for await (const part of slow.body as AsyncIterable<Uint8Array>) lines.push(new TextDecoder().decode(part));
  assertEquals(lines.length, 2);
  assertEquals(JSON.parse(lines[1]!).kind, "dropped");
  for (let at = 0; at < limits.eventReadersMax; at++) {
    assertEquals((await bench.ask("GET", "/v1/watch")).status, 200);
  }
  assertEquals(json(await bench.ask("GET", "/v1/watch")), [503, { error: "Too many are watching already" }]);
  bench.feed.close();
});

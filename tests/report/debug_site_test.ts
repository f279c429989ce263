import { limits } from "../../src/base/limits.ts";
import type { HttpRequest, HttpResponse } from "../../src/model/http.ts";
import { DebugSite, type DebugSiteOptions } from "../../src/report/debug_site.ts";
import { EventFeed } from "../../src/report/event_feed.ts";
import { gauge } from "../../src/report/metric_family.ts";
import { takeSnapshot } from "../../src/report/snapshot.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { sampleInput } from "./metric_samples.ts";

function siteOf(change: Partial<DebugSiteOptions> = {}): DebugSite {
  const { facts, plan, nowMs } = sampleInput();
  const clock = new VirtualClock();
  const status = () => ({
    ...{ version: "0", pid: 1, at: "2024-01-01T00:00:00.000Z", upMs: 0, ready: true, dryRun: false },
    ...takeSnapshot(facts, plan, nowMs),
  });
  return new DebugSite({
    clock,
    isReady: () => true,
    status,
    feed: new EventFeed(clock),
    isLocal: true,
    families: () => Promise.resolve([gauge("x", "Help", 1)]),
    ...change,
  });
}

function ask(site: DebugSite, path: string, change: Partial<HttpRequest> = {}): Promise<HttpResponse> {
  return site.handle({
    method: "GET",
    path,
    query: new URLSearchParams(),
    headers: new Map(),
    peer: "127.0.0.1",
    signal: new AbortController().signal,
    ...change,
  });
}

function textOf({ body }: HttpResponse): string {
  assert(typeof body === "string" || body instanceof Uint8Array);
  return typeof body === "string" ? body : new TextDecoder().decode(body);
}

Deno.test("DebugSite answers HEAD /metrics with 200, and works out nothing for it", async () => {
  let scrapes = 0;
  const site = siteOf({ families: () => Promise.resolve([gauge("x", "Help", ++scrapes)]) });
  const { status, type, body } = await ask(site, "/metrics", { method: "HEAD" });
  assertEquals([status, type, body, scrapes], [200, "text/plain; version=0.0.4; charset=utf-8", null, 0]);
});

Deno.test("DebugSite answers GET /metrics in the format that is asked for", async () => {
  const site = siteOf();
  const plain = await ask(site, "/metrics");
  assertEquals(textOf(plain), "# HELP x Help\n# TYPE x gauge\nx 1\n");
  const headers = new Map([["accept", "application/openmetrics-text"]]);
  const open = await ask(site, "/metrics", { headers });
  assertEquals(textOf(open), "# HELP x Help\n# TYPE x gauge\nx 1\n# EOF\n");
  assertEquals(open.type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
});

Deno.test("DebugSite works metrics out once a second, however many ask", async () => {
  const clock = new VirtualClock();
  let scrapes = 0;
  const site = siteOf({
    clock,
    families: async () => {
      scrapes++;
      await clock.settle();
      return [gauge("x", "Help", scrapes)];
    },
  });
  const many = await Promise.all(Array.from({ length: 100 }, () => ask(site, "/metrics")));
  assertEquals(new Set(many.map(textOf)).size, 1);
  await clock.advance(limits.debugCacheMs - 1);
  await ask(site, "/metrics");
  assertEquals(scrapes, 1);
  await clock.advance(1);
  assert(textOf(await ask(site, "/metrics")).includes("x 2"));
});

Deno.test("DebugSite tries again at once after metrics could not be worked out", async () => {
  let scrapes = 0;
  const site = siteOf({
    families: () => ++scrapes === 1 ? Promise.reject(new Error("once")) : Promise.resolve([]),
  });
  await assertRejects(() => ask(site, "/metrics"), Error, "once");
  assertEquals((await ask(site, "/metrics")).status, 200);
});

Deno.test("DebugSite takes nobody's probe away when metrics are off", async () => {
  const site = siteOf({ families: undefined });
  assertEquals((await ask(site, "/metrics", { method: "HEAD" })).status, 200);
  const { status, body } = await ask(site, "/metrics");
  assertEquals([status, body], [200, "# Metrics are off: debug.metrics is false\n"]);
});

Deno.test("DebugSite tells alive from ready", async () => {
  let isReady = false;
  const site = siteOf({ isReady: () => isReady });
  const statuses = async () => [(await ask(site, "/healthz")).status, (await ask(site, "/readyz")).status];
  assertEquals(await statuses(), [200, 503]);
  isReady = true;
  assertEquals(await statuses(), [200, 200]);
});

Deno.test("DebugSite answers /status with the snapshot", async () => {
  const site = siteOf();
  const response = await ask(site, "/status");
  assertEquals(response.type, "application/json");
  const { ready, summary, clusters } = JSON.parse(textOf(response));
  assertEquals([ready, clusters.length, summary.pathsLive], [true, 2, 1]);
  assertEquals((await ask(site, "/status", { method: "HEAD" })).body, null);
});

Deno.test("DebugSite answers 404 and 405 in a line", async () => {
  const site = siteOf();
  for (const path of ["/x", "/metrics/", "//metrics", "/debug/pprof/", "/../metrics", ""]) {
    const response = await ask(site, path);
    assertEquals([path, response.status, textOf(response).split("\n").length], [path, 404, 2]);
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const response = await ask(site, "/metrics", { method });
    assertEquals([response.status, response.headers?.Allow], [405, "GET, HEAD"]);
  }
});

Deno.test("DebugSite names its pages, and leaves profiles to whom it is told", async () => {
  const profiles = () => ({ status: 200, type: "text/plain", body: "a profile" });
  const site = siteOf({ profiles });
  assertEquals(
    textOf(await ask(site, "/")).split("\n").slice(1),
    ["/healthz", "/readyz", "/status", "/events", "/metrics", "/debug/pprof/", ""],
  );
  assertEquals(textOf(await ask(site, "/debug/pprof/profile")), "a profile");
});

Deno.test("DebugSite gives the page to those who take HTML, with a policy that lets it load and run nothing else", async () => {
  const site = siteOf();
  const headers = new Map([["accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"]]);
  const page = await ask(site, "/", { headers });
  const html = textOf(page);
  assertEquals([page.type, page.headers?.Vary], ["text/html; charset=utf-8", "Accept"]);
  assert(html.startsWith("<!DOCTYPE html>"));
  const policy = page.headers?.["Content-Security-Policy"] ?? "";
  assert(policy.startsWith("default-src 'none'; script-src 'sha256-"), policy);
  assert(!/unsafe|\*/.test(policy), policy);
  for (const [name, tag] of [["script-src", "script"], ["style-src", "style"]]) {
    const [, inside = ""] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(html) ?? [];
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(inside));
    const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
    assert(policy.includes(`${name} 'sha256-${hash}'`), `${name} is not that of the ${tag}`);
  }
  assert(!/https?:|src=|@import|url\(/.test(html), "It loads nothing from elsewhere");
  assert(!/innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function/.test(html));
});

Deno.test("DebugSite shows nothing to those who ask by a foreign name, where it listens for this host alone", async () => {
  const by = async (site: DebugSite, host: string, path: string) =>
    (await ask(site, path, { headers: new Map([["host", host]]) })).status;
  const site = siteOf();
  const foreign = [
    "evil.example",
    "evil.example:6060",
    "localhost.evil.example",
    "1.2.3.4.example",
    "[::1",
    "a@b",
  ];
  for (const host of foreign) {
    for (const path of ["/", "/status", "/events"]) {
      assertEquals([host, await by(site, host, path)], [host, 421]);
    }
    // Scrapes and probes go by whatever name this host has.
    for (const path of ["/metrics", "/healthz", "/readyz"]) assertEquals(await by(site, host, path), 200);
  }
  const own = [
    "localhost",
    "LOCALHOST:6060",
    "a.localhost:1",
    "127.0.0.1:6060",
    "[::1]:6060",
    "10.0.0.1",
    "",
  ];
  for (const host of own) assertEquals([host, await by(site, host, "/status")], [host, 200]);
  assertEquals(await by(siteOf({ isLocal: false }), "storage-host.example", "/status"), 200);
});

import { limits } from "../../src/base/limits.ts";
import type { HttpRequest, HttpResponse } from "../../src/model/http.ts";
import type { Profiler } from "../../src/model/profiler.ts";
import { ProfileSite } from "../../src/report/profile_site.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

class MemoryProfiler implements Profiler {
  readonly asked: string[] = [];
  finish = () => {};
  error: Error | null = null;

  #take(what: string): Promise<string> {
    this.asked.push(what);
    if (this.error !== null) return Promise.reject(this.error);
    return new Promise((resolve) => this.finish = () => resolve(`{"of":"${what}"}`));
  }

  cpuProfile(durationMs: number): Promise<string> {
    return this.#take(`cpu ${durationMs}`);
  }

  heapProfile(durationMs: number): Promise<string> {
    return this.#take(`heap ${durationMs}`);
  }

  heapSnapshot(): Promise<string> {
    return this.#take("snapshot");
  }
}

function ask(
  site: ProfileSite,
  target: string,
  { peer = "127.0.0.1", method = "GET" }: Partial<Pick<HttpRequest, "peer" | "method">> = {},
): Promise<HttpResponse> {
  const [path = "", query] = target.split("?");
  return site.handle({
    method,
    path: `/debug/pprof/${path}`,
    query: new URLSearchParams(query),
    headers: new Map(),
    peer,
    signal: new AbortController().signal,
  });
}

const taken: readonly [target: string, asked: string, file: string][] = [
  ["profile", "cpu 30000", "discovery-client.cpuprofile"],
  ["profile?seconds=1", "cpu 1000", "discovery-client.cpuprofile"],
  [`heap?seconds=${limits.profileSecondsMax}`, "heap 120000", "discovery-client.heapprofile"],
  ["heapsnapshot", "snapshot", "discovery-client.heapsnapshot"],
];

Deno.test("ProfileSite answers with the profile, as a file", async () => {
  for (const [target, asked, file] of taken) {
    const profiler = new MemoryProfiler();
    const answer = ask(new ProfileSite({ profiler, allowRemote: false }), target);
    profiler.finish();
    const { status, body, headers } = await answer;
    assertEquals([status, body], [200, `{"of":"${asked}"}`]);
    assertEquals(headers?.["Content-Disposition"], `attachment; filename="${file}"`);
  }
});

Deno.test("ProfileSite refuses other hosts, unless it is told to let them in", async () => {
  const profiler = new MemoryProfiler();
  const closed = new ProfileSite({ profiler, allowRemote: false });
  for (const peer of ["10.0.0.1", "fe80::1%2", "::2", "128.0.0.1", ""]) {
    for (const target of ["", "profile", "other"]) {
      assertEquals([peer, (await ask(closed, target, { peer })).status], [peer, 403]);
    }
  }
  for (const peer of ["127.0.0.1", "127.9.9.9", "::1"]) {
    assertEquals([peer, (await ask(closed, "", { peer })).status], [peer, 200]);
  }
  const open = new ProfileSite({ profiler, allowRemote: true });
  assertEquals((await ask(open, "", { peer: "10.0.0.1" })).status, 200);
  assertEquals(profiler.asked, []);
});

Deno.test("ProfileSite takes one profile at a time, and another after one that failed", async () => {
  const profiler = new MemoryProfiler();
  const site = new ProfileSite({ profiler, allowRemote: false });
  const first = ask(site, "profile");
  assertEquals((await ask(site, "heap")).status, 409);
  profiler.finish();
  assertEquals((await first).status, 200);
  profiler.error = new Error("no profile");
  await assertRejects(() => ask(site, "heap"), Error, "no profile");
  profiler.error = null;
  const last = ask(site, "heap");
  profiler.finish();
  assertEquals((await last).status, 200);
});

Deno.test("ProfileSite lists its profiles, takes none for HEAD, and refuses what makes no sense", async () => {
  const profiler = new MemoryProfiler();
  const site = new ProfileSite({ profiler, allowRemote: false });
  const index = await ask(site, "");
  assert(typeof index.body === "string" && index.body.includes("heapsnapshot"), String(index.body));
  const head = await ask(site, "profile", { method: "HEAD" });
  assertEquals([head.status, head.body], [200, null]);
  for (const seconds of ["0", "-1", "1.5", "121", "1e2", "x", ""]) {
    assertEquals([seconds, (await ask(site, `profile?seconds=${seconds}`)).status], [seconds, 400]);
  }
  for (const name of ["goroutine", "toString", "profile/x"]) {
    assertEquals([name, (await ask(site, name)).status], [name, 404]);
  }
  assertEquals(profiler.asked, []);
});

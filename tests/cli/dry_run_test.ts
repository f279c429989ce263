import { DryRun } from "../../src/cli/dry_run.ts";
import { formatPicture, isSettled, isWhole, takePicture } from "../../src/cli/dry_run_picture.ts";
import {
  emptySnapshot,
  type EndpointSnapshot,
  type PathSnapshot,
  type Snapshot,
} from "../../src/report/snapshot.ts";
import { assert, assertEquals } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { cluster, host } from "./memory_environment.ts";

function endpoint(fields: Partial<EndpointSnapshot>): EndpointSnapshot {
  const common = { source: "user", reason: "configured", retired: false, state: "live", forMs: 5 } as const;
  return {
    address: "10.0.0.1:8009",
    origins: [],
    namedBy: [],
    logReads: 1,
    events: 0,
    failures: 0,
    ...common,
    ...fields,
  };
}

function path(fields: Partial<PathSnapshot>): PathSnapshot {
  return {
    cluster,
    subsysnqn: "nqn.2024-01.org.example:a",
    hostnqn: host,
    address: "10.0.0.1:4420",
    state: "would-connect",
    reason: "reachable",
    ...fields,
  };
}

function snapshot(
  endpoints: readonly EndpointSnapshot[],
  paths: readonly PathSnapshot[] = [],
  fields: Partial<Snapshot> = {},
): Snapshot {
  const clusters = endpoints.length === 0
    ? []
    : [{ subsysnqn: cluster, hostnqn: host, endpoints, notes: [] }];
  const summary = { clusters: 0, endpoints: 0, sessionsLive: 0, pathsWanted: 0, pathsLive: 0 };
  return { ...emptySnapshot, clusters, paths, summary, ...fields };
}

const reached = endpoint({ records: 2 });
const dead = endpoint({ address: "10.0.0.2:8009", state: "idle", failures: 1, error: "ECONNREFUSED" });
const trying = endpoint({ address: "10.0.0.2:8009", state: "opening" });

const settledRows: readonly [settled: boolean, whole: boolean, snapshot: Snapshot][] = [
  [true, false, snapshot([])],
  [true, true, snapshot([reached])],
  [true, true, snapshot([reached], [path({}), path({ state: "live", device: "nvme0" })])],
  [true, true, snapshot([reached, endpoint({ retired: true, state: "idle" })])],
  [false, false, snapshot([reached, trying])],
  [false, false, snapshot([endpoint({ records: undefined })])],
  [true, false, snapshot([reached, dead])],
  [true, false, snapshot([reached, { ...dead, state: "opening" }])],
  [false, false, snapshot([reached], [path({ state: "probing" })])],
  [true, false, snapshot([reached], [path({ state: "unreachable", reason: "no answer" })])],
  [
    true,
    false,
    snapshot([reached], [], { refused: [{ endpoint: "e", subnqn: "s", traddr: "t", reason: "r" }] }),
  ],
];

Deno.test("isSettled() and isWhole() tell what was tried, and what came of it", () => {
  for (const [at, [settled, whole, given]] of settledRows.entries()) {
    const picture = takePicture(given);
    assertEquals([isSettled(picture), isWhole(picture)], [settled, whole], `row ${at}`);
  }
});

Deno.test("isSettled() waits for names that are being looked up, not for those that failed", () => {
  const notes = (text: string) =>
    takePicture(snapshot([], [], {
      clusters: [{ subsysnqn: cluster, hostnqn: host, endpoints: [reached], notes: [text] }],
    }));
  assert(!isSettled(notes("node1 (a:1): is being resolved")));
  assert(isSettled(notes("node1 (a:1): Cannot resolve node1: ENOTFOUND")));
  assert(!isWhole(notes("node1 (a:1): Cannot resolve node1: ENOTFOUND")));
});

Deno.test("formatPicture() names the only host and cluster once", () => {
  const text = formatPicture(
    takePicture(snapshot([reached, dead], [path({}), path({ state: "unreachable" })])),
  );
  assertEquals(text.split(host).length, 2, text);
  assertEquals(text.split(cluster).length, 2, text);
  assert(text.includes("ECONNREFUSED"), text);
  const summary = "1 of 2 endpoints reachable, 1 of 2 paths would be connected, 1 unreachable\n";
  assert(text.endsWith(`\n${summary}`), text);
});

Deno.test("formatPicture() says so when there is nothing", () => {
  assertEquals(
    formatPicture(takePicture(snapshot([]))),
    "Nothing would be connected: no entry names an endpoint\n",
  );
});

interface Run {
  readonly clock: VirtualClock;
  readonly dryRun: DryRun;
  /** What was printed since the last call. */
  readonly take: () => string;
}

function start(format: "json" | "table", once = false): Run {
  const clock = new VirtualClock();
  let text = "";
  const stdout = { write: (part: string) => void (text += part), isTerminal: false, columns: undefined };
  const dryRun = new DryRun({ clock, stdout, format, once });
  const take = () => {
    const taken = text;
    text = "";
    return taken;
  };
  return { clock, dryRun, take };
}

Deno.test("DryRun prints a picture when all is settled, and another when something changed", async () => {
  const { clock, dryRun, take } = start("table");
  dryRun.handlePass(() => snapshot([trying]));
  await clock.advance(5_000);
  assertEquals(take(), "");
  dryRun.handlePass(() => snapshot([dead]));
  dryRun.handlePass(() => snapshot([dead, reached], [path({ state: "probing" })]));
  await clock.advance(1_000);
  assertEquals(take(), "", "It was settled for a moment only");
  dryRun.handlePass(() => snapshot([dead, reached], [path({})]));
  await clock.advance(1_000);
  assert(take().startsWith("Host "));
  // Another attempt at the dead one, another reason, another probe of the path: no change.
  dryRun.handlePass(() => snapshot([{ ...dead, state: "opening", error: "ETIMEDOUT" }, reached], [path({})]));
  dryRun.handlePass(() => snapshot([dead, reached], [path({ state: "probing" })]));
  dryRun.handlePass(() => snapshot([dead, reached], [path({})]));
  await clock.advance(60_000);
  assertEquals(take(), "");
  dryRun.handlePass(() => snapshot([dead, reached], [path({}), path({ address: "10.0.0.2:4420" })]));
  await clock.advance(1_000);
  assert(/^\n--- changed at \d\d:\d\d:\d\d UTC ---\n\nHost /.test(take()));
});

Deno.test("DryRun shows what it has when something never answers", async () => {
  const { clock, dryRun, take } = start("json");
  dryRun.handlePass(() => snapshot([reached, trying], [path({})]));
  await clock.advance(20_000);
  const lines = take().trimEnd().split("\n");
  assertEquals(lines.length, 1);
  const states = JSON.parse(lines[0]!).endpoints.map(({ state }: { state: string }) => state);
  assertEquals(states, ["reachable", "no answer yet"]);
});

Deno.test("DryRun ends after one picture when told so, with the status it deserves", async () => {
  for (const [endpoints, status] of [[[reached], 0], [[reached, dead], 1], [[], 1]] as const) {
    const { clock, dryRun } = start("json", true);
    dryRun.handlePass(() => snapshot(endpoints));
    await clock.advance(1_000);
    assertEquals(await dryRun.ended, status);
  }
});

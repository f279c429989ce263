/** The verdict of a soak: what is flat passes, and each kind of leak is told. */
import { seededRandom } from "../../src/base/random.ts";
import { assert, assertEquals } from "../assert.ts";
import { type Counted, kindOf, mergeCounts, type Sample } from "./sample.ts";
import { findGrowth, median, medianSlope } from "./verdict.ts";

const mib = 2 ** 20;

function sample(minutes: number, change: Partial<Sample> = {}): Sample {
  return {
    minutes,
    changes: Math.round(minutes * 200),
    healedMs: 1_000,
    paths: 40,
    descriptors: { socket: 11, inotify: 1, pipe: 6, file: 11, other: 5 },
    threads: 12,
    timers: 8,
    sessions: 5,
    liveSessions: 5,
    entries: 2,
    clusters: 1,
    endpoints: 5,
    resolutions: 0,
    probes: 5,
    connects: 20,
    busy: 0,
    controllers: 40,
    heapBytes: 11.5 * mib,
    externalBytes: 1.3 * mib,
    nativeBytes: 9 * mib,
    residentBytes: 80 * mib,
    fileBytes: 46 * mib,
    ...change,
  };
}

/** Eleven samples in half an hour; `change` says what differs after so many minutes. */
function soak(change: (minutes: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: 11 }, (_, at) => sample(3 + at * 2.7, change(at * 2.7)));
}

/** Eleven samples in two hours. */
function longSoak(residentMib: (minutes: number) => number): Sample[] {
  return Array.from({ length: 11 }, (_, at) => 1.2 + at * 11).map((minutes) =>
    sample(minutes, { residentBytes: residentMib(minutes) * mib })
  );
}

/** Exactly one thing is told. */
function assertTold(samples: readonly Sample[], word: string): void {
  const found = findGrowth(samples);
  assertEquals(found.length, 1, `${found}`);
  assert(found[0]!.includes(word), `Expected "${word}" in "${found[0]}"`);
}

Deno.test("findGrowth() finds samples flat that differ in nothing", () => {
  assertEquals(findGrowth(soak()), []);
});

Deno.test("findGrowth() finds memory flat that moves up and down", () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = seededRandom(seed);
    const noisy = soak(() => ({
      residentBytes: (80 + random()) * mib,
      heapBytes: (11.5 + 0.2 * random()) * mib,
      externalBytes: (1.3 + 0.1 * random()) * mib,
      threads: 10 + Math.floor(10 * random()),
      probes: Math.floor(6 * random()),
      connects: Math.floor(41 * random()),
    }));
    assertEquals(findGrowth(noisy), [], `seed ${seed}`);
  }
});

Deno.test("findGrowth() finds memory flat that climbs while all is new, and then stays", () => {
  const warming = (minutes: number) => Math.min(9, minutes) * mib;
  assertEquals(
    findGrowth(soak((minutes) => ({
      residentBytes: 73 * mib + warming(minutes),
      heapBytes: 11 * mib + warming(minutes) / 8,
    }))),
    [],
  );
});

Deno.test("findGrowth() finds resident memory flat that climbs for half an hour, and then stays", () => {
  const warming = (minutes: number) => 95 - 15 * Math.exp(-minutes / 9);
  assertEquals(findGrowth(longSoak(warming)), []);
  assertEquals(findGrowth(soak((minutes) => ({ residentBytes: warming(minutes + 3) * mib }))), []);
});

Deno.test("findGrowth() tells a leak in a run too short to be warm when it is big", () => {
  const short = [0.3, 0.6, 0.8, 1.1, 1.3, 1.6].map((minutes) => sample(minutes));
  assertEquals(findGrowth(short.map((one) => ({ ...one, heapBytes: (11 + one.minutes / 2) * mib }))), []);
  assertTold(short.map((one) => ({ ...one, heapBytes: (11 + one.minutes * 3) * mib })), "JavaScript heap");
});

Deno.test("findGrowth() tells one more descriptor, timer, session or fact, by its name", () => {
  for (
    const name of [
      "timers",
      "sessions",
      "liveSessions",
      "entries",
      "clusters",
      "endpoints",
      "resolutions",
      "controllers",
    ] as const
  ) {
    assertTold(soak((minutes) => minutes > 20 ? { [name]: sample(0)[name] + 1 } : {}), `${name}:`);
  }
  const { descriptors } = sample(0);
  for (const kind of ["socket", "inotify", "pipe", "file", "other"] as const) {
    const grown = { ...descriptors, [kind]: descriptors[kind] + 1 };
    assertTold(soak((minutes) => minutes > 0 ? { descriptors: grown } : {}), `${kind} descriptors`);
  }
});

Deno.test("findGrowth() tells what is gone as well as what came", () => {
  assertTold(
    soak((minutes) => minutes > 10 ? { liveSessions: 4 } : {}),
    "liveSessions: 5 at the baseline, 4",
  );
});

Deno.test("findGrowth() tells facts of paths that nobody names", () => {
  assertTold(soak((minutes) => ({ connects: 20 + Math.round(minutes * 2) })), "connects");
  assertTold(soak((minutes) => ({ probes: Math.round(minutes * 3) })), "probes");
  assertTold(soak((minutes) => ({ threads: 12 + Math.round(minutes) })), "threads");
});

Deno.test("findGrowth() tells a slow leak under noise", () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = seededRandom(seed);
    const noise = random();
    const leakingFast = soak((minutes) => ({ residentBytes: (80 + minutes * 0.4 + noise) * mib }));
    assert(findGrowth(leakingFast).some((text) => text.startsWith("resident memory")), `seed ${seed}`);
    const leaking = longSoak((minutes) => 80 + minutes * 0.1 + random());
    assert(findGrowth(leaking).some((text) => text.startsWith("resident memory")), `seed ${seed}`);
    const heapBytes = (minutes: number) => (11.5 + minutes * 0.05 + random() * 0.1) * mib;
    const leakingHeap = soak((minutes) => ({ heapBytes: heapBytes(minutes) }));
    assert(findGrowth(leakingHeap).some((text) => text.startsWith("JavaScript heap")), `seed ${seed}`);
  }
  const external = soak((minutes) => ({ externalBytes: (1.3 + minutes * 0.06) * mib }));
  assert(findGrowth(external).some((text) => text.startsWith("external memory")));
});

Deno.test("findGrowth() tells memory that jumped once and stayed", () => {
  const jumped = longSoak((minutes) => minutes > 85 ? 96 : 90);
  assert(findGrowth(jumped).some((text) => text.startsWith("resident memory")), `${findGrowth(jumped)}`);
  const early = soak((minutes) => minutes > 15 ? { residentBytes: 88 * mib } : {});
  assert(findGrowth(early).some((text) => text.startsWith("resident memory")), `${findGrowth(early)}`);
});

Deno.test("findGrowth() says nothing of a single sample but that it is too few", () => {
  assertEquals(findGrowth([]).length, 1);
  assertEquals(findGrowth([sample(1)]).length, 1);
});

Deno.test("medianSlope() is moved by no single odd sample", () => {
  const points = Array.from({ length: 9 }, (_, x) => ({ x, y: x === 4 ? 1_000 : 3 * x }));
  assertEquals(medianSlope(points), 3);
  assertEquals(medianSlope([{ x: 1, y: 5 }]), 0);
});

Deno.test("median() is the middle, or between the two middle ones", () => {
  assertEquals([median([5, 1, 3]), median([4, 1, 2, 3])], [3, 2.5]);
});

Deno.test("kindOf() sorts what /proc says a descriptor is", () => {
  const kinds = ["socket:[7]", "pipe:[7]", "anon_inode:inotify", "/dev/null", "anon_inode:[eventpoll]"].map(
    kindOf,
  );
  assertEquals(kinds, ["socket", "pipe", "inotify", "file", "other"]);
});

Deno.test("mergeCounts() leaves out what passes and what is away for a moment, and takes the least of memory", () => {
  const usual: Counted = sample(0);
  const { descriptors } = usual;
  const busy = { ...usual, timers: 9, descriptors: { ...descriptors, socket: 12 }, heapBytes: 12 * mib };
  const scanning = { ...usual, timers: 7, residentBytes: 79 * mib };
  const merged = mergeCounts([busy, usual, usual, scanning, usual, busy]);
  assertEquals(merged, { ...usual, residentBytes: 79 * mib });
});

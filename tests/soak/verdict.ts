/**
 * Whether the samples of a soak are flat. What is counted must be what it was at the baseline, exactly; memory may
 * move, but not up. Pure: samples in, sentences about what grew out.
 */
import { descriptorKinds, type Sample } from "./sample.ts";

const mib = 2 ** 20;

/** Same at every heal as at the baseline: the fabric and the files are the same then. */
const exact = [
  "timers",
  "sessions",
  "liveSessions",
  "entries",
  "clusters",
  "endpoints",
  "resolutions",
  "controllers",
] as const satisfies readonly (keyof Sample)[];

/**
 * Facts of probes and connects are kept for what a log names, and only where the agent had to do something about it:
 * a path that came back while its controller still lived has none. So there are never more than paths.
 */
const atMostPaths = ["probes", "connects"] as const satisfies readonly (keyof Sample)[];

/**
 * The runtime's pool of threads for blocking calls (files, look-ups) grows with how many are made at once, and its
 * idle threads end after 10 s; a scan of the directory or a save keeps some.
 */
const threadsMore = 16;

/** What counts from some minute on, if there are samples enough. */
interface Phase {
  readonly afterMinutes: number;
  /** Bytes for every ten minutes that it may climb, by the slope over the samples judged. */
  readonly perTenMinutes: number;
  /** The median of the last third of the samples above that of the first. */
  readonly thirdsRatioMax: number;
}

interface MemoryBound {
  readonly name: "residentBytes" | "heapBytes" | "nativeBytes" | "externalBytes";
  readonly text: string;
  /** Climbing by less than this in all is what garbage collectors, allocators and caches do. */
  readonly noise: number;
  /** The first that has samples enough counts. */
  readonly phases: readonly Phase[];
}

const samplesMin = 4;
/** A run that is short tells a big leak only. */
const coldPhase: Phase = { afterMinutes: 0, perTenMinutes: Infinity, thirdsRatioMax: 1.15 };

/**
 * A leak of one small object (200 bytes) with each change makes, at five changes a second, 0.6 MB in ten minutes. What
 * the heap and malloc have given out climbed by 0.1 MB in ten minutes in half an hour, slower towards the end, so they
 * are watched more closely than resident memory, which also holds what lies in fragments between.
 */
const givenOut: readonly Phase[] = [
  { afterMinutes: 10, perTenMinutes: mib / 4, thirdsRatioMax: 1.05 },
  coldPhase,
];

/**
 * Resident memory climbs without any leak while code is compiled and its pages are read when they are first needed, and
 * what needs them may be rare: in a run of two hours it was 80.5 MiB at the start, 91.2 after 12 minutes, 93.1 after 23,
 * 94.6 after 34, and 94.4 after 123. Of what V8 holds, code was nearly all that grew in a run of 20 minutes.
 */
const resident: readonly Phase[] = [
  { afterMinutes: 35, perTenMinutes: mib / 2, thirdsRatioMax: 1.03 },
  { afterMinutes: 10, perTenMinutes: 2.5 * mib, thirdsRatioMax: 1.08 },
  coldPhase,
];

const memoryBounds: readonly MemoryBound[] = [
  { name: "residentBytes", text: "resident memory", noise: mib, phases: resident },
  { name: "heapBytes", text: "JavaScript heap", noise: mib / 4, phases: givenOut },
  { name: "nativeBytes", text: "malloc", noise: mib / 4, phases: givenOut },
  { name: "externalBytes", text: "external memory", noise: mib / 4, phases: givenOut },
];

/** What grew, a sentence each; empty when all is flat. The first sample is the baseline. */
export function findGrowth(samples: readonly Sample[]): string[] {
  const [baseline, ...rest] = samples;
  if (baseline === undefined || rest.length === 0) return ["too few samples to say anything"];
  return [
    ...exact.flatMap((name) => unequal(rest, name, baseline[name], (sample) => sample[name])),
    ...descriptorKinds.flatMap((kind) =>
      unequal(rest, `${kind} descriptors`, baseline.descriptors[kind], (sample) => sample.descriptors[kind])
    ),
    ...atMostPaths.flatMap((name) => above(samples, name, (sample) => [sample[name], sample.paths])),
    ...above(rest, "threads", ({ threads }) => [threads, baseline.threads + threadsMore]),
    ...memoryBounds.flatMap((bound) => climbing(samples, bound)),
  ];
}

function unequal(
  samples: readonly Sample[],
  name: string,
  wanted: number,
  valueOf: (sample: Sample) => number,
): string[] {
  const odd = samples.filter((sample) => valueOf(sample) !== wanted);
  if (odd.length === 0) return [];
  const last = odd.at(-1)!;
  return [
    `${name}: ${wanted} at the baseline, ${valueOf(last)} after ${last.minutes.toFixed(1)} min, ` +
    `${odd.length} of ${samples.length} samples differ`,
  ];
}

function above(
  samples: readonly Sample[],
  name: string,
  valueAndMost: (sample: Sample) => readonly [number, number],
): string[] {
  const odd = samples.find((sample) => {
    const [value, most] = valueAndMost(sample);
    return value > most;
  });
  if (odd === undefined) return [];
  const [value, most] = valueAndMost(odd);
  return [`${name}: ${value} after ${odd.minutes.toFixed(1)} min, at most ${most} make sense`];
}

function climbing(samples: readonly Sample[], bound: MemoryBound): string[] {
  for (const phase of bound.phases) {
    const judged = samples.filter(({ minutes }) => minutes >= phase.afterMinutes);
    if (judged.length < samplesMin && phase !== coldPhase) continue;
    return [...slopeProblem(judged, bound, phase), ...thirdsProblem(judged, bound, phase)];
  }
  return [];
}

function slopeProblem(
  samples: readonly Sample[],
  { name, text, noise }: MemoryBound,
  { perTenMinutes }: Phase,
): string[] {
  const points = samples.map((sample) => ({ x: sample.minutes, y: sample[name] }));
  const slope = medianSlope(points);
  const minutes = points.at(-1)!.x - points[0]!.x;
  if (slope * 10 <= perTenMinutes || slope * minutes <= noise) return [];
  return [
    `${text}: climbs by ${inMib(slope * 10)} MiB in ten minutes, at most ${inMib(perTenMinutes)} is noise`,
  ];
}

function thirdsProblem(
  samples: readonly Sample[],
  { name, text, noise }: MemoryBound,
  { thirdsRatioMax }: Phase,
): string[] {
  const values = samples.map((sample) => sample[name]);
  const third = Math.ceil(values.length / 3);
  const first = median(values.slice(0, third));
  const last = median(values.slice(-third));
  if (last <= first * thirdsRatioMax || last - first <= noise) return [];
  return [`${text}: ${inMib(first)} MiB in the first third, ${inMib(last)} MiB in the last`];
}

/** Theil and Sen: the median of the slopes between all pairs, which no single odd sample moves. */
export function medianSlope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const slopes = points.flatMap((a, at) =>
    points.slice(at + 1).filter((b) => b.x > a.x).map((b) => (b.y - a.y) / (b.x - a.x))
  );
  return slopes.length === 0 ? 0 : median(slopes);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function inMib(bytes: number): string {
  return (bytes / mib).toFixed(2);
}

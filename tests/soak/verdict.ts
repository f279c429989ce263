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

interface MemoryBound {
  readonly name: "residentBytes" | "heapBytes" | "nativeBytes" | "externalBytes";
  readonly text: string;
  /** Bytes for every ten minutes that it may climb, by the slope over the samples judged. */
  readonly perTenMinutes: number;
  /** Climbing by less than this in all is what garbage collectors, allocators and caches do. */
  readonly noise: number;
}

/**
 * A leak of one small object (200 bytes) with each change makes, at five changes a second, 0.6 MB in ten minutes. What
 * the heap and malloc have given out climbed by 0.1 MB in ten minutes in half an hour, slower towards the end, so they
 * are watched more closely than resident memory, which also holds what lies in fragments between.
 *
 * Resident memory is close to its bound: two runs of half an hour from one seed climbed by 1.13 and by 0.99 MB in ten
 * minutes. Whether that ends is not known from them; a longer run can tell. The bound is not to be raised before.
 */
const memoryBounds: readonly MemoryBound[] = [
  { name: "residentBytes", text: "resident memory", perTenMinutes: mib, noise: mib },
  { name: "heapBytes", text: "JavaScript heap", perTenMinutes: mib / 4, noise: mib / 4 },
  { name: "nativeBytes", text: "malloc", perTenMinutes: mib / 4, noise: mib / 4 },
  { name: "externalBytes", text: "external memory", perTenMinutes: mib / 4, noise: mib / 4 },
];
/**
 * Until then memory climbs fastest without any leak: code is compiled and its pages are read when they are first
 * needed, and what needs them may be rare. In two runs 8 MB came together in ten minutes, and 2 MB in the twenty after.
 */
const warmAfterMinutes = 10;
const warmSamplesMin = 4;
/** The median of the last third above that of the first: when warm, and in a run too short for that. */
const thirdsRatioMax = { warm: 1.05, cold: 1.15 } as const;

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
  const warm = samples.filter(({ minutes }) => minutes >= warmAfterMinutes);
  const isWarm = warm.length >= warmSamplesMin;
  const judged = isWarm ? warm : samples;
  return [
    ...(isWarm ? slopeProblem(judged, bound) : []),
    ...thirdsProblem(judged, bound, isWarm ? thirdsRatioMax.warm : thirdsRatioMax.cold),
  ];
}

function slopeProblem(
  samples: readonly Sample[],
  { name, text, perTenMinutes, noise }: MemoryBound,
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
  ratioMax: number,
): string[] {
  const values = samples.map((sample) => sample[name]);
  const third = Math.ceil(values.length / 3);
  const first = median(values.slice(0, third));
  const last = median(values.slice(-third));
  if (last <= first * ratioMax || last - first <= noise) return [];
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

/** Samples as an aligned table, a row each; the first is the baseline. */
import { descriptorKinds, type Sample } from "./sample.ts";

const mib = 2 ** 20;

const columns: readonly (readonly [title: string, valueOf: (sample: Sample) => string | number])[] = [
  ["min", ({ minutes }) => minutes.toFixed(1)],
  ["changes", ({ changes }) => changes],
  ["healed s", ({ healedMs }) => (healedMs / 1_000).toFixed(1)],
  ["paths", ({ paths }) => paths],
  ["descriptors", ({ descriptors }) => descriptorKinds.reduce((sum, kind) => sum + descriptors[kind], 0)],
  ...descriptorKinds.map((kind) => [kind, ({ descriptors }: Sample) => descriptors[kind]] as const),
  ["threads", ({ threads }) => threads],
  ["timers", ({ timers }) => timers],
  ["sessions", ({ liveSessions }) => liveSessions],
  ["probes", ({ probes }) => probes],
  ["connects", ({ connects }) => connects],
  ["names", ({ resolutions }) => resolutions],
  ["heap MiB", ({ heapBytes }) => (heapBytes / mib).toFixed(2)],
  ["external MiB", ({ externalBytes }) => (externalBytes / mib).toFixed(2)],
  ["malloc MiB", ({ nativeBytes }) => (nativeBytes / mib).toFixed(2)],
  ["files MiB", ({ fileBytes }) => (fileBytes / mib).toFixed(1)],
  ["resident MiB", ({ residentBytes }) => (residentBytes / mib).toFixed(1)],
];

export function formatSamples(samples: readonly Sample[]): string {
  const rows = [
    columns.map(([title]) => title),
    ...samples.map((sample) => columns.map(([, valueOf]) => String(valueOf(sample)))),
  ];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows.map((row) => row.map((cell, at) => cell.padStart(widths[at]!)).join("  ")).join("\n");
}

/** One line about the newest. */
export function describeSample(sample: Sample): string {
  const { minutes, changes, descriptors, timers, liveSessions, healedMs } = sample;
  const open = descriptorKinds.reduce((sum, kind) => sum + descriptors[kind], 0);
  return `${minutes.toFixed(1)} min, ${changes} changes: well after ${(healedMs / 1_000).toFixed(1)} s; ` +
    `${open} descriptors, ${timers} timers, ${liveSessions} sessions, ` +
    `heap ${(sample.heapBytes / mib).toFixed(2)} MiB, resident ${
      (sample.residentBytes / mib).toFixed(1)
    } MiB`;
}

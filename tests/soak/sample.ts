/**
 * One count of everything an agent holds while all is well. What is merely passing is no leak, be it a socket for one
 * reading of the kernel, or the absence of the timer that is set anew when a scan ends: everything is counted several
 * times over some seconds, and the middle counts; of memory the least, since garbage is no leak either.
 */
import { pause } from "../faults/waiting.ts";
import type { AgentHolds } from "./agent_holds.ts";
import type { SoakHost } from "./soak_host.ts";

export const descriptorKinds = ["socket", "inotify", "pipe", "file", "other"] as const;
export type DescriptorKind = typeof descriptorKinds[number];

export interface Sample extends AgentHolds {
  /** Since the first change, minutes. */
  readonly minutes: number;
  /** Changes made so far. */
  readonly changes: number;
  /** Until all was well after the last change, ms. */
  readonly healedMs: number;
  /** Paths offered, and live. */
  readonly paths: number;
  readonly descriptors: Readonly<Record<DescriptorKind, number>>;
  readonly threads: number;
  readonly residentBytes: number;
  /** Of these, pages of files: the program's code, as far as it was needed. */
  readonly fileBytes: number;
}

export type Counted = Omit<Sample, "minutes" | "changes" | "healedMs" | "paths">;

/** Several counts within so many ms, as one. */
export async function countQuietly(soak: SoakHost, windowMs: number, times = 10): Promise<Counted> {
  const counts: Counted[] = [];
  for (let time = 0; time < times; time++) {
    if (time > 0) await pause(windowMs / (times - 1));
    soak.checkAlive();
    counts.push(await count(soak));
  }
  return mergeCounts(counts);
}

async function count(soak: SoakHost): Promise<Counted> {
  // Collects the garbage; counted from outside afterwards.
  const holds = await soak.holds();
  const { pid } = soak.agent;
  const { threads, residentBytes } = await soak.agent.counts();
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const fileBytes = Number(/^RssFile:\s+(\d+)/m.exec(status)?.[1] ?? NaN) * 1024;
  return { ...holds, descriptors: await countDescriptors(pid), threads, residentBytes, fileBytes };
}

/** All but those of the pipe on which we ask: the runtime holds it twice while it reads. */
async function countDescriptors(pid: number): Promise<Record<DescriptorKind, number>> {
  const asking = await Deno.readLink(`/proc/${pid}/fd/0`);
  const counts: Record<DescriptorKind, number> = { socket: 0, inotify: 0, pipe: 0, file: 0, other: 0 };
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => null);
    // It was closed meanwhile.
    if (target !== null && target !== asking) counts[kindOf(target)]++;
  }
  return counts;
}

export function kindOf(target: string): DescriptorKind {
  if (target.startsWith("socket:")) return "socket";
  if (target.startsWith("pipe:")) return "pipe";
  if (target.includes("inotify")) return "inotify";
  return target.startsWith("/") ? "file" : "other";
}

const memory: readonly string[] = ["residentBytes", "fileBytes", "heapBytes", "externalBytes", "nativeBytes"];

/** Each figure by itself. */
export function mergeCounts(counts: readonly Counted[]): Counted {
  const { descriptors, ...figures } = counts[0]!;
  const merged = Object.keys(figures).map((name) => {
    const values = counts.map((one) => one[name as keyof typeof figures]);
    return [name, memory.includes(name) ? Math.min(...values) : middle(values)];
  });
  const kinds = Object.keys(descriptors).map((kind) => [
    kind,
    middle(counts.map((one) => one.descriptors[kind as DescriptorKind])),
  ]);
  return { ...Object.fromEntries(merged), descriptors: Object.fromEntries(kinds) };
}

/** The lower of the two where there are two. */
function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
}

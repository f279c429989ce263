/**
 * One count of everything an agent holds while all is well. What is merely passing, a reading of the kernel or a save,
 * is not a leak: everything is counted several times over some seconds, and the least counts.
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
}

type Counted = Omit<Sample, "minutes" | "changes" | "healedMs" | "paths">;

/** The least of several counts within so many ms. */
export async function countQuietly(soak: SoakHost, windowMs: number, times = 10): Promise<Counted> {
  let least: Counted | null = null;
  for (let time = 0; time < times; time++) {
    if (time > 0) await pause(windowMs / (times - 1));
    soak.checkAlive();
    const counted = await count(soak);
    least = least === null ? counted : lesser(least, counted);
  }
  return least!;
}

async function count(soak: SoakHost): Promise<Counted> {
  // Collects the garbage; counted from outside afterwards.
  const holds = await soak.holds();
  const { pid } = soak.agent;
  const { threads, residentBytes } = await soak.agent.counts();
  return { ...holds, descriptors: await countDescriptors(pid), threads, residentBytes };
}

async function countDescriptors(pid: number): Promise<Record<DescriptorKind, number>> {
  const counts: Record<DescriptorKind, number> = { socket: 0, inotify: 0, pipe: 0, file: 0, other: 0 };
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => null);
    // It was closed meanwhile.
    if (target !== null) counts[kindOf(target)]++;
  }
  return counts;
}

export function kindOf(target: string): DescriptorKind {
  if (target.startsWith("socket:")) return "socket";
  if (target.startsWith("pipe:")) return "pipe";
  if (target.includes("inotify")) return "inotify";
  return target.startsWith("/") ? "file" : "other";
}

/** Each figure by itself. */
function lesser(a: Counted, b: Counted): Counted {
  return Object.fromEntries(
    Object.entries(a).map(([name, value]) => {
      const other = b[name as keyof Counted];
      return [name, typeof value === "number" ? Math.min(value, other as number) : leastOf(value, b)];
    }),
  ) as unknown as Counted;
}

function leastOf(a: Counted["descriptors"], { descriptors: b }: Counted): Counted["descriptors"] {
  return Object.fromEntries(
    descriptorKinds.map((kind) => [kind, Math.min(a[kind], b[kind])]),
  ) as Counted["descriptors"];
}

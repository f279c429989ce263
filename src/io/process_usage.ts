/** What this process takes of its host, from /proc. What cannot be read is left out; throws nothing. */

/** Ticks a second of the times in /proc: USER_HZ, 100 on every architecture that Deno runs on. */
const ticksPerSecond = 100;

export interface ProcessUsage {
  readonly cpuSeconds?: number;
  readonly residentBytes?: number;
  readonly virtualBytes?: number;
  readonly heapBytes?: number;
  readonly openFiles?: number;
  readonly openFilesMax?: number;
  readonly startSeconds?: number;
}

export async function readProcessUsage(): Promise<ProcessUsage> {
  const [stat, limits, openFiles] = await Promise.all([
    textOf("/proc/self/stat"),
    textOf("/proc/self/limits"),
    countOf("/proc/self/fd"),
  ]);
  const { rss, heapUsed } = Deno.memoryUsage();
  return {
    ...cpuAndMemory(stat),
    residentBytes: rss,
    heapBytes: heapUsed,
    openFiles,
    openFilesMax: numberOf(/^Max open files +(\d+)/m.exec(limits)?.[1]),
    startSeconds: performance.timeOrigin / 1_000,
  };
}

/** proc_pid_stat(5): fields from the state on, behind the command's name, which may hold anything. */
function cpuAndMemory(stat: string): ProcessUsage {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime (14), stime (15), vsize (23); the state is field 3.
  const [utime, stime, vsize] = [14, 15, 23].map((field) => numberOf(fields[field - 3]));
  return {
    ...utime !== undefined && stime !== undefined && { cpuSeconds: (utime + stime) / ticksPerSecond },
    virtualBytes: vsize,
  };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return "";
  }
}

async function countOf(directory: string): Promise<number | undefined> {
  try {
    let count = 0;
    for await (const _ of Deno.readDir(directory)) count++;
    // One of them was for looking.
    return count - 1;
  } catch {
    return undefined;
  }
}

export function runtimeVersion(): string {
  return Deno.version.deno;
}

export function processId(): number {
  return Deno.pid;
}

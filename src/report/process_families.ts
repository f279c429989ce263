/** What this process takes of its host, under the names that every Prometheus client gives them. */
import { counter, gauge, type MetricFamily } from "./metric_family.ts";

/** What the system cannot tell is left out. */
export interface ProcessUsage {
  readonly cpuSeconds?: number;
  readonly residentBytes?: number;
  readonly virtualBytes?: number;
  readonly heapBytes?: number;
  readonly openFiles?: number;
  readonly openFilesMax?: number;
  /** Wall clock. */
  readonly startSeconds?: number;
}

export function processFamilies(usage: ProcessUsage): MetricFamily[] {
  const families: MetricFamily[] = [];
  const add = (make: typeof gauge, name: string, help: string, value: number | undefined) => {
    if (value !== undefined) families.push(make(name, help, value));
  };
  add(counter, "process_cpu_seconds_total", "User and system CPU time spent, seconds", usage.cpuSeconds);
  add(gauge, "process_resident_memory_bytes", "Resident memory, bytes", usage.residentBytes);
  add(gauge, "process_virtual_memory_bytes", "Virtual memory, bytes", usage.virtualBytes);
  add(gauge, "process_heap_bytes", "JavaScript heap in use, bytes", usage.heapBytes);
  add(gauge, "process_open_fds", "Open file descriptors", usage.openFiles);
  add(gauge, "process_max_fds", "Most file descriptors that can be open", usage.openFilesMax);
  add(
    gauge,
    "process_start_time_seconds",
    "When the process started, seconds since 1970",
    usage.startSeconds,
  );
  return families;
}

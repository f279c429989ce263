/**
 * Profiles of this process by the engine's own inspector, without opening any port. It is loaded and connected for
 * the time of a profile only.
 *
 * A heap snapshot holds every string of the process, and so every secret. Its strings are blanked here, and no one
 * gets to see it before.
 */
import type { Session } from "node:inspector";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import type { Profiler } from "../model/profiler.ts";
import { withSourceFrame } from "./source_lines.ts";

/** Bytes between two samples of the heap, on average; V8's own. */
const heapSamplingBytes = 32 * 1024;

export class InspectorProfiler implements Profiler {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  cpuProfile(durationMs: number, signal: AbortSignal): Promise<string> {
    return withSession(async (session) => {
      await post(session, "Profiler.enable");
      await post(session, "Profiler.start");
      await this.#wait(durationMs, signal);
      const { profile } = await post<{ profile: unknown }>(session, "Profiler.stop");
      await post(session, "Profiler.disable");
      return profileText(profile);
    });
  }

  heapProfile(durationMs: number, signal: AbortSignal): Promise<string> {
    return withSession(async (session) => {
      await post(session, "HeapProfiler.enable");
      await post(session, "HeapProfiler.startSampling", { samplingInterval: heapSamplingBytes });
      await this.#wait(durationMs, signal);
      const { profile } = await post<{ profile: unknown }>(session, "HeapProfiler.stopSampling");
      await post(session, "HeapProfiler.disable");
      return profileText(profile);
    });
  }

  heapSnapshot(): Promise<string> {
    return withSession(async (session) => {
      const chunks: string[] = [];
      session.on("HeapProfiler.addHeapSnapshotChunk", ({ params }) => void chunks.push(params.chunk));
      await post(session, "HeapProfiler.enable");
      // What the engine works at does not keep an event loop alive in which nothing else waits.
      const patience = this.#clock.setTimer(limits.httpHandlerTimeoutMs, () => {});
      await post(session, "HeapProfiler.takeHeapSnapshot", { reportProgress: false })
        .finally(() => patience.cancel());
      await post(session, "HeapProfiler.disable");
      return withoutStrings(chunks.join(""));
    });
  }

  #wait(durationMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const finish = () => {
        timer.cancel();
        signal.removeEventListener("abort", finish);
        resolve();
      };
      const timer = this.#clock.setTimer(durationMs, finish);
      signal.addEventListener("abort", finish);
    });
  }
}

/** As JSON, with the places of our source in it. */
function profileText(profile: unknown): string {
  return JSON.stringify(profile, (key, value) => key === "callFrame" ? withSourceFrame(value) : value);
}

async function withSession<T>(action: (session: Session) => Promise<T>): Promise<T> {
  const { Session } = await import("node:inspector");
  const session = new Session();
  session.connect();
  try {
    return await action(session);
  } finally {
    session.disconnect();
  }
}

function post<Result>(session: Session, method: string, params: object = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    session.post(method, params, (error: Error | null, result?: unknown) => {
      if (error === null) resolve(result as Result);
      else reject(error);
    });
  });
}

interface HeapSnapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
      readonly edge_fields: readonly string[];
      readonly edge_types: readonly [readonly string[], ...unknown[]];
    };
  };
  /** So many numbers a node, in the order of `node_fields`; edges likewise. */
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
  readonly strings: string[];
}

/** Types of nodes whose name is the text of a value, and of edges whose name is a number; V8's words. */
const textTypes = new Set(["string", "concatenated string", "sliced string", "regexp", "symbol", "bigint"]);
const numberedTypes = new Set(["element", "hidden"]);

/** The snapshot with the text of every string blanked; names of classes, functions and properties stay. */
export function withoutStrings(text: string): string {
  const snapshot = JSON.parse(text) as HeapSnapshot;
  const { nodes, edges, strings, snapshot: { meta } } = snapshot;
  const names = new Set<number>();
  const texts = new Set<number>();
  forEach(nodes, meta.node_fields, meta.node_types[0], "name", (type, name) => {
    (textTypes.has(type) ? texts : names).add(name);
  });
  forEach(edges, meta.edge_fields, meta.edge_types[0], "name_or_index", (type, name) => {
    if (!numberedTypes.has(type)) names.add(name);
  });
  for (const index of texts) if (!names.has(index)) strings[index] = "";
  return JSON.stringify(snapshot);
}

function forEach(
  numbers: readonly number[],
  fields: readonly string[],
  types: readonly string[],
  nameField: string,
  take: (type: string, name: number) => void,
): void {
  const [typeAt, nameAt] = [fields.indexOf("type"), fields.indexOf(nameField)];
  assert(typeAt >= 0 && nameAt >= 0 && fields.length > 0, "The engine's heap snapshots have another form");
  for (let at = 0; at < numbers.length; at += fields.length) {
    take(types[numbers[at + typeAt]!] ?? "", numbers[at + nameAt]!);
  }
}

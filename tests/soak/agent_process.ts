/**
 * The agent of a soak: the program as `main.ts` runs it, its kernel the process listening at $FAULT_KERNEL, and beside
 * it somebody who counts what it holds and tells it when asked on stdin. It counts from outside: the clock's timers
 * as they are set and end, the agent's own facts as they stand. Ends with stdin, that is with whoever started it.
 *
 * With $SOAK_LEAK it leaks on purpose, to show that a soak sees it (`leak.ts`).
 */
import { Agent } from "../../src/agent/agent.ts";
import { bugText, runCli } from "../../src/cli/run_cli.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { RemoteKernel } from "../faults/kernel_wire.ts";
import { answerRequests } from "../faults/process_requests.ts";
import type { AgentHolds } from "./agent_holds.ts";
import { leak } from "./leak.ts";

const timers = new Set<symbol>();
const { setTimer } = RealClock.prototype;
RealClock.prototype.setTimer = function (this: RealClock, delayMs, callback) {
  const mark = Symbol();
  timers.add(mark);
  const timer = setTimer.call(this, delayMs, () => {
    timers.delete(mark);
    callback();
  });
  return {
    cancel(): void {
      timers.delete(mark);
      timer.cancel();
    },
  };
};

let agent: Agent | undefined;
const { start } = Agent.prototype;
Agent.prototype.start = function (this: Agent) {
  agent = this;
  return start.call(this);
};
leak(Deno.env.get("SOAK_LEAK"));

function holds(): AgentHolds | null {
  if (agent === undefined) return null;
  const { sessions, probes, connects, resolutions, entries, list, controllers } = agent.facts;
  const states = [...sessions.values()];
  const members = [...list.values()].flatMap((cluster) => cluster.members);
  return {
    timers: timers.size,
    sessions: states.length,
    liveSessions: states.filter(({ state, logCurrent }) => state === "live" && logCurrent).length,
    entries: entries?.length ?? 0,
    clusters: list.size,
    endpoints: members.filter(({ retired }) => !retired).length,
    resolutions: resolutions.size,
    probes: probes.size,
    connects: connects.size,
    busy: [...probes.values()].filter(({ probing }) => probing).length +
      [...connects.values()].filter(({ state }) => state === "connecting").length,
    controllers: controllers?.list.length ?? 0,
    ...memory(),
  };
}

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  malloc_trim: { parameters: ["usize"], result: "i32" },
  // struct mallinfo2: ten counters, the eighth is uordblks, the bytes in use in all arenas.
  mallinfo2: { parameters: [], result: { struct: Array(10).fill("usize") as "usize"[] } },
});

/**
 * What is in use, and not what V8 (with --expose-gc) and the allocator keep for later: they keep now more, now less,
 * by 15 MB, which would hide a leak of less.
 */
function memory(): Pick<AgentHolds, "heapBytes" | "externalBytes" | "nativeBytes"> {
  const { gc } = globalThis as { gc?: (options: Record<string, string>) => void };
  // What finalizers let go of is collected the second time.
  for (let time = 0; time < 2; time++) gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
  libc.malloc_trim(0n);
  const { heapUsed, external } = Deno.memoryUsage();
  const counters = new BigUint64Array(libc.mallinfo2().buffer);
  return { heapBytes: heapUsed, externalBytes: external, nativeBytes: Number(counters[7]) };
}

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
}

const bugListeners: ((error: unknown) => void)[] = [];
for (const type of ["error", "unhandledrejection"]) {
  globalThis.addEventListener(type, (event) => {
    event.preventDefault();
    const error = event instanceof PromiseRejectionEvent ? event.reason : (event as ErrorEvent).error;
    write(bugText(error));
    for (const listener of bugListeners) listener(error);
    Deno.exit(1);
  });
}

const path = Deno.env.get("FAULT_KERNEL");
if (path === undefined) throw new Error("FAULT_KERNEL is not set");
answerRequests({ holds }).then(() => Deno.exit(71));
const output = { write, isTerminal: false, columns: undefined };
Deno.exit(
  await runCli({
    args: Deno.args,
    env: Deno.env.toObject(),
    stdout: output,
    stderr: output,
    onBug: (listener) => void bugListeners.push(listener),
    kernel: new RemoteKernel(path),
  }),
);

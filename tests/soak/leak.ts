/** Leaks put into the soak's own agent, one kind at a time, so that one can see a soak find them. */
import { FactStore } from "../../src/agent/fact_store.ts";
import { RealClock } from "../../src/io/real_clock.ts";

const hourMs = 3_600_000;
const kept: unknown[] = [];

/** What is left behind at every log that is read. */
const leaks: Readonly<Record<string, (clock: RealClock, logs: number) => void>> = {
  timer: (clock) => void clock.setTimer(hourMs, () => {}),
  socket: () => void kept.push(Deno.listen({ hostname: "127.0.0.1", port: 0 })),
  file: () => void kept.push(Deno.openSync("/dev/null")),
  memory: (_, logs) => void kept.push(Array.from({ length: 500 }, (_, at) => `${logs} ${at} of a log`)),
};

/** Nothing where no kind is given. Throws when there is no such kind. */
export function leak(kind: string | undefined): void {
  if (kind === undefined) return;
  const leave = leaks[kind];
  if (leave === undefined) throw new Error(`There is no leak ${kind}, only ${Object.keys(leaks).join(", ")}`);
  const clock = new RealClock();
  let logs = 0;
  const { recordSessionEvent } = FactStore.prototype;
  FactStore.prototype.recordSessionEvent = function (this: FactStore, key, event, nowMs) {
    if (event.kind === "log") leave(clock, ++logs);
    return recordSessionEvent.call(this, key, event, nowMs);
  };
}

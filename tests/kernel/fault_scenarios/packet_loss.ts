/**
 * Packets are lost, late, in the wrong order or there twice, in both directions, for discovery and for the kernel's
 * own connections. Under each of these everything is built from nothing.
 */
import { FaultRun } from "../fault_run.ts";
import { deleteAllControllers, lookForEachOnce } from "../initiator.ts";
import { impair, impairment, impairNothing } from "../network.ts";
import { formatSeconds, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const packetLoss: Scenario = {
  name: "packet-loss",
  title: "packets lost (10 %), delayed, reordered, duplicated: everything connects, changes are noticed",
  seconds: 90,
  fullSeconds: 250,
  ci: true,
  limitMs: 600_000,
  run: async (lab) => await strikeAll(lab, impairments, lab.full ? () => 3 : ({ drops }) => drops ? 2 : 1),
};

export const heavyLoss: Scenario = {
  name: "heavy-loss",
  title: "30 % of all packets lost in each direction: every path lives some time, all are live after it",
  seconds: 240,
  fullSeconds: 400,
  limitMs: 1_200_000,
  run: async (lab) => await strikeAll(lab, [heavy], () => lab.full ? 2 : 1),
};

interface Impairment {
  readonly fault: string;
  /** As tc-netem(8) has it. */
  readonly words: string;
  /** Until each path has been live while it lasts, ms. The kernel connects one by one. */
  readonly limitMs: number;
  readonly drops: boolean;
}

const impairments: readonly Impairment[] = [
  { fault: "packet loss 10 %", words: "loss 10%", limitMs: 90_000, drops: true },
  { fault: "delay 100 ms ± 50 ms", words: "delay 100ms 50ms", limitMs: 90_000, drops: false },
  {
    fault: "25 % reordered, 10 % duplicated",
    words: "delay 20ms reorder 25% 50% duplicate 10%",
    limitMs: 90_000,
    drops: false,
  },
];

/** A command of the kernel's waits up to a minute then, with all connects behind it; keep alives fail now and then. */
const heavy: Impairment = { fault: "packet loss 30 %", words: "loss 30%", limitMs: 400_000, drops: true };

async function strikeAll(
  lab: Lab,
  all: readonly Impairment[],
  timesOf: (one: Impairment) => number,
): Promise<string> {
  const run = await FaultRun.start(lab, { settings: { kato: 10 } });
  lab.cleanups.push(["Cannot end the impairment", impairNothing]);
  for (const one of all) await strike(run, one, timesOf(one));
  return run.summary;
}

async function strike(
  run: FaultRun,
  { fault, words, limitMs, drops }: Impairment,
  times: number,
): Promise<void> {
  const underMs: number[] = [];
  await run.repeat({
    fault,
    times,
    // Behind the kernel's own reconnect_delay of 10 s, and its connects that have not given up yet.
    limitMs: 90_000,
    checked:
      "meanwhile sessions and controllers built from nothing, each path live, a subsystem added and noticed",
    strike: async () => {
      const comeBack = await Promise.all(run.fabric.nodes.map((node) => run.fabric.vanish(node)));
      await until("all sessions are lost", 20_000, () => run.lookForNoSession());
      await deleteAllControllers();
      await impair(words);
      for (const back of comeBack) await back();
      const each = lookForEachOnce(run.fabric.paths(run.linked));
      underMs.push(await until(`each path has been live under ${fault}`, limitMs, each));
      await run.noticeChange(limitMs);
      const seen = await impairment();
      expect(seen.sent > 100, `Precondition: ${seen.sent} packets went through the impairment`);
      expect(!drops || seen.dropped > 5, `Precondition: ${seen.dropped} of ${seen.sent} packets were lost`);
    },
    end: impairNothing,
  });
  run.addSummary(`each path live under it after at most ${formatSeconds(Math.max(...underMs))}`);
}

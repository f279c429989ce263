/**
 * Packets are lost, late, in the wrong order or there twice, in both directions, for discovery and for the kernel's
 * own connections. Under each of these everything is torn down and built again.
 */
import { FaultRun } from "../fault_run.ts";
import { deleteAllControllers } from "../initiator.ts";
import { impair, impairment, impairNothing } from "../network.ts";
import { formatSeconds, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const packetLoss: Scenario = {
  name: "packet-loss",
  title: "packets lost, delayed, reordered, duplicated: everything connects, changes are noticed",
  seconds: 70,
  fullSeconds: 240,
  ci: true,
  limitMs: 600_000,
  run,
};

interface Impairment {
  readonly fault: string;
  /** As tc-netem(8) has it. */
  readonly words: string;
  /** Until all paths are live again while it lasts, ms. The kernel connects one by one, each waits for lost SYNs. */
  readonly limitMs: number;
  readonly drops: boolean;
}

const impairments: readonly Impairment[] = [
  { fault: "packet loss 10 %", words: "loss 10%", limitMs: 60_000, drops: true },
  { fault: "packet loss 30 %", words: "loss 30%", limitMs: 180_000, drops: true },
  { fault: "delay 100 ms ± 50 ms", words: "delay 100ms 50ms", limitMs: 60_000, drops: false },
  {
    fault: "reordered 25 %, duplicated 10 %",
    words: "delay 20ms reorder 25% 50% duplicate 10%",
    limitMs: 60_000,
    drops: false,
  },
];

async function run(lab: Lab): Promise<string> {
  const run = await FaultRun.start(lab);
  lab.cleanups.push(["Cannot end the impairment", impairNothing]);
  for (const one of impairments) await strike(run, one, lab.full ? 4 : 2);
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
    limitMs: 30_000,
    checked: `meanwhile all sessions and controllers lost and built again within ${
      limitMs / 1_000
    } s, a change`,
    strike: async () => {
      await impair(words);
      const comeBack = await Promise.all(run.fabric.nodes.map((node) => run.fabric.vanish(node)));
      await deleteAllControllers();
      await until(
        "all sessions are lost",
        20_000,
        async () =>
          await run.lookForSessions([]) ?? (await run.lookForSessions() === null ? "sessions" : null),
      );
      for (const back of comeBack) await back();
      underMs.push(await until(`all is well under ${fault}`, limitMs, () => run.lookForWell()));
      await run.noticeChange(limitMs);
      const seen = await impairment();
      expect(seen.sent > 100, `Precondition: ${seen.sent} packets went through the impairment`);
      expect(!drops || seen.dropped > 5, `Precondition: ${seen.dropped} of ${seen.sent} packets were lost`);
    },
    end: impairNothing,
  });
  run.addSummary(`built again under it in at most ${formatSeconds(Math.max(...underMs))}`);
}

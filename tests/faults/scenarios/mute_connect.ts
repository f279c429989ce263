/**
 * A target answers ICReq and then no I/O Connect: the kernel asks it all the same, and holds its one lock until its
 * own patience ends (Linux 60 s; here 2 s). Nobody can know before the first has failed, and the two that may be under
 * way at one address are lost; then the agent asks by itself, and nobody waits any more.
 */
import { assert } from "../../assert.ts";
import type { Scenario } from "../scenario.ts";
import { until } from "../waiting.ts";

/** The kernel's patience with one Connect. */
const connectMs = 2_000;
/** Connects that may be under way at one address when it falls mute. */
const lostMax = 2;
/** A change at the others, once it is known: far below the kernel's patience. */
const othersMs = 1_500;

export const muteConnect: Scenario = {
  name: "mute-connect",
  about: "a target answers ICReq and no I/O Connect: the kernel's lock is held once, and then no more",
  run: async (run) => {
    const host = await run.host({ nodes: 3, subsystems: 4, connectMs });
    await host.begin();
    const unanswered = async () => (await host.kernelState()).counts.results.EIO ?? 0;
    await run.repeat(host, {
      fault: "target answers ICReq and no I/O Connect, eight paths",
      times: run.full ? 5 : 1,
      limitMs: 60_000,
      checked:
        "at most two connects wait for it, once; then each change at the other two noticed before one would be given up; paths, sessions, list",
      strike: async (time) => {
        const before = await unanswered();
        // For connections made from now on: the session goes on, and names the path.
        await host.change("setFaults", "n2", [{ at: "connect", kind: "silent" }]);
        for (let path = 0; path < 8; path++) {
          await host.change("addSubsystem", `nqn.2024-01.org.example:mute-${time}-${path}`, {
            nodes: ["n2"],
          });
        }
        await until("the first Connect is given up", (lostMax + 2) * connectMs, async () => {
          const { counts } = await host.kernelState();
          return (counts.results.EIO ?? 0) > before && counts.inFlight === 0 ? null : "it is not";
        });
        for (let turn = 0; turn < 6; turn++) {
          const seenMs = await host.noticeChange(othersMs, ["n1", "n3"]);
          run.say(`seen at the others after ${seenMs.toFixed()} ms`);
        }
        const lost = (await unanswered()) - before;
        assert(lost <= lostMax, `${lost} connects were left without an answer, at most ${lostMax} can be`);
        assert(await host.pathProblem(["n2"]) !== null, "The mute path is live");
      },
      end: () => host.change("setFaults", "n2", []),
    });
  },
};

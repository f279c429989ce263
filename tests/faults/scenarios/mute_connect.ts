/**
 * A target answers ICReq and then no I/O Connect: the kernel asks it all the same, and holds its one lock until its
 * own patience ends (Linux 60 s; here 2 s). Others wait for that, at most once each; nothing else suffers.
 */
import { assert } from "../../assert.ts";
import type { Scenario } from "../scenario.ts";
import { until } from "../waiting.ts";

/** The kernel's patience with one Connect. */
const connectMs = 2_000;
const othersMs = connectMs + 2_000;

export const muteConnect: Scenario = {
  name: "mute-connect",
  about: "a target answers ICReq and no I/O Connect: the kernel's lock is held meanwhile",
  run: async (run) => {
    const host = await run.host({ nodes: 3, subsystems: 4, connectMs });
    await host.begin();
    await run.repeat(host, {
      fault: "target answers ICReq and no I/O Connect, eight paths",
      times: run.full ? 5 : 1,
      limitMs: 60_000,
      noticeMs: othersMs,
      checked:
        "changes at the other two noticed within the kernel's wait for one Connect; paths, sessions, list",
      strike: async (time) => {
        // For connections made from now on: the session goes on, and names the path.
        await host.change("setFaults", "n2", [{ at: "connect", kind: "silent" }]);
        for (let path = 0; path < 8; path++) {
          await host.change("addSubsystem", `nqn.2024-01.org.example:mute-${time}-${path}`, {
            nodes: ["n2"],
          });
        }
        // Until the first has failed nobody knows: as many as may be under way are asked.
        await until("the first Connect is given up", 6 * othersMs, async () => {
          const { results, inFlight } = (await host.kernelState()).counts;
          return (results.EIO ?? 0) > 3 && inFlight <= 1 ? null : "it is not";
        });
        for (let turn = 0; turn < 6; turn++) {
          const seenMs = await host.noticeChange(othersMs, ["n1", "n3"]);
          run.say(`seen at the others after ${seenMs.toFixed()} ms`);
        }
        const { results } = (await host.kernelState()).counts;
        assert((results.EIO ?? 0) > 0, "No Connect was left without an answer");
        assert(await host.pathProblem(["n2"]) !== null, "The mute path is live");
      },
      end: () => host.change("setFaults", "n2", []),
    });
  },
};

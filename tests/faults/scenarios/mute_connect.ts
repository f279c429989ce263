/**
 * A target answers ICReq and then no I/O Connect: the kernel asks it all the same, and holds its one lock until its
 * own patience ends (Linux 60 s; the stand-in 15 s). Others wait for that, at most once each; nothing else suffers.
 */
import { assert } from "../../assert.ts";
import type { Scenario } from "../scenario.ts";

/** The kernel's patience with one Connect, and a little. */
const othersMs = 20_000;

export const muteConnect: Scenario = {
  name: "mute-connect",
  about: "a target answers ICReq and no I/O Connect: the kernel's lock is held meanwhile",
  run: async (run) => {
    const host = await run.host({ nodes: 3, subsystems: 4 });
    await host.begin();
    await run.repeat(host, {
      fault: "target answers ICReq and no I/O Connect, one path",
      times: run.full ? 5 : 1,
      limitMs: 60_000,
      noticeMs: othersMs,
      checked:
        "changes at the other two noticed within the kernel's wait for one Connect; paths, sessions, list",
      strike: async (time) => {
        // For connections made from now on: the session goes on, and names the path.
        await host.change("setFaults", "n2", [{ at: "connect", kind: "silent" }]);
        await host.change("addSubsystem", `nqn.2024-01.org.example:mute-${time}`, { nodes: ["n2"] });
        for (let turn = 0; turn < 3; turn++) {
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

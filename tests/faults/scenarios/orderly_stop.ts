/** The agent is asked to stop while something is broken: it ends soon, orderly, and leaves the controllers alone. */
import { assert } from "../../assert.ts";
import type { FaultHost } from "../fault_host.ts";
import type { Scenario } from "../scenario.ts";
import { pause } from "../waiting.ts";

/** A stop, whatever is broken: its own bound is 5 s. */
const limitMs = 7_000;

interface Breakage {
  readonly what: string;
  readonly strike: (host: FaultHost) => Promise<void>;
  readonly end: (host: FaultHost) => Promise<void>;
}

const all = ["n1", "n2", "n3"];

const breakages: readonly Breakage[] = [
  {
    what: "all targets stopped",
    strike: async (host) => void await Promise.all(all.map((id) => host.targets.pause(id))),
    end: (host) => Promise.resolve(all.forEach((id) => host.targets.resume(id))),
  },
  {
    what: "every packet dropped",
    strike: (host) => host.namespace.addRule("meta l4proto tcp counter drop"),
    end: (host) => host.namespace.clearRules(),
  },
  {
    what: "all targets killed",
    strike: async (host) => void await Promise.all(all.map((id) => host.targets.kill(id))),
    end: async (host) => void await Promise.all(all.map((id) => host.targets.restart(id))),
  },
  {
    what: "a storm of SIGHUP",
    strike: async (host) => {
      for (let time = 0; time < 300; time++) {
        host.agent.signal("SIGHUP");
        await pause(2);
      }
    },
    end: () => Promise.resolve(),
  },
];

export const orderlyStop: Scenario = {
  name: "orderly-stop",
  about: "SIGTERM while targets are silent, unreachable or gone",
  run: async (run) => {
    const host = await run.host({ nodes: 3, subsystems: 4 });
    const tookMs: number[] = [];
    const times = run.full ? 5 : 1;
    for (let time = 0; time < times; time++) {
      for (const { what, strike, end } of breakages) {
        for (const waitMs of [0, 3_000]) {
          host.startAgent();
          await host.untilWell(`all is well before ${what}`, 30_000);
          const { controllers } = await host.kernelState();
          await strike(host);
          await pause(waitMs);
          const ms = await host.stopAgent();
          tookMs.push(ms);
          run.say(`${what}, after ${waitMs} ms: ended within ${ms.toFixed()} ms`);
          assert(ms < limitMs, `It took ${ms.toFixed()} ms to stop with ${what}`);
          assert((await host.kernelState()).controllers.length === controllers.length, "Controllers went");
          await end(host);
        }
      }
    }
    await host.checkNothingLost();
    run.addRow({
      fault: "SIGTERM while targets are silent, unreachable or gone, or SIGHUP storms",
      tried: tookMs.length,
      recoveredMs: tookMs,
      limitMs,
      lost: await host.lost(),
      checked: "the time is that of the stop; status 0, controllers stay",
    });
  },
};

/**
 * A node answers ICReq at its I/O port and then no Connect. The kernel's connect to it holds the lock over all connects
 * until the kernel's patience ends; after that the agent asks by itself first, and the others wait for nothing more.
 */
import { encodePdu } from "../../../src/nvme/pdu.ts";
import { FaultRun } from "../fault_run.ts";
import { lookForAll } from "../initiator.ts";
import { divertNewConnections, divertNothing, ioPort } from "../network.ts";
import { formatSeconds, until } from "../poll.ts";
import { expect, type Lab, type Scenario } from "../scenario.ts";

export const muteConnect: Scenario = {
  name: "mute-connect",
  title: "a node answers ICReq and no Connect: the kernel's lock is held once, and then no more",
  seconds: 110,
  fullSeconds: 220,
  ci: false,
  limitMs: 600_000,
  run,
};

const mute = 2;
const mutePort = 4_999;
/** nvme_core.admin_timeout is 60 s on a host; with less, the scenario need not last minutes. */
const patienceS = 20;
const changesMeanwhile = 3;
/** Far below the kernel's patience, well above what emulation takes. */
const noticeLimitMs = 10_000;

async function run(lab: Lab): Promise<string> {
  const patience = "/sys/module/nvme_core/parameters/admin_timeout";
  const usual = await Deno.readTextFile(patience);
  await Deno.writeTextFile(patience, String(patienceS));
  const target = new MuteTarget();
  try {
    return await runWith(lab, target);
  } finally {
    await Deno.writeTextFile(patience, usual);
    await target.close();
  }
}

async function runWith(lab: Lab, target: MuteTarget): Promise<string> {
  const run = await FaultRun.start(lab);
  const others = run.fabric.nodes.filter((node) => node !== mute);
  const firstMs: number[] = [];
  const noticedMs: number[] = [];
  let before: string[] = [];
  await run.repeat({
    fault: "node answers ICReq and no Connect",
    times: lab.full ? 3 : 1,
    limitMs: 60_000,
    checked:
      `${changesMeanwhile} changes at the other two noticed while the kernel would wait ${patienceS} s for it; ` +
      "sessions, list; every controller kept",
    strike: async () => {
      before = await run.remember();
      const connects = target.connects;
      await divertNewConnections(run.fabric.address(mute), ioPort, mutePort);
      const stuck = await run.add();
      firstMs.push(
        await until(
          "the first change at the others",
          (patienceS + 20) * 1_000,
          () => lookForAll(run.fabric.paths([stuck], others)),
        ),
      );
      await until("the kernel's Connect, and then the agent's own", (patienceS + 60) * 1_000, () => {
        const came = target.connects - connects;
        return Promise.resolve(came >= 2 ? null : `${came} came`);
      });
      for (let change = 0; change < changesMeanwhile; change++) {
        const nqn = await run.add();
        const look = () => lookForAll(run.fabric.paths([nqn], others));
        noticedMs.push(await until("a change at the others", noticeLimitMs, look));
      }
      expect(await run.lookForPaths() !== null, "Precondition: the mute node was passed");
      expect(await run.lookForSessions() === null, "A discovery session was lost");
    },
    end: divertNothing,
  });
  await run.expectKept(before);
  run.addSummary(
    `the first change seen at the others after at most ${
      formatSeconds(Math.max(...firstMs))
    }, those after it after ` +
      `${formatSeconds(Math.max(...noticedMs))}`,
  );
  return run.summary;
}

/** Answers ICReq, and nothing else. */
class MuteTarget {
  /** Connections on which more than ICReq came. */
  connects = 0;
  readonly #listener = Deno.listen({ hostname: "0.0.0.0", port: mutePort });
  readonly #sockets = new Set<Deno.TcpConn>();
  readonly #done: Promise<void>;

  constructor() {
    this.#done = this.#accept();
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const socket of this.#sockets) socket.close();
    await this.#done;
  }

  async #accept(): Promise<void> {
    try {
      for await (const socket of this.#listener) {
        this.#sockets.add(socket);
        this.#serve(socket).catch(() => {}).finally(() => this.#sockets.delete(socket));
      }
    } catch {
      // It was closed.
    }
  }

  async #serve(socket: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(4_096);
    const icReqBytes = 128;
    let received = 0;
    let answered = false;
    for (;;) {
      const count = await socket.read(buffer);
      if (count === null) return socket.close();
      const before = received;
      received += count;
      if (!answered && received >= icReqBytes) {
        answered = true;
        const digests = { header: false, data: false };
        await socket.write(encodePdu({ kind: "icResp", cpda: 0, digests, maxh2cdata: 0x2_0000 }));
      }
      if (before <= icReqBytes && received > icReqBytes) this.connects++;
    }
  }
}

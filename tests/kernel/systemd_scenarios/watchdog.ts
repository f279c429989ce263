/** The watchdog: a process that no longer makes its passes is replaced, one whose kernel connect takes long is not. */
import {
  association,
  controllers,
  kernelClock,
  kernelLog,
  lookForAll,
  lookForSame,
  rawConnect,
} from "../initiator.ts";
import { ioPort, nodeAddress } from "../network.ts";
import { addSubsystem, link } from "../nvmet.ts";
import { formatSeconds, until } from "../poll.ts";
import { expect, hosts, type Scenario } from "../scenario.ts";
import {
  dropIn,
  mainPid,
  show,
  systemctl,
  unit,
  untilActive,
  untilStatus,
  volumes,
} from "../systemd_unit.ts";
import { VolumeWriter } from "../volume_writer.ts";

export const watchdog: Scenario = {
  name: "watchdog",
  title:
    "a stopped process is killed and replaced, storage untouched; a long connect in the kernel is no reason",
  seconds: 40,
  limitMs: 150_000,
  run,
};

/** In place of the minute that is shipped. */
const watchdogSeconds = 6;

async function run(): Promise<string> {
  const { WatchdogUSec } = await show(unit, "WatchdogUSec");
  expect(WatchdogUSec === "1min", `Precondition: the watchdog waits ${WatchdogUSec}`);
  const sinceSeconds = await kernelClock();
  const writer = await VolumeWriter.start(volumes[0].mountPoint);
  await dropIn(`[Service]\nWatchdogSec=${watchdogSeconds}s\n`);
  await systemctl("restart", unit);
  await untilStatus(6);
  const heldMs = await slowConnect();
  const before = await controllers();
  const stuckMs = await stuck();
  const lost = await lookForSame(before, association);
  expect(lost === null, `After the watchdog: ${lost}`);
  // In force with the next start.
  await dropIn(null);
  const written = await writer.stop();
  const errors = (await kernelLog(sinceSeconds, 1_000)).filter((line) =>
    /I\/O error|EXT4-fs error/.test(line)
  );
  expect(errors.length === 0, `The kernel says: ${errors.join(" | ")}`);
  return `with ${watchdogSeconds} s: a connect that the kernel held for ${
    formatSeconds(heldMs)
  } is waited for; ` +
    `stopped (SIGSTOP), it is replaced and ready after ${formatSeconds(stuckMs)}; ${written}`;
}

/**
 * Something that takes connections and never answers holds the kernel's one connect at a time; the agent's own waits
 * behind it, for longer than the watchdog does. Answers how long.
 */
async function slowConnect(): Promise<number> {
  const pid = await mainPid();
  const { NRestarts } = await show(unit, "NRestarts");
  const address = nodeAddress(1, 1);
  const mute = Deno.listen({ hostname: address, port: ioPort });
  const taken: Deno.Conn[] = [];
  const taking = (async () => {
    for await (const connection of mute) taken.push(connection);
  })();
  const held = rawConnect({ nqn: "nqn.2024-01.org.example:mute", traddr: address, trsvcid: ioPort }, hosts[1])
    .catch(() => 0);
  await until("the kernel is held", 5_000, () => taken.length > 0 ? null : "no connection");
  const startedMs = performance.now();
  const nqn = "nqn.2024-01.org.example:late";
  await addSubsystem({ nqn, disk: null, hosts: [hosts[0].hostnqn] });
  for (const port of [1, 2, 3]) await link(port, nqn);
  const paths = [1, 2, 3].map((node) => ({ nqn, traddr: nodeAddress(node), trsvcid: ioPort }));
  await until("the late subsystem's paths", 60_000, () => lookForAll(paths));
  const heldMs = performance.now() - startedMs;
  await held;
  mute.close();
  for (const connection of taken) connection.close();
  await taking;
  expect(
    heldMs > watchdogSeconds * 1_000,
    `Precondition: the kernel was held for ${formatSeconds(heldMs)} only`,
  );
  await untilStatus(9);
  const after = await show(unit, "NRestarts", "ActiveState");
  expect(await mainPid() === pid && after.NRestarts === NRestarts, "A long connect had the agent restarted");
  return heldMs;
}

async function stuck(): Promise<number> {
  const pid = await mainPid();
  const { NRestarts } = await show(unit, "NRestarts");
  const startedSeconds = await kernelClock();
  const startedMs = performance.now();
  Deno.kill(pid, "SIGSTOP");
  await untilActive(60_000, pid);
  const tookMs = performance.now() - startedMs;
  await untilStatus(9);
  const after = await show(unit, "NRestarts");
  expect(
    Number(after.NRestarts) === Number(NRestarts) + 1,
    `Restarts: ${NRestarts}, then ${after.NRestarts}`,
  );
  // In this guest systemd's own words go to the kernel's log.
  const words = (await kernelLog(startedSeconds, 1_000)).filter((line) => line.includes(unit));
  expect(
    words.some((line) => /Watchdog timeout/.test(line)),
    `systemd tells of no watchdog: ${words.join(" | ")}`,
  );
  return tookMs;
}

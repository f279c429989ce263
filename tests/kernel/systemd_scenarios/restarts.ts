/** Stop, start and restart while a volume is written to: not one I/O error, not one controller touched. */
import { runCommand } from "../command.ts";
import { association, controllers, kernelClock, kernelLog, lookForSame } from "../initiator.ts";
import { pause } from "../poll.ts";
import { expect, type Scenario } from "../scenario.ts";
import { mainPid, show, systemctl, unit, untilStatus, volumes } from "../systemd_unit.ts";
import { VolumeWriter } from "../volume_writer.ts";

export const restarts: Scenario = {
  name: "restarts",
  title: "stop, start and restart with I/O running: no error; a volume can be unmounted beside the agent",
  seconds: 20,
  run,
};

async function run(): Promise<string> {
  const sinceSeconds = await kernelClock();
  const before = await controllers();
  expect(before.length >= 6, `Precondition: ${before.length} controllers`);
  const writer = await VolumeWriter.start(volumes[0].mountPoint);
  const same = async (after: string) => {
    const lost = await lookForSame(before, association);
    expect(lost === null && writer.error === null, `After ${after}: ${lost ?? writer.error?.message}`);
  };
  const startedMs = performance.now();
  await systemctl("restart", unit);
  const restartMs = performance.now() - startedMs;
  await same("restart");
  await untilStatus(before.length);
  await systemctl("stop", unit);
  await same("stop");
  const { ActiveState, Result } = await show(unit, "ActiveState", "Result");
  expect(ActiveState === "inactive" && Result === "success", `Stopped, it is ${ActiveState} with ${Result}`);
  await pause(2_000);
  await same("two seconds without an agent");
  await systemctl("start", unit);
  await untilStatus(before.length);
  await same("start");
  const written = await writer.stop();
  await unmountAndMount();
  const errors = (await kernelLog(sinceSeconds, 1_000)).filter((line) =>
    /I\/O error|EXT4-fs error|timeout/.test(line)
  );
  expect(errors.length === 0, `The kernel says: ${errors.join(" | ")}`);
  return `restart takes ${
    (restartMs / 1_000).toFixed(1)
  } s; ${written}; the same ${before.length} controllers throughout`;
}

/** The agent was started while the volume was mounted: its own view of the file systems must not hold it. */
async function unmountAndMount(): Promise<void> {
  const { uuid, mountPoint, unit: mount } = volumes[1];
  await systemctl("stop", mount);
  const view = await Deno.readTextFile(`/proc/${await mainPid()}/mountinfo`);
  expect(!view.includes(mountPoint), `The agent still sees ${mountPoint} mounted`);
  // It wants the device for itself.
  await runCommand("e2fsck", ["-f", "-p", `/dev/disk/by-id/nvme-uuid.${uuid}`]);
  await systemctl("start", mount);
}
